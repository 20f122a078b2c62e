#include "server/lifecycle/imported_room.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>

#include "server/lifecycle/room_records.h"
#include "server/lifecycle/room_status.h"
#include "server/lifecycle/staged_room.h"
#include "server/rooms/identifiers.h"
#include "server/rooms/json.h"
#include "server/rooms/named_rooms.h"
#include "server/rooms/room_state.h"
#include "server/values/timestamp.h"

namespace innkeeper::lifecycle {
namespace {

using rooms::StringOrEmpty;
using storage::RoomCommit;
using storage::RoomRecord;

// The room that the m.room.tombstone names; "" if there is none that names another room.
std::string SuccessorIn(const rooms::RoomState& state, absl::string_view room_id) {
  std::string successor =
      StringOrEmpty(rooms::StateContent(state, "m.room.tombstone"), "replacement_room");
  return rooms::CheckRoomId(successor).ok() && successor != room_id ? successor : "";
}

// What a user and other rooms find the room by.
void StageIndexes(RoomCommit& commit, const RoomRecord& record, const rooms::Event& event) {
  if (event.type == "m.room.member") {
    commit.SetUserRoom(*event.state_key, record.room_id(),
                       StringOrEmpty(event.content, "membership"));
  }
  for (const std::string& linked :
       rooms::RoomsNamedIn(event.type, *event.state_key, event.content)) {
    commit.SetLink(linked, record.room_id(), {event.type, *event.state_key}, true);
  }
}

}  // namespace

RoomRecord ImportedRoomRecord(const rooms::RoomVersion& version, const rooms::ImportedRoom& room,
                              int64_t now_us) {
  const rooms::Event& create = room.events.front().event;
  RoomRecord record;
  record.set_room_id(create.room_id);
  record.set_creator(create.sender);
  record.set_room_version(std::string(version.id));
  BeginTakenOver(record, SuccessorIn(room.state, create.room_id));
  record.set_create_time_us(
      std::clamp(MicrosFromMillis(create.origin_server_ts), int64_t{0}, now_us));
  SetSummary(record, rooms::Summarise(room.state));
  SetTip(record, room.depth, room.latest_events);
  record.set_latest_event_number(static_cast<int64_t>(room.events.size()));
  Touch(record, now_us);
  return record;
}

storage::RoomKeysRecord KeysOfOthers(const rooms::ImportedRoom& room, const rooms::VerifyKeys& keys,
                                     absl::string_view server_name) {
  std::set<std::string> signers;
  for (const rooms::ReceivedEvent& received : room.events) {
    signers.insert(received.required_signers.begin(), received.required_signers.end());
  }
  storage::RoomKeysRecord record;
  for (const auto& [server, keys_of_server] : keys) {
    if (server == server_name || !signers.contains(server)) continue;
    for (const auto& [key_id, public_key] : keys_of_server) {
      storage::VerifyKeyRecord& key = *record.add_keys();
      key.set_server_name(server);
      key.set_key_id(key_id);
      key.set_public_key(public_key);
    }
  }
  return record;
}

ImportedRoomRecords::ImportedRoomRecords(const RoomRecord& record, const rooms::ImportedRoom& room)
    : record_(record), room_(room), next_entry_(room.state.begin()) {
  by_id_.reserve(room.events.size());
  for (const rooms::ReceivedEvent& received : room.events) {
    by_id_.emplace(received.event.event_id, &received.event);
  }
}

void ImportedRoomRecords::StagePart(RoomCommit& commit, size_t max_bytes) {
  size_t bytes = 0;
  while (!done() && bytes < max_bytes) {
    bytes += next_event_ < room_.events.size() ? StageNextEvent(commit) : StageNextEntry(commit);
  }
}

size_t ImportedRoomRecords::StageNextEvent(RoomCommit& commit) {
  storage::EventRecord event = ToEventRecord(room_.events[next_event_++], record_.revision());
  const size_t bytes = event.ByteSizeLong() + kEventOverheadBytes;
  commit.PutEvent(record_.room_id(), static_cast<int64_t>(next_event_), std::move(event));
  return bytes;
}

size_t ImportedRoomRecords::StageNextEntry(RoomCommit& commit) {
  const auto& [place, entry] = *next_entry_++;
  const rooms::Event& event = *by_id_.at(entry.reference.event_id);
  const storage::StateRecord state = ToStateRecord(VersionOf(record_), event, record_.revision());
  commit.PutState(record_.room_id(), {place.type, place.state_key}, state, std::nullopt);
  StageIndexes(commit, record_, event);
  return state.ByteSizeLong() + kEventOverheadBytes;
}

}  // namespace innkeeper::lifecycle
