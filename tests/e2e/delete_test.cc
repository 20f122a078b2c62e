// DeleteRoom does what its comment promises: nothing of the room can be read from the reply
// on, and soon nothing of it is stored.

#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/base/file.h"
#include "storage/rocksdb/rocksdb_engine.h"
#include "tests/e2e/e2e_test.h"
#include "tests/support/child_process.h"
#include "tests/support/directory_watch.h"
#include "tests/support/temp_dir.h"
#include "tests/support/watch_stream.h"

namespace innkeeper {
namespace {

using grpc::StatusCode;
using testing::ElementsAre;
using testing::IsEmpty;

v1::DeleteRoomRequest DeleteRequest(const std::string& room_id,
                                    const std::string& request_id = "") {
  v1::DeleteRoomRequest request;
  request.set_room_id(room_id);
  request.set_request_id(request_id);
  return request;
}

auto IsRoomNotFound() { return IsError(StatusCode::NOT_FOUND, "ROOM_NOT_FOUND"); }

class DeleteTest : public E2eTest {
 protected:
  // A public room of alice's in which bob is, with an alias, an invite that waits for
  // delivery, and a message.
  static std::string NewRoom() {
    v1::CreateRoomRequest request = RoomRequest(User("alice"));
    request.set_preset(v1::ROOM_PRESET_PUBLIC_CHAT);
    request.set_is_public(true);
    request.set_alias(Alias("room"));
    request.add_invites("@zoe:elsewhere.net");
    std::string room_id = backend().Create(request).room_id();
    EXPECT_TRUE(backend().JoinRoom(JoinRequest(room_id, User("bob"))).ok());
    EXPECT_TRUE(backend().SendEvent(SendRequest(room_id, User("bob"), "Hello")).ok());
    return room_id;
  }

