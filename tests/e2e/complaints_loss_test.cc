// What people complain about in the upgrades of other servers does not happen here: what is
// in a room comes along, as it is, or it is said why not. The numbers are those of the list
// of complaints that Innkeeper set out to end; the others are in complaints_test.cc and
// upgrade_links_test.cc.

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/e2e/e2e_test.h"
#include "tests/support/watch_stream.h"

namespace innkeeper {
namespace {

using grpc::StatusCode;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

class LossComplaintsTest : public E2eTest {
 protected:
  // Upgrades a room, which must go well.
  static v1::UpgradeRoomResponse Upgrade(const v1::UpgradeRoomRequest& request) {
    const auto reply = backend().UpgradeRoom(request);
    EXPECT_TRUE(reply.ok()) << reply.status.error_message();
    return reply.response;
  }
  static v1::UpgradeRoomResponse Upgrade(const std::string& room_id, const std::string& requester,
                                         const std::string& new_version) {
    return Upgrade(UpgradeRequest(room_id, requester, new_version));
  }

  static void Join(const std::string& room_id, const std::vector<std::string>& users) {
    for (const std::string& user : users) {
      const auto reply = backend().JoinRoom(JoinRequest(room_id, user));
      EXPECT_TRUE(reply.ok()) << user << ": " << reply.status.error_message();
    }
  }

  // Whether `user` could upgrade a room.
  static grpc::Status TryUpgrade(const std::string& room_id, const std::string& user) {
    v1::UpgradeRoomRequest request = UpgradeRequest(room_id, user, "11");
    request.set_validate_only(true);
    return backend().UpgradeRoom(request).status;
  }
};

// 1. Members are left behind; nobody migrates, and private rooms cannot be reached.
TEST_F(LossComplaintsTest, NoMemberIsLeftBehind) {
  const std::string alice = User("alice"), bob = User("bob"), carol = User("carol");
  const std::string dave = User("dave"), mallory = User("mallory"), zoe = "@zoe:elsewhere.example";
  v1::CreateRoomRequest create = RoomRequest(alice);
  for (const std::string& user : {bob, carol, dave, zoe}) create.add_invites(user);
  const std::string old_id = backend().Create(create).room_id();
  Join(old_id, {bob, carol});
  ASSERT_TRUE(backend().BanUser(BanRequest(old_id, alice, mallory)).ok());

  const v1::UpgradeRoomResponse upgraded = Upgrade(old_id, alice, "12");
  const std::string& new_id = upgraded.room().room_id();
  EXPECT_THAT(MembersOf(reader(), new_id, "join"), UnorderedElementsAre(alice, bob, carol));
  EXPECT_THAT(MembersOf(reader(), new_id, "invite"), UnorderedElementsAre(dave, zoe));
  EXPECT_THAT(MembersOf(reader(), new_id, "ban"), ElementsAre(mallory));
  EXPECT_THAT(upgraded.unmoved(), IsEmpty());

  // They find the room and talk there; nobody had to do anything for it.
  EXPECT_THAT(RoomsOf(backend(), bob), UnorderedElementsAre(old_id, new_id));
  EXPECT_TRUE(backend().SendEvent(SendRequest(new_id, bob, "Here we are")).ok());
  Join(new_id, {dave});
}

// 6. Aliases are lost, or point here and there; those of other servers never move, and
// nobody says so.
TEST_F(LossComplaintsTest, AliasesMoveOrAreReported) {
  const std::string alice = User("alice"), remote = "#lobby:elsewhere.example";
  v1::CreateRoomRequest create = RoomRequest(alice);
  create.set_alias(Alias("lobby"));
  const std::string old_id = backend().Create(create).room_id();
  for (const std::string name : {"second", "unshown"}) {
    ASSERT_TRUE(backend().SetAlias(SetAliasRequest(Alias(name), old_id, alice)).ok());
  }
  ASSERT_TRUE(backend()
                  .SetState(SetStateRequest(
                      old_id, alice, "m.room.canonical_alias",
                      absl::StrCat(R"({"alias": ")", Alias("lobby"), R"(", "alt_aliases": [")",
                                   remote, R"(", ")", Alias("second"), R"("]})")))
                  .ok());

