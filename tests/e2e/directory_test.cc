// How rooms are found: aliases and the list of public rooms, over gRPC.

#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "tests/e2e/e2e_test.h"

namespace innkeeper {
namespace {

using grpc::StatusCode;
using testing::ElementsAre;
using testing::IsEmpty;

class DirectoryTest : public E2eTest {
 protected:
  static v1::DeleteAliasRequest DeleteRequest(const std::string& alias,
                                              const std::string& requester) {
    v1::DeleteAliasRequest request;
    request.set_alias(alias);
    request.set_requester(requester);
    return request;
  }

  static v1::SetVisibilityRequest VisibilityRequest(const std::string& room_id,
                                                    const std::string& requester, bool is_public) {
    v1::SetVisibilityRequest request;
    request.set_room_id(room_id);
    request.set_requester(requester);
    request.set_is_public(is_public);
    return request;
  }

  static std::string Resolve(const std::string& alias) { return RoomAt(watcher(), alias); }

  static std::vector<std::string> Aliases(const std::string& room_id) {
    v1::ListAliasesRequest request;
    request.set_room_id(room_id);
    const auto reply = reader().ListAliases(request);
    return {reply.response.aliases().begin(), reply.response.aliases().end()};
  }

  // The ids of the public rooms that have `search` in their texts.
  static std::vector<std::string> Find(const std::string& search) {
    v1::ListPublicRoomsRequest request;
    request.set_search(search);
    std::vector<std::string> rooms;
    do {
      const auto reply = watcher().ListPublicRooms(request);
      EXPECT_TRUE(reply.ok()) << reply.status.error_message();
      for (const auto& room : reply.response.rooms()) rooms.push_back(room.room_id());
      request.set_page_token(reply.response.next_page_token());
    } while (!request.page_token().empty());
    return rooms;
  }