  static void Delete(const std::string& room_id) {
    const auto deleted = admin().DeleteRoom(DeleteRequest(room_id));
    ASSERT_TRUE(deleted.ok()) << deleted.status.error_message();
  }
};

TEST_F(DeleteTest, NobodyReadsAnythingOfItAnyMore) {
  const std::string room_id = NewRoom();
  const v1::Room room = reader().Room(room_id);
  const std::string event_id = reader().State(room_id).at({"m.room.create", ""}).event_id();
  const auto deleted = admin().DeleteRoom(DeleteRequest(room_id));
  ASSERT_TRUE(deleted.ok()) << deleted.status.error_message();
  EXPECT_EQ(deleted.response.room().SerializeAsString(), room.SerializeAsString());

  for (const std::string& as : {std::string(), User("bob")}) {
    const TestClient& client = as.empty() ? reader() : backend();
    EXPECT_THAT(client.GetRoom(GetRequest(room_id, as)).status, IsRoomNotFound());
    EXPECT_THAT(client.GetRoomState(StateRequest(room_id, as)).status, IsRoomNotFound());
    EXPECT_THAT(client.GetEvent(EventRequest(room_id, event_id, as)).status, IsRoomNotFound());
    EXPECT_THAT(client.ListEvents(ListRequest(room_id, as)).status, IsRoomNotFound());
    EXPECT_THAT(client.ExportRoom(ExportRequest(room_id, as)).status, IsRoomNotFound());
    v1::ListMembersRequest members;
    members.set_room_id(room_id);
    members.set_requester(as);
    EXPECT_THAT(client.ListMembers(members).status, IsRoomNotFound());
    v1::ListAliasesRequest aliases;
    aliases.set_room_id(room_id);
    aliases.set_requester(as);
    EXPECT_THAT(client.ListAliases(aliases).status, IsRoomNotFound());
  }
  EXPECT_THAT(RoomsOf(backend(), User("bob")), IsEmpty());
  EXPECT_EQ(RoomAt(reader(), Alias("room")), "");
  v1::ListUserRoomsRequest rooms_of_bob;
  rooms_of_bob.set_user_id(User("bob"));
  EXPECT_THAT(backend().ListUserRooms(rooms_of_bob).response.rooms(), IsEmpty());
  const auto listing = reader().ListPublicRooms({});
  ASSERT_TRUE(listing.ok());
  for (const v1::PublicRoom& listed : listing.response.rooms()) {
    EXPECT_NE(listed.room_id(), room_id);
  }
  const auto invites = admin().ListPendingInvites({});
  ASSERT_TRUE(invites.ok());
  for (const v1::PendingInvite& invite : invites.response.invites()) {
    EXPECT_NE(invite.room_id(), room_id);
  }
}

TEST_F(DeleteTest, NobodyWritesIntoItAnyMore) {
  const std::string room_id = NewRoom();
  const std::string alice = User("alice"), bob = User("bob");
  const std::string event_id = reader().State(room_id).at({"m.room.create", ""}).event_id();
  Delete(room_id);
  EXPECT_THAT(backend().SendEvent(SendRequest(room_id, bob, "Hello?")).status, IsRoomNotFound());
  EXPECT_THAT(backend().SetState(SetStateRequest(room_id, alice, "org.example.x", "{}")).status,
              IsRoomNotFound());
  EXPECT_THAT(backend().RedactEvent(RedactRequest(room_id, alice, event_id)).status,
              IsRoomNotFound());
  EXPECT_THAT(backend().JoinRoom(JoinRequest(room_id, User("carol"))).status, IsRoomNotFound());
  EXPECT_THAT(backend().InviteUser(InviteRequest(room_id, alice, User("carol"))).status,
              IsRoomNotFound());
  EXPECT_THAT(backend().LeaveRoom(LeaveRequest(room_id, bob)).status, IsRoomNotFound());
  EXPECT_THAT(backend().UpgradeRoom(UpgradeRequest(room_id, alice, "12")).status, IsRoomNotFound());
  EXPECT_THAT(backend().SetAlias(SetAliasRequest(Alias("new"), room_id, alice)).status,
              IsRoomNotFound());
  v1::SetVisibilityRequest visibility;
  visibility.set_room_id(room_id);
  visibility.set_requester(alice);
  EXPECT_THAT(backend().SetVisibility(visibility).status, IsRoomNotFound());
}

TEST_F(DeleteTest, TheStreamTellsLastOfAll) {
  const std::string room_id = NewRoom();
  v1::WatchRoomEventsRequest watch;
  watch.set_position(v1::START_POSITION_OLDEST);
  watch.mutable_filter()->add_room_ids(room_id);
  WatchStream stream(watcher(), watch);
  EXPECT_EQ(stream.UntilCaughtUp().back().type(), "room.event.sent");
  Delete(room_id);
  const v1::RoomEvent event = stream.NextEvents(1).front();
  EXPECT_EQ(event.type(), "room.deleted");
  EXPECT_EQ(event.room_id(), room_id);
  EXPECT_EQ(event.room_deleted().room_id(), room_id);
  EXPECT_EQ(event.creator(), User("alice"));
  // The log still has what was before, and to those who deliver invites nothing of this room.
  const std::vector<v1::RoomEvent> events = EventsOf(admin(), room_id);
  EXPECT_EQ(events.back().type(), "room.deleted");
  const auto pending = std::ranges::find(events, "room.invite.pending", &v1::RoomEvent::type);
  ASSERT_NE(pending, events.end());
  EXPECT_EQ(pending->room_invite_pending().pdu(), "");
}

TEST_F(DeleteTest, ASnapshotOfTheRoomsHasItNot) {
  const std::string room_id = NewRoom();
  Delete(room_id);
  v1::WatchRoomEventsRequest watch;
  watch.set_position(v1::START_POSITION_SNAPSHOT);
  const TestClient observer(server().address(), TestToken("observer"));
  WatchStream stream(observer, watch);
  bool ended = false;
  while (!ended) {
    const auto message = stream.Next();
    ASSERT_TRUE(message.has_value());
    for (const v1::Room& room : message->snapshot().rooms()) EXPECT_NE(room.room_id(), room_id);
    ended = message->has_snapshot_end();
  }
}

TEST_F(DeleteTest, ItsAliasIsFreeAtOnce) {
  const std::string first = NewRoom();
  Delete(first);
  const std::string second = NewRoom();
  EXPECT_EQ(RoomAt(reader(), Alias("room")), second);
}

TEST_F(DeleteTest, TheSameRequestGetsTheSameAnswer) {
  const std::string room_id = NewRoom();
  const v1::DeleteRoomRequest request = DeleteRequest(room_id, "delete-twice");
  const auto deleted = admin().DeleteRoom(request);
  ASSERT_TRUE(deleted.ok()) << deleted.status.error_message();
  const auto repeated = admin().DeleteRoom(request);
  ASSERT_TRUE(repeated.ok()) << repeated.status.error_message();
  EXPECT_EQ(repeated.response.SerializeAsString(), deleted.response.SerializeAsString());
  EXPECT_THAT(admin().DeleteRoom(DeleteRequest(room_id)).status, IsRoomNotFound());
  EXPECT_THAT(admin().DeleteRoom(DeleteRequest(NewRoom(), "delete-twice")).status,
              IsError(StatusCode::INVALID_ARGUMENT, "REQUEST_ID_REUSED"));
}

TEST_F(DeleteTest, BadRequestsNameTheirFields) {
  EXPECT_THAT(admin().DeleteRoom({}).status, IsInvalid({"room_id"}));
  EXPECT_THAT(admin().DeleteRoom(DeleteRequest("room", "a b")).status,
              IsInvalid({"room_id", "request_id"}));
  EXPECT_THAT(backend().DeleteRoom(DeleteRequest(NewRoom())).status,
              IsError(StatusCode::PERMISSION_DENIED, "ROLE_MISSING"));
}

TEST_F(DeleteTest, ARoomThatWasReplacedGoesAndItsSuccessorStays) {
  const std::string old_id = NewRoom();
  const auto upgraded = backend().UpgradeRoom(UpgradeRequest(old_id, User("alice"), "12"));
  ASSERT_TRUE(upgraded.ok()) << upgraded.status.error_message();
  const std::string& new_id = upgraded.response.room().room_id();
  Delete(old_id);
  EXPECT_EQ(RoomsOf(backend(), User("bob")), std::vector<std::string>{new_id});
  EXPECT_EQ(reader().Room(new_id).predecessor_room_id(), old_id);
  EXPECT_EQ(RoomAt(reader(), Alias("room")), new_id);
  Delete(new_id);
  EXPECT_THAT(RoomsOf(backend(), User("bob")), IsEmpty());
}

TEST_F(DeleteTest, ARoomThatOnlyAskedForItLetsNobodyIn) {
  const std::string club = NewRoom();
  auto request = FromJson<v1::CreateRoomRequest>(absl::StrCat(
      R"({"initialState": [{"type": "m.room.join_rules", "content": {"join_rule": "restricted",
          "allow": [{"type": "m.room_membership", "room_id": ")",
      club, R"("}]}}]})"));
  request.set_creator(User("alice"));
  const std::string room_id = backend().Create(request).room_id();
  Delete(club);
  EXPECT_FALSE(backend().JoinRoom(JoinRequest(room_id, User("bob"))).ok());
  EXPECT_THAT(MembersOf(reader(), room_id, "join"), ElementsAre(User("alice")));
}