  const v1::UpgradeRoomResponse upgraded = Upgrade(old_id, alice, "12");
  const std::string& new_id = upgraded.room().room_id();
  EXPECT_THAT(upgraded.moved_aliases(),
              ElementsAre(Alias("lobby"), Alias("second"), Alias("unshown")));
  for (const std::string& alias : upgraded.moved_aliases()) {
    EXPECT_EQ(RoomAt(watcher(), alias), new_id);
  }
  EXPECT_THAT(UnmovedIn(upgraded), ElementsAre(absl::StrCat("ALIAS ", remote, "| OTHER_SERVER")));
  EXPECT_EQ(ContentOf(reader().State(new_id).at({"m.room.canonical_alias", ""})),
            absl::StrCat(R"({"alias":")", Alias("lobby"), R"(","alt_aliases":[")", Alias("second"),
                         R"("]})"));
  EXPECT_EQ(ContentOf(reader().State(old_id).at({"m.room.canonical_alias", ""})),
            absl::StrCat(R"({"alt_aliases":[")", remote, R"("]})"));
}

// 9. Power is lost or changed. First: the creators of version 12 when they leave it.
TEST_F(LossComplaintsTest, CreatorsKeepTheirPowerOutOfVersion12AndNobodyElseGainsAny) {
  const std::string alice = User("alice"), bob = User("bob");
  const std::string carol = User("carol"), dave = User("dave"), erin = User("erin");
  auto create = FromJson<v1::CreateRoomRequest>(absl::StrCat(
      R"({"roomVersion": "12", "creationContent": {"additional_creators": [")", bob, R"("]},
          "powerLevelContentOverride": {"users": {")",
      carol, R"(": 50, ")", dave, R"(": 149}}})"));
  create.set_creator(alice);
  for (const std::string& user : {bob, carol, dave, erin}) create.add_invites(user);
  std::string room_id = backend().Create(create).room_id();
  Join(room_id, {bob, carol, dave, erin});

  for (const std::string version : {"11", "1", "10"}) {
    SCOPED_TRACE(version);
    room_id = Upgrade(room_id, alice, version).room().room_id();
    const auto levels = reader().State(room_id).at({"m.room.power_levels", ""}).content().fields();
    const auto& users = levels.at("users").struct_value().fields();
    EXPECT_EQ(users.at(alice).number_value(), users.at(bob).number_value());
    EXPECT_GT(users.at(alice).number_value(), 149);
    EXPECT_EQ(users.at(dave).number_value(), 149);
    EXPECT_EQ(users.at(carol).number_value(), 50);
    EXPECT_EQ(users.count(erin), 0u);
    EXPECT_TRUE(TryUpgrade(room_id, bob).ok());
    for (const std::string& user : {carol, dave, erin}) {
      EXPECT_THAT(TryUpgrade(room_id, user),
                  IsError(StatusCode::PERMISSION_DENIED, "INSUFFICIENT_POWER"))
          << user;
    }
  }
}

// 9. Second: an administrator of level 100 cannot replace the room of version 12 over the
// heads of its creators.
TEST_F(LossComplaintsTest, AnAdministratorIsNoCreatorInVersion12) {
  const std::string alice = User("alice"), bob = User("bob");
  v1::CreateRoomRequest create = RoomRequest(alice);
  create.set_preset(v1::ROOM_PRESET_TRUSTED_PRIVATE_CHAT);
  create.add_invites(bob);
  const std::string old_id = backend().Create(create).room_id();
  Join(old_id, {bob});
  ASSERT_TRUE(TryUpgrade(old_id, bob).ok()) << "up to version 11 they are equals";
  const std::string new_id = Upgrade(old_id, alice, "12").room().room_id();
  EXPECT_TRUE(TryUpgrade(new_id, alice).ok());
  EXPECT_THAT(TryUpgrade(new_id, bob),
              IsError(StatusCode::PERMISSION_DENIED, "INSUFFICIENT_POWER"));
  EXPECT_TRUE(
      backend().SetState(SetStateRequest(new_id, bob, "m.room.name", R"({"name": "x"})")).ok())
      << "all else they may do as before";
}

