// UpgradeRoom does what its comments promise.

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/e2e/e2e_test.h"
#include "tests/e2e/held_call.h"

namespace innkeeper {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class UpgradeTest : public E2eTest {};

TEST_F(UpgradeTest, EverythingMovesToTheNewRoom) {
  const std::string alice = User("alice");
  v1::CreateRoomRequest request = FromJson<v1::CreateRoomRequest>(R"({
      "roomVersion": "10", "preset": "ROOM_PRESET_PUBLIC_CHAT", "isPublic": true,
      "name": "Lobby", "topic": "Keys", "encryptionAlgorithm": "m.megolm.v1.aes-sha2",
      "creationContent": {"type": "m.space", "m.federate": true},
      "initialState": [
        {"type": "m.room.avatar", "content": {"url": "mxc://example.org/avatar"}},
        {"type": "m.room.server_acl", "content": {"allow": ["*"], "deny": ["evil.example"]}}]})");
  request.set_creator(alice);
  request.set_alias(Alias("lobby"));
  request.add_invites(User("bob"));
  request.add_invites("@carol:elsewhere.example");
  const v1::Room before = backend().Create(request);
  const auto old_state = reader().State(before.room_id());

  const auto reply = backend().UpgradeRoom(UpgradeRequest(before.room_id(), alice, "11"));
  ASSERT_TRUE(reply.ok()) << reply.status.error_message();
  const v1::UpgradeRoomResponse& response = reply.response;
  const v1::Room& room = response.room();
  EXPECT_EQ(response.joined_member_count(), 1);
  EXPECT_EQ(response.invited_member_count(), 2);
  EXPECT_EQ(response.banned_member_count(), 0);
  EXPECT_THAT(response.moved_aliases(), ElementsAre(Alias("lobby")));

  EXPECT_EQ(room.creator(), alice);
  EXPECT_EQ(room.room_version(), "11");
  EXPECT_EQ(room.status(), v1::ROOM_STATUS_ACTIVE);
  EXPECT_TRUE(room.is_public());
  EXPECT_EQ(room.name(), "Lobby");
  EXPECT_EQ(room.topic(), "Keys");
  EXPECT_EQ(room.canonical_alias(), Alias("lobby"));
  EXPECT_EQ(room.encryption_algorithm(), "m.megolm.v1.aes-sha2");
  EXPECT_EQ(room.room_type(), "m.space");
  EXPECT_EQ(room.joined_member_count(), 1);
  EXPECT_EQ(room.invited_member_count(), 2);
  EXPECT_EQ(room.predecessor_room_id(), before.room_id());
  EXPECT_EQ(room.preset(), v1::ROOM_PRESET_UNSPECIFIED);
  EXPECT_EQ(reader().Room(room.room_id()).SerializeAsString(), room.SerializeAsString());

  const auto state = reader().State(room.room_id());
  for (const std::string type :
       {"m.room.name", "m.room.topic", "m.room.avatar", "m.room.server_acl", "m.room.encryption",
        "m.room.join_rules", "m.room.guest_access", "m.room.history_visibility",
        "m.room.power_levels"}) {
    SCOPED_TRACE(type);
    ASSERT_TRUE(state.count({type, ""}));
    EXPECT_EQ(ContentOf(state.at({type, ""})), ContentOf(old_state.at({type, ""})));
  }
  const auto& predecessor =
      state.at({"m.room.create", ""}).content().fields().at("predecessor").struct_value().fields();
  EXPECT_EQ(predecessor.at("room_id").string_value(), before.room_id());
  EXPECT_EQ(predecessor.at("event_id").string_value(),
            reader().State(before.room_id()).at({"m.room.tombstone", ""}).event_id());
  EXPECT_THAT(ContentOf(state.at({"m.room.member", alice})), HasSubstr(R"("join")"));
  EXPECT_THAT(ContentOf(state.at({"m.room.member", User("bob")})), HasSubstr(R"("invite")"));
  EXPECT_THAT(ContentOf(state.at({"m.room.member", "@carol:elsewhere.example"})),
              HasSubstr(R"("invite")"));
  EXPECT_EQ(ContentOf(state.at({"m.room.canonical_alias", ""})),
            absl::StrCat(R"({"alias":")", Alias("lobby"), R"("})"));