TEST_F(DeleteTest, ItCanBeImportedAgainAtOnce) {
  const std::string room_id = NewRoom();
  const ExportedRoom before = admin().ExportRoom(ExportRequest(room_id));
  ASSERT_TRUE(before.status.ok()) << before.status.error_message();
  for (int round = 0; round < 3; ++round) {
    Delete(room_id);
    const auto imported = admin().ImportRoom(ImportRequests(before));
    ASSERT_TRUE(imported.ok()) << imported.status.error_message();
    EXPECT_EQ(admin().ExportRoom(ExportRequest(room_id)).pdus, before.pdus);
    EXPECT_THAT(RoomsOf(backend(), User("bob")), ElementsAre(room_id));
  }
}

TEST_F(DeleteTest, APageOfWhatItWasEndsWhenItIsImportedWithLess) {
  const std::string room_id = NewRoom();
  v1::ListEventsRequest request = ListRequest(room_id);
  request.set_direction(v1::TIMELINE_DIRECTION_FORWARD);
  request.set_page_size(2);
  request.set_page_token(reader().ListEvents(request).response.next_page_token());
  ASSERT_FALSE(request.page_token().empty());
  ExportedRoom room = admin().ExportRoom(ExportRequest(room_id));
  room.pdus.pop_back();
  room.header.set_event_count(static_cast<int64_t>(room.pdus.size()));
  Delete(room_id);
  EXPECT_THAT(reader().ListEvents(request).status, IsRoomNotFound());
  const auto imported = admin().ImportRoom(ImportRequests(room));
  ASSERT_TRUE(imported.ok()) << imported.status.error_message();
  EXPECT_THAT(reader().ListEvents(request).status,
              IsError(StatusCode::INVALID_ARGUMENT, "CURSOR_INVALID"));
}

// A server that can be killed.
class DeleteAndKillTest : public testing::Test {
 protected:
  DeleteAndKillTest() {
    dir_.Write("tokens.json", TestTokenFile());
    std::filesystem::create_directory(dir_.File("logs"));
  }

  std::unique_ptr<ChildProcess> Serve() {
    auto program = std::make_unique<ChildProcess>(
        INNKEEPER_SERVER,
        std::vector<std::string>{"--server_name=example.org", "--listen_address=127.0.0.1:0",
                                 "--rate_limits=off", "--data_dir", dir_.File("data"),
                                 "--room_keys_dir", dir_.File("room-keys"), "--tokens_file",
                                 dir_.File("tokens.json")},
        dir_.File("logs/log"));
    const auto address = ReadReadyAddress(*program);
    EXPECT_TRUE(address) << Log();
    client_ = std::make_unique<TestClient>(address.value_or(""), TestToken("admin"));
    return program;
  }