// 9. Third: who upgrades a room with less than the highest power is not promoted for it.
TEST_F(LossComplaintsTest, AModeratorWhoUpgradesStaysAModerator) {
  const std::string alice = User("alice"), mod = User("mod");
  auto create = FromJson<v1::CreateRoomRequest>(absl::StrCat(
      R"({"roomVersion": "10", "powerLevelContentOverride": {
          "users": {")",
      mod, R"(": 50}, "events": {"m.room.tombstone": 50}}})"));
  create.set_creator(alice);
  create.add_invites(mod);
  const std::string old_id = backend().Create(create).room_id();
  Join(old_id, {mod});
  const auto old_levels = reader().State(old_id).at({"m.room.power_levels", ""});
  const v1::UpgradeRoomResponse upgraded = Upgrade(old_id, mod, "11");
  const std::string& new_id = upgraded.room().room_id();
  EXPECT_EQ(ContentOf(reader().State(new_id).at({"m.room.power_levels", ""})),
            ContentOf(old_levels));
  EXPECT_THAT(backend().KickUser(KickRequest(new_id, mod, alice)).status,
              IsError(StatusCode::PERMISSION_DENIED, "INSUFFICIENT_POWER"));
}

// 9. Fourth: levels without the maps that servers expect there.
TEST_F(LossComplaintsTest, LevelsMayLackWhatTheyLacked) {
  const std::string alice = User("alice");
  auto create = FromJson<v1::CreateRoomRequest>(
      absl::StrCat(R"({"roomVersion": "9", "initialState": [{"type": "m.room.power_levels",
          "content": {"users": {")",
                   alice, R"(": 1000}, "org.example.x": 7}}]})"));
  create.set_creator(alice);
  const std::string old_id = backend().Create(create).room_id();
  const std::string new_id = Upgrade(old_id, alice, "11").room().room_id();
  EXPECT_EQ(ContentOf(reader().State(new_id).at({"m.room.power_levels", ""})),
            absl::StrCat(R"({"org.example.x":7,"users":{")", alice, R"(":1000}})"));
}

// 10. A public room that is not encrypted becomes encrypted when it is upgraded, because
// the server encrypts new private rooms; and gets other rules that nobody asked for.
TEST(EncryptionComplaintsTest, NothingIsAddedThatTheOldRoomLacked) {
  TestServer server(
      [](ServerConfig& config) { config.encryption_policy = EncryptionPolicy::kInvite; });
  const TestClient client(server.address(), TestToken("admin"));
  const std::string alice = "@alice:example.org";
  v1::CreateRoomRequest create = RoomRequest(alice);
  create.set_preset(v1::ROOM_PRESET_PUBLIC_CHAT);
  v1::Room room = client.Create(create);
  const auto before = client.State(room.room_id());
  for (const std::string version : {"12", "1", "11"}) {
    const auto upgraded = client.UpgradeRoom(UpgradeRequest(room.room_id(), alice, version));
    ASSERT_TRUE(upgraded.ok()) << upgraded.status.error_message();
    room = upgraded.response.room();
    EXPECT_EQ(room.encryption_algorithm(), "");
    EXPECT_FALSE(room.is_public());
    const auto after = client.State(room.room_id());
    EXPECT_THAT(after, SizeIs(before.size()));
    for (const auto& [place, event] : after) {
      ASSERT_TRUE(before.count(place)) << place.first;
      if (place.first == "m.room.create" || place.first == "m.room.power_levels") continue;
      EXPECT_EQ(ContentOf(event), ContentOf(before.at(place))) << place.first;
    }
  }
}