  const v1::Room& old_room = response.old_room();
  EXPECT_EQ(old_room.status(), v1::ROOM_STATUS_TOMBSTONED);
  EXPECT_EQ(old_room.successor_room_id(), room.room_id());
  EXPECT_FALSE(old_room.is_public());
  EXPECT_FALSE(old_room.has_upgrade());
  EXPECT_GT(old_room.revision(), before.revision());
  EXPECT_EQ(reader().Room(before.room_id()).SerializeAsString(), old_room.SerializeAsString());
  const auto tombstone =
      reader().State(before.room_id()).at({"m.room.tombstone", ""}).content().fields();
  EXPECT_EQ(tombstone.at("replacement_room").string_value(), room.room_id());
  EXPECT_TRUE(tombstone.count("body"));

  const std::vector<v1::RoomEvent> events = watcher().AllEvents();
  const auto created = std::find_if(events.begin(), events.end(), [&](const auto& event) {
    return event.room_id() == room.room_id();
  });
  ASSERT_NE(created, events.end());
  EXPECT_EQ(created->type(), "room.created");
  EXPECT_EQ(created->room_created().predecessor_room_id(), before.room_id());
  EXPECT_EQ(created->room_created().encryption_algorithm(), "m.megolm.v1.aes-sha2");
  const auto upgraded = std::next(created);
  ASSERT_NE(upgraded, events.end());
  EXPECT_EQ(upgraded->type(), "room.upgraded");
  EXPECT_EQ(upgraded->room_upgraded().old_room_id(), before.room_id());
  EXPECT_EQ(upgraded->room_upgraded().new_room_id(), room.room_id());
  EXPECT_EQ(upgraded->room_upgraded().new_version(), "11");
  EXPECT_EQ(upgraded->commit_id(), created->commit_id());
  EXPECT_EQ(upgraded->sequence(), created->sequence() + 1);
}

TEST_F(UpgradeTest, TheAliasAndTheNextUpgradeAreTheNewRooms) {
  const std::string alice = User("alice");
  v1::CreateRoomRequest request = RoomRequest(alice);
  request.set_alias(Alias("lobby"));
  std::string room_id = backend().Create(request).room_id();
  const std::string first = room_id;
  for (const std::string version : {"11", "12", "12", "1"}) {
    const auto reply = backend().UpgradeRoom(UpgradeRequest(room_id, alice, version));
    ASSERT_TRUE(reply.ok()) << version << ": " << reply.status.error_message();
    EXPECT_THAT(reply.response.moved_aliases(), ElementsAre(Alias("lobby")));
    EXPECT_EQ(reply.response.room().canonical_alias(), Alias("lobby"));
    EXPECT_EQ(reply.response.old_room().canonical_alias(), "");
    room_id = reply.response.room().room_id();
  }
  EXPECT_THAT(backend().CreateRoom(request).status,
              IsError(grpc::StatusCode::ALREADY_EXISTS, "ALIAS_IN_USE"));

  // The way from the first room to the last one.
  std::string at = first;
  for (v1::Room room = reader().Room(at); room.status() == v1::ROOM_STATUS_TOMBSTONED;
       room = reader().Room(at)) {
    at = room.successor_room_id();
  }
  EXPECT_EQ(at, room_id);
}

TEST_F(UpgradeTest, FromEveryVersionToItsNeighboursTheUpgraderKeepsThePower) {
  const std::string alice = User("alice");
  for (int from = 1; from <= 12; ++from) {
    for (const int to : {1, from % 12 + 1, 12}) {
      SCOPED_TRACE(absl::StrCat(from, " to ", to));
      v1::CreateRoomRequest request = RoomRequest(alice);
      request.set_room_version(absl::StrCat(from));
      const v1::Room room = backend().Create(request);
      const auto reply =
          backend().UpgradeRoom(UpgradeRequest(room.room_id(), alice, absl::StrCat(to)));
      ASSERT_TRUE(reply.ok()) << reply.status.error_message();
      // Whoever can upgrade once more has the power.
      const std::string& new_id = reply.response.room().room_id();
      v1::UpgradeRoomRequest again = UpgradeRequest(new_id, alice, "11");
      again.set_validate_only(true);
      EXPECT_TRUE(backend().UpgradeRoom(again).ok());
    }
  }
}