  std::string Log() const {
    auto file = ReadFile(dir_.File("logs/log"), 64 << 20);
    return file.ok() ? file->bytes : "";
  }

  // How many keys of the store have the room's id in them. No server may run.
  size_t KeysWith(const std::string& room_id) const {
    storage::RocksDbOptions options;
    options.path = dir_.File("data");
    auto engine = storage::OpenRocksDb(std::move(options));
    EXPECT_TRUE(engine.ok()) << engine.status();
    size_t keys = 0;
    EXPECT_TRUE((*engine)
                    ->NewSnapshot()
                    ->Scan("\x01", "\xff",
                           [&](absl::string_view key, absl::string_view, storage::Revision) {
                             if (absl::StrContains(key, room_id)) ++keys;
                             return true;
                           })
                    .ok());
    return keys;
  }

  std::string NewRoom() const {
    v1::CreateRoomRequest request = RoomRequest("@alice:example.org");
    request.set_alias("#room:example.org");
    request.set_is_public(true);
    for (int i = 0; i < 50; ++i) request.add_invites(absl::StrCat("@guest", i, ":elsewhere.net"));
    return client_->Create(request).room_id();
  }

  static void Stop(ChildProcess& program) {
    program.Signal(SIGTERM);
    EXPECT_EQ(program.Wait(), 0);
  }

  void AwaitPurgeOf(const std::string& room_id, DirectoryWatch& logs) const {
    while (!absl::StrContains(Log(), absl::StrCat(room_id, " is purged"))) logs.Await();
  }

  void Copy(const std::string& from, const std::string& to) const {
    std::filesystem::remove_all(dir_.File(to));
    std::filesystem::copy(dir_.File(from), dir_.File(to), std::filesystem::copy_options::recursive);
  }

  const TempDir dir_;
  std::unique_ptr<TestClient> client_;
};

TEST_F(DeleteAndKillTest, WhatAPurgeHasNotDoneTheNextStartDoes) {
  std::string room_id;
  size_t left = 0;
  while (left == 0) {  // as a purge may have been quick
    auto program = Serve();
    room_id = NewRoom();
    const auto deleted = client_->DeleteRoom(DeleteRequest(room_id));
    ASSERT_TRUE(deleted.ok()) << deleted.status.error_message();
    program->Signal(SIGKILL);
    program->Wait();
    left = KeysWith(room_id);
  }
  EXPECT_GT(left, 100u) << "events, members, invites";

  DirectoryWatch logs(dir_.File("logs"));
  auto program = Serve();
  EXPECT_THAT(client_->GetRoom(GetRequest(room_id)).status, IsRoomNotFound());
  AwaitPurgeOf(room_id, logs);
  Stop(*program);
  EXPECT_EQ(KeysWith(room_id), 0u);
}

TEST_F(DeleteAndKillTest, ItCantBeReadInABackup) {
  auto program = Serve();
  const std::string room_id = NewRoom();
  const std::string other_id = client_->Create(RoomRequest("@alice:example.org")).room_id();
  Stop(*program);
  Copy("data", "backup");
  Copy("room-keys", "backup-with-secrets");
  DirectoryWatch logs(dir_.File("logs"));
  program = Serve();
  ASSERT_TRUE(client_->DeleteRoom(DeleteRequest(room_id)).ok());
  AwaitPurgeOf(room_id, logs);
  Stop(*program);

  Copy("backup", "data");
  program = Serve();
  EXPECT_THAT(client_->GetRoom(GetRequest(room_id)).status, IsRoomNotFound());
  EXPECT_THAT(client_->GetRoomState(StateRequest(room_id)).status, IsRoomNotFound());
  EXPECT_THAT(client_->ExportRoom(ExportRequest(room_id)).status, IsRoomNotFound());
  EXPECT_THAT(RoomsOf(*client_, "@alice:example.org"), ElementsAre(other_id));
  EXPECT_TRUE(client_->ListPublicRooms({}).ok());
  EXPECT_EQ(client_->Room(other_id).joined_member_count(), 1);
  NewRoom();  // its alias is free
  Stop(*program);
  EXPECT_EQ(KeysWith(room_id), 0u);

  // Who kept the secrets, too, has kept the room.
  Copy("backup", "data");
  Copy("backup-with-secrets", "room-keys");
  program = Serve();
  EXPECT_EQ(client_->Room(room_id).joined_member_count(), 1);
  Stop(*program);
}

}  // namespace
}  // namespace innkeeper
