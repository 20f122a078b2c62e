#include "tests/crash/room_check.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/message_differencer.h"

namespace innkeeper::crash {
namespace {

using google::protobuf::util::MessageDifferencer;

constexpr int kCheckers = 4;
// The versions in which an upgraded room knows its predecessor's last event.
constexpr int kLastVersionWithEventId = 11;

using State = std::map<std::pair<std::string, std::string>, v1::StateEvent>;

// Checks one room.
class RoomCheck {
 public:
  RoomCheck(const TestClient& client, const Ledger& ledger, const std::string& room_id,
            Violations& violations)
      : client_(client), ledger_(ledger), room_id_(room_id), violations_(violations) {}

  void Run() {
    const LoggedRoom* logged = ledger_.Find(room_id_);
    const std::optional<v1::Room> room = ReadRoom();
    if (logged == nullptr) {
      Expect(!room, "is not in the log, and there");
      return;
    }
    std::optional<ExpectedRoom> expected = ledger_.Expect(room_id_);
    if (!Expect(room.has_value(), "is in the log, and can't be read") ||
        !Expect(expected.has_value(), "comes from nowhere")) {
      return;
    }
    const bool replaced = !logged->successor.empty();
    if (replaced) expected = ExpectTombstoned(*std::move(expected), logged->successor);
    CheckFields(*room, *expected);
    CheckLife(*room, *logged);
    CheckState(*room, *expected);
    if (!room->predecessor_room_id().empty()) CheckPredecessor(*room);
    if (!replaced) CheckUpgradable(*expected);
  }

 private:
  template <typename... Parts>
  bool Expect(bool holds, const Parts&... parts) {
    return violations_.Expect(holds, "room ", room_id_, " ", parts...);
  }

  std::optional<v1::Room> ReadRoom() {
    v1::GetRoomRequest request;
    request.set_room_id(room_id_);
    Reply<v1::GetRoomResponse> reply = client_.GetRoom(request);
    if (reply.ok()) return reply.response.room();
    Expect(ReasonOf(reply.status) == "ROOM_NOT_FOUND",
           "can't be read: ", reply.status.error_message());
    return std::nullopt;
  }

  State ReadState(const std::string& room_id, const std::string& type) {
    v1::GetRoomStateRequest request;
    request.set_room_id(room_id);
    request.set_type(type);
    State state;
    do {
      Reply<v1::GetRoomStateResponse> reply = client_.GetRoomState(request);
      if (!Expect(reply.ok(), "has no readable state: ", reply.status.error_message())) break;
      for (v1::StateEvent& event : *reply.response.mutable_events()) {
        const std::pair key(event.type(), event.state_key());
        Expect(state.emplace(key, std::move(event)).second, "has twice in its state: ", key.first);
      }
      request.set_page_token(reply.response.next_page_token());
    } while (!request.page_token().empty());
    return state;
  }

  void CheckFields(const v1::Room& room, const ExpectedRoom& expected) {
    v1::Room wanted = room;
    wanted.set_room_id(room_id_);
    wanted.set_creator(expected.creator);
    wanted.set_room_version(expected.version);
    wanted.set_preset(expected.preset);
    wanted.set_is_public(expected.is_public);
    wanted.set_name(expected.name);
    wanted.set_topic(expected.topic);
    wanted.set_canonical_alias(expected.alias);
    wanted.set_encryption_algorithm(expected.encryption_algorithm);
    wanted.set_room_type(expected.type);
    wanted.set_joined_member_count(1);
    wanted.set_invited_member_count(expected.invited);
    std::string difference;
    MessageDifferencer differencer;
    differencer.ReportDifferencesToString(&difference);
    Expect(differencer.Compare(wanted, room), "is not as asked for: ", difference);
  }

  void CheckLife(const v1::Room& room, const LoggedRoom& logged) {
    const v1::RoomStatus status =
        logged.successor.empty() ? v1::ROOM_STATUS_ACTIVE : v1::ROOM_STATUS_TOMBSTONED;
    Expect(room.status() == status && !room.has_upgrade(), "has the status ",
           v1::RoomStatus_Name(room.status()));
    Expect(room.successor_room_id() == logged.successor, "has the successor ",
           room.successor_room_id(), " and in the log ", logged.successor);
    const v1::RoomCreated& created = logged.created;
    Expect(room.predecessor_room_id() == created.predecessor_room_id(), "has the predecessor ",
           room.predecessor_room_id(), " and in the log ", created.predecessor_room_id());
    Expect(room.room_version() == created.room_version() &&
               room.creator() == created.creator_id() && room.preset() == created.preset() &&
               room.encryption_algorithm() == created.encryption_algorithm(),
           "is not the one that the log tells of: ", created.ShortDebugString());
  }