TEST_F(UpgradeTest, ValidateOnlyTellsWhatWouldBeAndWritesNothing) {
  const std::string alice = User("alice");
  v1::CreateRoomRequest create = RoomRequest(alice);
  create.set_alias(Alias("lobby"));
  const v1::Room room = backend().Create(create);
  const int64_t head = LogHead();
  v1::UpgradeRoomRequest request = UpgradeRequest(room.room_id(), alice, "12");
  request.set_validate_only(true);
  request.set_request_id("dry-upgrade");
  const auto preview = backend().UpgradeRoom(request);
  ASSERT_TRUE(preview.ok()) << preview.status.error_message();
  EXPECT_EQ(preview.response.room().room_id(), "");
  EXPECT_EQ(preview.response.room().room_version(), "12");
  EXPECT_THAT(preview.response.moved_aliases(), ElementsAre(Alias("lobby")));
  EXPECT_EQ(preview.response.old_room().SerializeAsString(), room.SerializeAsString());
  EXPECT_EQ(reader().Room(room.room_id()).SerializeAsString(), room.SerializeAsString());

  request.set_new_version("13");
  EXPECT_THAT(backend().UpgradeRoom(request).status,
              IsError(grpc::StatusCode::INVALID_ARGUMENT, "ROOM_VERSION_UNSUPPORTED"));
  EXPECT_EQ(LogHead(), head) << "not even a failure is told of";
}

// Expects that the log's newest event tells of this failure, and that the room is
// as it was.
void ExpectFailure(const TestClient& watcher, const TestClient& reader, const v1::Room& before,
                   v1::UpgradeFailureReason reason, const std::string& requester,
                   const std::string& version) {
  const std::vector<v1::RoomEvent> events = EventsOf(watcher, before.room_id());
  ASSERT_FALSE(events.empty());
  const v1::RoomEvent& event = events.back();
  EXPECT_EQ(event.type(), "room.upgrade.failed");
  EXPECT_EQ(event.room_upgrade_failed().reason(), reason);
  EXPECT_EQ(event.room_upgrade_failed().requester(), requester);
  EXPECT_EQ(event.room_upgrade_failed().new_version(), version);
  EXPECT_EQ(event.room_upgrade_failed().room_id(), before.room_id());
  EXPECT_EQ(reader.Room(before.room_id()).SerializeAsString(), before.SerializeAsString());
}

TEST_F(UpgradeTest, FailsForAVersionThatIsNotSupported) {
  const std::string alice = User("alice");
  const v1::Room room = backend().Create(RoomRequest(alice));
  const auto reply = backend().UpgradeRoom(UpgradeRequest(room.room_id(), alice, "13"));
  EXPECT_THAT(reply.status,
              IsError(grpc::StatusCode::INVALID_ARGUMENT, "ROOM_VERSION_UNSUPPORTED"));
  EXPECT_THAT(FieldsOf(reply.status), ElementsAre("new_version"));
  ExpectFailure(watcher(), reader(), room, v1::UPGRADE_FAILURE_REASON_VERSION_UNSUPPORTED, alice,
                "13");
}

TEST_F(UpgradeTest, FailsForWhoLacksThePower) {
  // Today only creators are joined, and they have the power. Who may read every
  // room is told what they lack.
  const v1::Room room = backend().Create(RoomRequest(User("alice")));
  const auto reply = admin().UpgradeRoom(UpgradeRequest(room.room_id(), User("mallory"), "12"));
  EXPECT_THAT(reply.status, IsError(grpc::StatusCode::PERMISSION_DENIED, "INSUFFICIENT_POWER"));
  ExpectFailure(watcher(), reader(), room, v1::UPGRADE_FAILURE_REASON_INSUFFICIENT_POWER,
                User("mallory"), "12");
}