// 11. Custom state, widgets, pinned events and what bridges set are not copied.
TEST_F(LossComplaintsTest, CustomStateComesAlongWhereAskedFor) {
  const std::string alice = User("alice");
  const std::pair<std::string, std::string> widget = {"im.vector.modular.widgets", "clock"};
  const std::pair<std::string, std::string> pins = {"m.room.pinned_events", ""};
  const auto upgrade = [&](v1::CopyPolicy policy, const std::vector<std::string>& types) {
    v1::CreateRoomRequest create = RoomRequest(alice);
    ParseJsonMessage(R"({"initialState": [
        {"type": "m.room.topic", "content": {"topic": "Keys"}},
        {"type": "m.room.pinned_events", "content": {"pinned": ["$one"]}},
        {"type": "im.vector.modular.widgets", "stateKey": "clock", "content": {"url": "x"}}]})",
                     &create);
    create.set_creator(alice);
    v1::UpgradeRoomRequest request =
        UpgradeRequest(backend().Create(create).room_id(), alice, "12");
    request.set_copy_policy(policy);
    request.mutable_copy_types()->Assign(types.begin(), types.end());
    return reader().State(Upgrade(request).room().room_id());
  };
  const auto recommended = upgrade(v1::COPY_POLICY_RECOMMENDED, {});
  EXPECT_EQ(recommended.count(widget) + recommended.count(pins), 0u);
  const auto everything = upgrade(v1::COPY_POLICY_EVERYTHING, {});
  EXPECT_EQ(everything.count(widget) + everything.count(pins), 2u);
  EXPECT_EQ(ContentOf(everything.at(widget)), R"({"url":"x"})");
  const auto listed = upgrade(v1::COPY_POLICY_LISTED, {"im.vector.modular.widgets"});
  EXPECT_EQ(listed.count(widget), 1u);
  EXPECT_EQ(listed.count(pins), 0u);
  EXPECT_EQ(listed.count({"m.room.topic", ""}), 0u);
  EXPECT_EQ(listed.count({"m.room.history_visibility", ""}), 1u) << "guards the room";
}

// 12. Notification settings, tags and marks of direct chats are lost. They are kept by
// others: who keeps them learns of every upgrade and of both rooms, even if away for a
// while, and invites say what they did.
TEST_F(LossComplaintsTest, WhoKeepsSettingsOfRoomsLearnsOfEveryUpgrade) {
  const std::string alice = User("alice"), bob = User("bob");
  v1::CreateRoomRequest create = RoomRequest(alice);
  create.set_is_direct(true);
  create.add_invites(bob);
  const std::string old_id = backend().Create(create).room_id();
  v1::WatchRoomEventsRequest watch;
  watch.mutable_filter()->add_types("room.upgraded");
  watch.mutable_filter()->add_room_ids(old_id);
  {
    WatchStream stream(watcher(), watch);
    ASSERT_TRUE(stream.Next()->has_confirmed());
    watch.set_after_cursor(stream.cursor());
  }
  const std::string new_id = Upgrade(old_id, alice, "12").room().room_id();

  WatchStream resumed(watcher(), watch);
  const std::vector<v1::RoomEvent> missed = resumed.UntilCaughtUp();
  ASSERT_THAT(missed, SizeIs(1));
  EXPECT_EQ(missed[0].room_upgraded().old_room_id(), old_id);
  EXPECT_EQ(missed[0].room_upgraded().new_room_id(), new_id);
  EXPECT_EQ(ContentOf(reader().State(new_id).at({"m.room.member", bob})),
            R"({"is_direct":true,"membership":"invite"})");
}

}  // namespace
}  // namespace innkeeper