  // A room of the test's alice.
  static v1::Room MakeRoom() { return backend().Create(RoomRequest(User("alice"))); }
};

TEST_F(DirectoryTest, AnAliasThatIsSetLeadsEverybodyToItsRoom) {
  const v1::Room room = MakeRoom();
  ASSERT_EQ(Resolve(Alias("lobby")), "");
  const auto reply =
      backend().SetAlias(SetAliasRequest(Alias("lobby"), room.room_id(), User("alice")));
  ASSERT_TRUE(reply.ok()) << reply.status.error_message();
  EXPECT_EQ(Resolve(Alias("lobby")), room.room_id());
  EXPECT_THAT(Aliases(room.room_id()), ElementsAre(Alias("lobby")));
  EXPECT_EQ(reader().Room(room.room_id()).revision(), room.revision() + 1);
  EXPECT_THAT(backend()
                  .SetAlias(SetAliasRequest(Alias("lobby"), MakeRoom().room_id(), User("alice")))
                  .status,
              IsError(StatusCode::ALREADY_EXISTS, "ALIAS_IN_USE"));
}

TEST_F(DirectoryTest, ADeletedAliasIsNeitherFoundNorShown) {
  v1::CreateRoomRequest create = RoomRequest(User("alice"));
  create.set_alias(Alias("lobby"));
  const v1::Room room = backend().Create(create);
  ASSERT_EQ(room.canonical_alias(), Alias("lobby"));
  const auto reply = backend().DeleteAlias(DeleteRequest(Alias("lobby"), User("alice")));
  ASSERT_TRUE(reply.ok()) << reply.status.error_message();
  EXPECT_EQ(reply.response.room_id(), room.room_id());
  EXPECT_EQ(Resolve(Alias("lobby")), "");
  EXPECT_THAT(Aliases(room.room_id()), IsEmpty());
  EXPECT_EQ(reader().Room(room.room_id()).canonical_alias(), "");
  EXPECT_EQ(ContentOf(reader().State(room.room_id()).at({"m.room.canonical_alias", ""})), "{}");
  EXPECT_EQ(EventsOf(watcher(), room.room_id()).back().type(), "room.state.changed");
}

TEST_F(DirectoryTest, AnAliasThatIsNotThereIsNamedInTheError) {
  v1::ResolveAliasRequest resolve;
  resolve.set_alias(Alias("nowhere"));
  for (const grpc::Status& status :
       {watcher().ResolveAlias(resolve).status,
        backend().DeleteAlias(DeleteRequest(Alias("nowhere"), User("alice"))).status}) {
    EXPECT_THAT(status, IsError(StatusCode::NOT_FOUND, "ALIAS_NOT_FOUND"));
    google::rpc::ResourceInfo resource;
    resource.ParseFromString(DetailOf(status, "google.rpc.ResourceInfo"));
    EXPECT_EQ(resource.resource_type(), "alias");
    EXPECT_EQ(resource.resource_name(), Alias("nowhere"));
  }
}

TEST_F(DirectoryTest, RoomsAreListedAndTakenOffTheList) {
  v1::CreateRoomRequest create = RoomRequest(User("alice"));
  create.set_name(User("findable"));
  const v1::Room room = backend().Create(create);
  ASSERT_THAT(Find(room.name()), IsEmpty());
  const auto listed =
      backend().SetVisibility(VisibilityRequest(room.room_id(), User("alice"), true));
  ASSERT_TRUE(listed.ok()) << listed.status.error_message();
  EXPECT_TRUE(listed.response.room().is_public());
  EXPECT_THAT(Find("FINDABLE"), ElementsAre(room.room_id()));
  ASSERT_TRUE(
      backend().SetVisibility(VisibilityRequest(room.room_id(), User("alice"), false)).ok());
  EXPECT_THAT(Find(room.name()), IsEmpty());
}

TEST_F(DirectoryTest, PublicRoomsComeByTheirMembersInPagesAndByType) {
  const std::string alice = User("alice");
  std::vector<std::string> by_members;
  for (const int members : {3, 1, 2}) {
    v1::CreateRoomRequest create = RoomRequest(alice);
    create.set_is_public(true);
    create.set_topic(User("listed"));
    if (members == 2) {
      (*create.mutable_creation_content()->mutable_fields())["type"].set_string_value("m.space");
    }
    const std::string room_id = backend().Create(create).room_id();
    for (int i = 1; i < members; ++i) {
      ASSERT_TRUE(backend().JoinRoom(JoinRequest(room_id, User(absl::StrCat("user", i)))).ok());
    }
    by_members.push_back(room_id);
  }
  std::swap(by_members[1], by_members[2]);
  EXPECT_EQ(Find(User("listed")), by_members);

  v1::ListPublicRoomsRequest request;
  request.set_search(User("listed"));
  request.set_page_size(1);
  std::vector<std::string> paged;
  do {
    const auto page = watcher().ListPublicRooms(request);
    ASSERT_TRUE(page.ok()) << page.status.error_message();
    EXPECT_LE(page.response.rooms_size(), 1);
    for (const v1::PublicRoom& room : page.response.rooms()) paged.push_back(room.room_id());
    request.set_page_token(page.response.next_page_token());
    if (paged.size() == 1) {
      v1::ListPublicRoomsRequest other = request;
      other.set_room_type("m.space");
      EXPECT_THAT(watcher().ListPublicRooms(other).status,
                  IsError(StatusCode::INVALID_ARGUMENT, "CURSOR_INVALID"));
    }
  } while (!request.page_token().empty());
  EXPECT_EQ(paged, by_members);

  request.set_page_size(0);
  request.set_room_type("m.space");
  const auto spaces = watcher().ListPublicRooms(request);
  ASSERT_EQ(spaces.response.rooms_size(), 1);
  const v1::PublicRoom& space = spaces.response.rooms(0);
  EXPECT_EQ(space.room_id(), by_members[1]);
  EXPECT_EQ(space.room_type(), "m.space");
  EXPECT_EQ(space.room_version(), "11");
  EXPECT_EQ(space.topic(), User("listed"));
  EXPECT_EQ(space.joined_member_count(), 2);

  // Who comes and goes moves the room.
  ASSERT_TRUE(backend().LeaveRoom(LeaveRequest(by_members[0], User("user1"))).ok());
  ASSERT_TRUE(backend().LeaveRoom(LeaveRequest(by_members[0], User("user2"))).ok());
  ASSERT_TRUE(backend().JoinRoom(JoinRequest(by_members[2], User("user1"))).ok());
  ASSERT_TRUE(backend().JoinRoom(JoinRequest(by_members[2], User("user2"))).ok());
  EXPECT_THAT(Find(User("listed")), ElementsAre(by_members[2], by_members[1], by_members[0]));
}

TEST_F(DirectoryTest, AliasesOfARoomAreForItsMembersAndSetOnce) {
  const std::string alice = User("alice");
  const v1::Room room = MakeRoom();
  for (const std::string name : {"b", "a"}) {
    ASSERT_TRUE(backend().SetAlias(SetAliasRequest(Alias(name), room.room_id(), alice)).ok());
  }
  const int64_t revision = reader().Room(room.room_id()).revision();
  ASSERT_TRUE(backend().SetAlias(SetAliasRequest(Alias("a"), room.room_id(), alice)).ok());
  EXPECT_EQ(reader().Room(room.room_id()).revision(), revision) << "it was set already";
  v1::ListAliasesRequest request;
  request.set_room_id(room.room_id());
  request.set_requester(alice);
  EXPECT_THAT(backend().ListAliases(request).response.aliases(),
              ElementsAre(Alias("a"), Alias("b")));
}

TEST_F(DirectoryTest, WithoutPowerOverTheCanonicalAliasOnlyOnesOwnAliasesCanBeDeleted) {
  auto create = FromJson<v1::CreateRoomRequest>(R"({"preset": "ROOM_PRESET_PUBLIC_CHAT"})");
  create.set_creator(User("alice"));
  const v1::Room room = backend().Create(create);
  const std::string bob = User("bob");
  ASSERT_TRUE(backend().JoinRoom(JoinRequest(room.room_id(), bob)).ok());
  ASSERT_TRUE(backend().SetAlias(SetAliasRequest(Alias("own"), room.room_id(), bob)).ok());
  EXPECT_TRUE(backend().DeleteAlias(DeleteRequest(Alias("own"), bob)).ok());
  ASSERT_TRUE(
      backend().SetAlias(SetAliasRequest(Alias("alices"), room.room_id(), User("alice"))).ok());
  EXPECT_THAT(backend().DeleteAlias(DeleteRequest(Alias("alices"), bob)).status,
              IsError(StatusCode::PERMISSION_DENIED, "INSUFFICIENT_POWER"));
  EXPECT_EQ(Resolve(Alias("alices")), room.room_id());
  const grpc::Status status =
      backend().SetVisibility(VisibilityRequest(room.room_id(), bob, true)).status;
  EXPECT_THAT(status, IsError(StatusCode::PERMISSION_DENIED, "INSUFFICIENT_POWER"));
  EXPECT_EQ(MetadataOf(status)["required"], "50");
  EXPECT_EQ(MetadataOf(status)["actual"], "0");
}

TEST_F(DirectoryTest, WhoIsNotInTheRoomLearnsNothingOfIt) {
  const std::string nowhere = "!nowhere:example.org";
  // The answer about the room, with its name made equal.
  const auto answer = [](const std::string& room_id, const grpc::Status& status) {
    EXPECT_THAT(status, IsError(StatusCode::NOT_FOUND, "ROOM_NOT_FOUND"));
    google::rpc::ResourceInfo resource;
    resource.ParseFromString(DetailOf(status, "google.rpc.ResourceInfo"));
    EXPECT_EQ(resource.resource_name(), room_id);
    return status.error_message();
  };
  const std::string room_id = MakeRoom().room_id();
  const std::string eve = User("eve");
  EXPECT_EQ(answer(room_id, backend().SetAlias(SetAliasRequest(Alias("x"), room_id, eve)).status),
            answer(nowhere, backend().SetAlias(SetAliasRequest(Alias("x"), nowhere, eve)).status));
  EXPECT_EQ(answer(room_id, backend().SetVisibility(VisibilityRequest(room_id, eve, true)).status),
            answer(nowhere, backend().SetVisibility(VisibilityRequest(nowhere, eve, true)).status));
  v1::ListAliasesRequest list;
  list.set_room_id(room_id);
  list.set_requester(eve);
  const std::string told = answer(room_id, backend().ListAliases(list).status);
  list.set_room_id(nowhere);
  EXPECT_EQ(told, answer(nowhere, backend().ListAliases(list).status));
}

TEST_F(DirectoryTest, AnUpgradeTakesAliasesAndTheListingAlong) {
  v1::CreateRoomRequest create = RoomRequest(User("alice"));
  create.set_name(User("findable"));
  const std::string old_id = backend().Create(create).room_id();
  ASSERT_TRUE(backend().SetAlias(SetAliasRequest(Alias("lobby"), old_id, User("alice"))).ok());
  ASSERT_TRUE(backend().SetVisibility(VisibilityRequest(old_id, User("alice"), true)).ok());
  const auto upgraded = backend().UpgradeRoom(UpgradeRequest(old_id, User("alice"), "12"));
  ASSERT_TRUE(upgraded.ok()) << upgraded.status.error_message();
  const std::string new_id = upgraded.response.room().room_id();
  EXPECT_EQ(Resolve(Alias("lobby")), new_id);
  EXPECT_THAT(Find(create.name()), ElementsAre(new_id));
  const grpc::Status late =
      backend().SetAlias(SetAliasRequest(Alias("late"), old_id, User("alice"))).status;
  EXPECT_THAT(late, IsError(StatusCode::FAILED_PRECONDITION, "ROOM_TOMBSTONED"));
  EXPECT_EQ(MetadataOf(late)["successor_room_id"], new_id);
}

TEST_F(DirectoryTest, NoAliasIsLeftBehindByAnUpgradeAtTheSameTime) {
  const std::string old_id = MakeRoom().room_id();
  constexpr int kWriters = 8;
  constexpr int kUpgrader = kWriters;
  const std::string alice = User("alice");
  std::atomic<bool> upgraded = false;
  const auto set = AtOnce(kWriters + 1, [&](int i) {
    std::vector<std::string> aliases;
    if (i == kUpgrader) {
      EXPECT_TRUE(backend().UpgradeRoom(UpgradeRequest(old_id, alice, "11")).ok());
      upgraded = true;
    }
    for (int n = 0; !upgraded; ++n) {
      const std::string alias = absl::StrCat("#w", i, ".", n, ":", kTestServerName);
      if (backend().SetAlias(SetAliasRequest(alias, old_id, alice)).ok()) aliases.push_back(alias);
    }
    return aliases;
  });
  const std::string new_id = reader().Room(old_id).successor_room_id();
  EXPECT_THAT(Aliases(old_id), IsEmpty());
  for (const auto& aliases : set) {
    for (const std::string& alias : aliases) EXPECT_EQ(Resolve(alias), new_id) << alias;
  }
}

TEST_F(DirectoryTest, ARepeatedRequestIsNotCarriedOutAgain) {
  const std::string room_id = MakeRoom().room_id();
  v1::SetAliasRequest set = SetAliasRequest(Alias("lobby"), room_id, User("alice"));
  set.set_request_id("set");
  ASSERT_TRUE(backend().SetAlias(set).ok());
  v1::DeleteAliasRequest remove = DeleteRequest(Alias("lobby"), User("alice"));
  remove.set_request_id("remove");
  ASSERT_TRUE(backend().DeleteAlias(remove).ok());
  EXPECT_EQ(backend().DeleteAlias(remove).response.room_id(), room_id);
  EXPECT_TRUE(backend().SetAlias(set).ok());
  EXPECT_EQ(Resolve(Alias("lobby")), "");
  v1::SetVisibilityRequest reused = VisibilityRequest(room_id, User("alice"), true);
  reused.set_request_id("set");
  EXPECT_THAT(backend().SetVisibility(reused).status,
              IsError(StatusCode::INVALID_ARGUMENT, "REQUEST_ID_REUSED"));
}

TEST_F(DirectoryTest, EveryWrongFieldIsNamed) {
  v1::SetAliasRequest set = SetAliasRequest("lobby", "room", "alice");
  set.set_request_id("?");
  EXPECT_THAT(admin().SetAlias(set).status,
              IsInvalid({"alias", "room_id", "requester", "request_id"}));
  EXPECT_THAT(
      admin()
          .SetAlias(SetAliasRequest("#a:elsewhere.net", "!a:example.org", "@a:elsewhere.net"))
          .status,
      IsInvalid({"alias", "requester"}));
  EXPECT_THAT(admin().SetAlias({}).status, IsInvalid({"alias", "room_id", "requester"}));

  v1::DeleteAliasRequest remove = DeleteRequest("#a b:example.org", "@a:elsewhere.net");
  remove.set_request_id("?");
  EXPECT_THAT(admin().DeleteAlias(remove).status, IsInvalid({"alias", "requester", "request_id"}));

  v1::SetVisibilityRequest visibility = VisibilityRequest("", "@a:elsewhere.net", true);
  visibility.set_request_id("?");
  EXPECT_THAT(admin().SetVisibility(visibility).status,
              IsInvalid({"room_id", "requester", "request_id"}));

  EXPECT_THAT(admin().ResolveAlias({}).status, IsInvalid({"alias"}));

  v1::ListAliasesRequest list;
  list.set_requester("alice");
  EXPECT_THAT(admin().ListAliases(list).status, IsInvalid({"room_id", "requester"}));

  v1::ListPublicRoomsRequest rooms;
  rooms.set_search(std::string(255, 'x'));
  EXPECT_TRUE(admin().ListPublicRooms(rooms).ok());
  rooms.set_search(std::string(256, 'x'));
  rooms.set_page_size(-1);
  EXPECT_THAT(admin().ListPublicRooms(rooms).status, IsInvalid({"search", "page_size"}));
}

}  // namespace
}  // namespace innkeeper