  void CheckState(const v1::Room& room, const ExpectedRoom& expected) {
    const State state = ReadState(room_id_, "");
    for (const auto& [key, content] : expected.state) {
      const auto entry = state.find(key);
      if (!Expect(entry != state.end(), "lacks ", key.first, " \"", key.second, "\"")) continue;
      Expect(!content || MessageDifferencer::Equals(*content, entry->second.content()),
             "has another ", key.first, " \"", key.second, "\"");
    }
    for (const auto& [key, event] : state) {
      Expect(expected.state.contains(key), "has an unasked-for ", key.first, " \"", key.second,
             "\"");
      Expect(event.revision() <= room.revision(), "has a state entry of a revision to come");
    }
  }

  // The first event of this room names the room that it replaces, and its tombstone.
  void CheckPredecessor(const v1::Room& room) {
    const State create = ReadState(room_id_, "m.room.create");
    const State tombstone = ReadState(room.predecessor_room_id(), "m.room.tombstone");
    if (!Expect(create.size() == 1 && tombstone.size() == 1, "or its predecessor is not whole")) {
      return;
    }
    const auto& fields = create.begin()->second.content().fields();
    const auto found = fields.find("predecessor");
    if (!Expect(found != fields.end(), "does not name its predecessor")) return;
    const auto& predecessor = found->second.struct_value().fields();
    const auto room_id = predecessor.find("room_id");
    Expect(room_id != predecessor.end() &&
               room_id->second.string_value() == room.predecessor_room_id(),
           "names another predecessor");
    if (std::stoi(room.room_version()) > kLastVersionWithEventId) return;
    const auto event_id = predecessor.find("event_id");
    Expect(event_id != predecessor.end() &&
               event_id->second.string_value() == tombstone.begin()->second.event_id(),
           "names another event than its predecessor's tombstone");
  }

  // An upgrade that is only tried tells which aliases point to the room.
  void CheckUpgradable(const ExpectedRoom& expected) {
    v1::UpgradeRoomRequest request;
    request.set_room_id(room_id_);
    request.set_requester(expected.creator);
    request.set_new_version(expected.version);
    request.set_validate_only(true);
    const Reply<v1::UpgradeRoomResponse> reply = client_.UpgradeRoom(request);
    if (!Expect(reply.ok(), "can't be upgraded: ", reply.status.error_message())) return;
    const std::vector<std::string> aliases(reply.response.moved_aliases().begin(),
                                           reply.response.moved_aliases().end());
    const std::vector<std::string> wanted(expected.alias.empty() ? 0 : 1, expected.alias);
    Expect(aliases == wanted, "has ", aliases.size(), " aliases, and not \"", expected.alias, "\"");
    Expect(reply.response.invited_member_count() == expected.invited,
           "would take along other invites than it has");
  }

  const TestClient& client_;
  const Ledger& ledger_;
  const std::string& room_id_;
  Violations& violations_;
};

std::vector<v1::Room> ListRooms(const TestClient& client, v1::RoomStatus status,
                                Violations& violations) {
  v1::ListRoomsRequest request;
  request.set_status(status);
  request.set_page_size(1000);
  std::vector<v1::Room> rooms;
  do {
    const Reply<v1::ListRoomsResponse> reply = client.ListRooms(request);
    if (!violations.Expect(reply.ok(), "rooms can't be listed: ", reply.status.error_message())) {
      break;
    }
    rooms.insert(rooms.end(), reply.response.rooms().begin(), reply.response.rooms().end());
    request.set_page_token(reply.response.next_page_token());
  } while (!request.page_token().empty());
  return rooms;
}

}  // namespace

void CheckRooms(const TestClient& client, const Ledger& ledger,
                const std::vector<std::string>& room_ids, Violations& violations) {
  std::atomic<size_t> next = 0;
  std::vector<std::thread> checkers;
  for (int i = 0; i < kCheckers; ++i) {
    checkers.emplace_back([&] {
      for (size_t index = next++; index < room_ids.size(); index = next++) {
        RoomCheck(client, ledger, room_ids[index], violations).Run();
      }
    });
  }
  for (std::thread& checker : checkers) checker.join();
}

void CheckRoomList(const TestClient& client, const Ledger& ledger, Violations& violations) {
  std::set<std::string> listed;
  for (const v1::Room& room : ListRooms(client, v1::ROOM_STATUS_UNSPECIFIED, violations)) {
    violations.Expect(listed.insert(room.room_id()).second, "room ", room.room_id(),
                      " is listed twice");
    violations.Expect(room.status() != v1::ROOM_STATUS_UPGRADING, "room ", room.room_id(),
                      " is stuck in its upgrade");
    violations.Expect(ledger.Find(room.room_id()) != nullptr, "room ", room.room_id(),
                      " is listed, and not in the log");
  }
  for (const auto& [room_id, room] : ledger.rooms()) {
    violations.Expect(listed.contains(room_id), "room ", room_id, " is in the log, and not listed");
  }
}

void CheckNoneUpgrading(const TestClient& client, Violations& violations) {
  for (const v1::Room& room : ListRooms(client, v1::ROOM_STATUS_UPGRADING, violations)) {
    violations.Add("room ", room.room_id(), " is stuck in its upgrade");
  }
}

}  // namespace innkeeper::crash