TEST_F(UpgradeTest, WhoIsNotJoinedLearnsNothingAndLeavesNoTrace) {
  v1::CreateRoomRequest request = RoomRequest(User("alice"));
  request.add_invites(User("bob"));
  const v1::Room room = backend().Create(request);
  const int64_t head = LogHead();
  for (const std::string& user : {User("bob"), User("mallory")}) {
    for (const std::string version : {"12", "13"}) {
      EXPECT_THAT(backend().UpgradeRoom(UpgradeRequest(room.room_id(), user, version)).status,
                  IsError(grpc::StatusCode::NOT_FOUND, "ROOM_NOT_FOUND"));
    }
  }
  EXPECT_EQ(LogHead(), head);
  EXPECT_EQ(reader().Room(room.room_id()).SerializeAsString(), room.SerializeAsString());
}

class HeldUpgradeTest : public HeldCallTest {
 protected:
  const std::string alice_ = "@alice:example.org";
};

TEST_F(HeldUpgradeTest, TheRoomIsLockedMeanwhileAndOthersAreTurnedAway) {
  const v1::Room room = client_->Create(RoomRequest(alice_));
  HoldUpgrade(UpgradeRequest(room.room_id(), alice_, "12"));

  const v1::Room locked = client_->Room(room.room_id());
  EXPECT_EQ(locked.status(), v1::ROOM_STATUS_UPGRADING);
  EXPECT_EQ(locked.upgrade().new_version(), "12");
  EXPECT_EQ(locked.upgrade().requester(), alice_);
  EXPECT_EQ(
      locked.upgrade().lease_expire_time().seconds() - locked.upgrade().start_time().seconds(), 30);
  EXPECT_EQ(locked.successor_room_id(), "");
  EXPECT_EQ(client_->State(room.room_id()).count({"m.room.tombstone", ""}), 0u);
  v1::ListRoomsRequest upgrading;
  upgrading.set_status(v1::ROOM_STATUS_UPGRADING);
  EXPECT_EQ(client_->ListRooms(upgrading).response.rooms_size(), 1);
  EXPECT_EQ(client_->ListRooms({}).response.rooms_size(), 1) << "no half of a room is seen";

  EXPECT_THAT(client_->UpgradeRoom(UpgradeRequest(room.room_id(), alice_, "11")).status,
              IsError(grpc::StatusCode::ABORTED, "ROOM_UPGRADE_IN_PROGRESS"));
  ExpectFailure(*client_, *client_, locked, v1::UPGRADE_FAILURE_REASON_UPGRADE_IN_PROGRESS, alice_,
                "11");
  LetGo();
  ASSERT_TRUE(upgraded_.ok()) << upgraded_.status.error_message();
  EXPECT_EQ(client_->Room(room.room_id()).status(), v1::ROOM_STATUS_TOMBSTONED);
}

TEST_F(HeldUpgradeTest, WhoseLeaseLapsedHasLostTheRoom) {
  const v1::Room room = client_->Create(RoomRequest(alice_));
  HoldUpgrade(UpgradeRequest(room.room_id(), alice_, "12"));
  skew_seconds_ = 31;
  const auto taken_over = client_->UpgradeRoom(UpgradeRequest(room.room_id(), alice_, "11"));
  ASSERT_TRUE(taken_over.ok()) << taken_over.status.error_message();
  LetGo();
  EXPECT_THAT(upgraded_.status, IsError(grpc::StatusCode::INTERNAL, "ROOM_UPGRADE_FAILED"));

  const std::vector<v1::RoomEvent> events = EventsOf(*client_, room.room_id());
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[1].room_upgrade_failed().reason(), v1::UPGRADE_FAILURE_REASON_INTERRUPTED);
  EXPECT_EQ(events[1].room_upgrade_failed().new_version(), "12");
  EXPECT_EQ(events[2].type(), "room.upgraded");
  EXPECT_EQ(client_->Room(room.room_id()).successor_room_id(),
            taken_over.response.room().room_id());
  EXPECT_EQ(client_->ListRooms({}).response.rooms_size(), 2);
}

}  // namespace
}  // namespace innkeeper
