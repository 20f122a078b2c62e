// What an upgrade does to rooms beside the one that is upgraded, upgrades that take a
// while, and upgrades that were made by hand. The numbers are those of the list of
// complaints that Innkeeper set out to end.

#include <algorithm>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/e2e/e2e_test.h"
#include "tests/e2e/held_call.h"
#include "tests/support/watch_stream.h"

namespace innkeeper {
namespace {

using grpc::StatusCode;
using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Le;
using testing::Not;
using testing::UnorderedElementsAre;

constexpr char kChild[] = "m.space.child";
constexpr char kParent[] = "m.space.parent";
constexpr char kJoinRules[] = "m.room.join_rules";

class UpgradeLinksTest : public E2eTest {
 protected:
  static v1::UpgradeRoomResponse Upgrade(const std::string& room_id, const std::string& requester,
                                         const std::string& new_version) {
    const auto reply = backend().UpgradeRoom(UpgradeRequest(room_id, requester, new_version));
    EXPECT_TRUE(reply.ok()) << reply.status.error_message();
    return reply.response;
  }

  static std::string NewRoom(const std::string& creator, const std::string& settings = "{}") {
    auto request = FromJson<v1::CreateRoomRequest>(settings);
    request.set_creator(creator);
    return backend().Create(request).room_id();
  }

  static std::string NewSpace(const std::string& creator) {
    return NewRoom(creator, R"({"preset": "ROOM_PRESET_PUBLIC_CHAT",
                                "creationContent": {"type": "m.space"}})");
  }

  // A room that the members of another may join.
  static std::string NewRoomFor(const std::string& creator, const std::string& allowed) {
    return NewRoom(creator,
                   absl::StrCat(R"({"initialState": [{"type": "m.room.join_rules", "content":
            {"join_rule": "restricted",
             "allow": [{"type": "m.room_membership", "room_id": ")",
                                allowed, R"("}]}}]})"));
  }

  static void Set(const std::string& room_id, const std::string& requester, const std::string& type,
                  const std::string& state_key, const std::string& content) {
    v1::SetStateRequest request = SetStateRequest(room_id, requester, type, content);
    request.set_state_key(state_key);
    const auto reply = backend().SetState(request);
    EXPECT_TRUE(reply.ok()) << reply.status.error_message();
  }

  // The content of an entry of a room's state; "" if it has no such entry.
  static std::string Content(const std::string& room_id, const std::string& type,
                             const std::string& state_key = "") {
    const auto state = reader().State(room_id);
    const auto found = state.find({type, state_key});
    return found == state.end() ? "" : ContentOf(found->second);
  }
};

// "room type" of each.
std::vector<std::string> RepairedIn(const v1::UpgradeRoomResponse& response) {
  std::vector<std::string> links;
  for (const v1::RepairedLink& link : response.repaired_links()) {
    links.push_back(absl::StrCat(link.room_id(), " ", link.type()));
  }
  EXPECT_EQ(response.repaired_link_count(), response.repaired_links_size());
  return links;
}

// 7. The room drops out of its space. First: it keeps its place there.
TEST_F(UpgradeLinksTest, ARoomKeepsItsPlaceInItsSpace) {
  const std::string alice = User("alice");
  const std::string space = NewSpace(alice), old_id = NewRoom(alice);
  Set(space, alice, kChild, old_id,
      R"({"via": ["elsewhere.example"], "order": "a", "suggested": true})");
  Set(old_id, alice, kParent, space, R"({"via": ["example.org"], "canonical": true})");

  const v1::UpgradeRoomResponse upgraded = Upgrade(old_id, alice, "12");
  const std::string& new_id = upgraded.room().room_id();
  EXPECT_EQ(Content(space, kChild, new_id),
            R"({"order":"a","suggested":true,"via":["example.org","elsewhere.example"]})");
  EXPECT_EQ(Content(space, kChild, old_id), "{}");
  EXPECT_EQ(Content(new_id, kParent, space), R"({"canonical":true,"via":["example.org"]})");
  EXPECT_THAT(RepairedIn(upgraded), ElementsAre(absl::StrCat(space, " m.space.child")));
  EXPECT_THAT(upgraded.unmoved(), IsEmpty());
  EXPECT_EQ(EventsOf(watcher(), space).back().type(), "room.state.changed");
}

// 7. Second: a space keeps its children, and they know where it went.
TEST_F(UpgradeLinksTest, ASpaceKeepsItsChildren) {
  const std::string alice = User("alice");
  const std::string space = NewSpace(alice), room_id = NewRoom(alice);
  Set(space, alice, kChild, room_id, R"({"via": ["example.org"]})");
  Set(room_id, alice, kParent, space, R"({"via": ["example.org"], "canonical": true})");

  const v1::UpgradeRoomResponse upgraded = Upgrade(space, alice, "12");
  const std::string& new_space = upgraded.room().room_id();
  EXPECT_EQ(upgraded.room().room_type(), "m.space");
  EXPECT_EQ(Content(new_space, kChild, room_id), R"({"via":["example.org"]})");
  EXPECT_EQ(Content(room_id, kParent, new_space), R"({"canonical":true,"via":["example.org"]})");
  EXPECT_EQ(Content(room_id, kParent, space), "{}");
  EXPECT_THAT(RepairedIn(upgraded), ElementsAre(absl::StrCat(room_id, " m.space.parent")));
}

// 7. Third: where nothing can be done about it, that is said.
TEST_F(UpgradeLinksTest, SpacesThatCannotBeChangedAreReported) {
  const std::string alice = User("alice"), dave = User("dave");
  const std::string old_id = NewRoom(alice);
  const std::string strange = NewSpace(dave), powerless = NewSpace(dave), replaced = NewSpace(dave);
  ASSERT_TRUE(backend().JoinRoom(JoinRequest(powerless, alice)).ok());
  for (const std::string& space : {strange, powerless, replaced}) {
    Set(space, dave, kChild, old_id, R"({"via": ["example.org"]})");
  }
  Upgrade(replaced, dave, "12");
  const std::string replacement = reader().Room(replaced).successor_room_id();

  const v1::UpgradeRoomResponse upgraded = Upgrade(old_id, alice, "12");
  EXPECT_THAT(
      UnmovedIn(upgraded),
      UnorderedElementsAre(absl::StrCat("SPACE_CHILD ", strange, "| NOT_JOINED"),
                           absl::StrCat("SPACE_CHILD ", replacement, "| NOT_JOINED"),
                           absl::StrCat("SPACE_CHILD ", powerless, "| INSUFFICIENT_POWER")));
  EXPECT_THAT(RepairedIn(upgraded), IsEmpty());
  for (const std::string& space : {strange, powerless}) {
    EXPECT_EQ(Content(space, kChild, old_id), R"({"via":["example.org"]})");
    EXPECT_EQ(Content(space, kChild, upgraded.room().room_id()), "");
  }
}

// 8. Rooms that let the members of the old room in go on to let in only those.
TEST_F(UpgradeLinksTest, RoomsForTheMembersOfTheOldRoomAreForThoseOfTheNew) {
  const std::string alice = User("alice"), bob = User("bob"), dave = User("dave");
  const std::string club = NewRoom(alice, R"({"preset": "ROOM_PRESET_PUBLIC_CHAT"})");
  const std::string lounge = NewRoomFor(alice, club), cellar = NewRoomFor(dave, club);

  const v1::UpgradeRoomResponse upgraded = Upgrade(club, alice, "12");
  const std::string& new_club = upgraded.room().room_id();
  EXPECT_THAT(RepairedIn(upgraded), ElementsAre(absl::StrCat(lounge, " m.room.join_rules")));
  EXPECT_THAT(UnmovedIn(upgraded),
              ElementsAre(absl::StrCat("ALLOWED_ROOM ", cellar, "| NOT_JOINED")));
  EXPECT_EQ(Content(lounge, kJoinRules),
            absl::StrCat(R"({"allow":[{"room_id":")", new_club,
                         R"(","type":"m.room_membership"}],"join_rule":"restricted"})"));
  EXPECT_THAT(backend().JoinRoom(JoinRequest(lounge, bob)).status,
              IsError(StatusCode::PERMISSION_DENIED, "EVENT_NOT_AUTHORIZED"));
  ASSERT_TRUE(backend().JoinRoom(JoinRequest(new_club, bob)).ok());
  EXPECT_TRUE(backend().JoinRoom(JoinRequest(lounge, bob)).ok());
}

// 2. Nobody knows how far the upgrade of a large room is.
TEST(LargeUpgradeTest, TheUpgradeOfALargeRoomTellsHowFarItIs) {
  constexpr int kInvites = 9'999;
  TestServer server([](ServerConfig& config) { config.max_invites = kInvites; });
  const TestClient client(server.address(), TestToken("admin"));
  v1::CreateRoomRequest create = RoomRequest("@alice:example.org");
  for (int i = 0; i < kInvites; ++i) create.add_invites(absl::StrCat("@user", i, ":example.org"));
  const std::string old_id = client.Create(create).room_id();

  const auto upgraded = client.UpgradeRoom(UpgradeRequest(old_id, create.creator(), "12"));
  ASSERT_TRUE(upgraded.ok()) << upgraded.status.error_message();
  EXPECT_EQ(upgraded.response.invited_member_count(), kInvites);
  EXPECT_EQ(client.Room(upgraded.response.room().room_id()).invited_member_count(), kInvites);
  std::vector<int64_t> processed;
  const std::vector<v1::RoomEvent> events = EventsOf(client, old_id);
  for (size_t i = 1; i + 1 < events.size(); ++i) {
    ASSERT_EQ(events[i].type(), "room.upgrade.progress");
    const v1::RoomUpgradeProgress& progress = events[i].room_upgrade_progress();
    EXPECT_EQ(progress.member_count(), kInvites + 1);
    EXPECT_EQ(progress.new_version(), "12");
    processed.push_back(progress.processed_member_count());
  }
  EXPECT_EQ(events.back().type(), "room.upgraded");
  EXPECT_THAT(processed, Not(IsEmpty()));
  EXPECT_LE(processed.size(), 11u);
  EXPECT_TRUE(std::is_sorted(processed.begin(), processed.end()));
  EXPECT_THAT(processed, Each(Le(kInvites + 1)));
}

class LongUpgradeTest : public HeldCallTest {
 protected:
  // The upgrade of a room of alice_, who is the only one who may, with bob_ in it, held.
  std::string HoldSomeUpgrade() {
    v1::CreateRoomRequest create = RoomRequest(alice_);
    create.set_alias("#lobby:example.org");
    create.add_invites(bob_);
    const std::string room_id = client_->Create(create).room_id();
    EXPECT_TRUE(client_->JoinRoom(JoinRequest(room_id, bob_)).ok());
    HoldUpgrade(UpgradeRequest(room_id, alice_, "12"));
    return room_id;
  }

  Reply<v1::CancelUpgradeResponse> Cancel(const std::string& room_id, const std::string& requester,
                                          bool as_administrator = false) const {
    v1::CancelUpgradeRequest request;
    request.set_room_id(room_id);
    request.set_requester(requester);
    request.set_as_administrator(as_administrator);
    return client_->CancelUpgrade(request);
  }

  const std::string alice_ = "@alice:example.org";
  const std::string bob_ = "@bob:example.org";
};

// 2. An upgrade that takes too long cannot be ended.
TEST_F(LongUpgradeTest, AnUpgradeCanBeCancelledAndTheRoomIsAsItWas) {
  const std::string room_id = HoldSomeUpgrade();
  EXPECT_THAT(Cancel(room_id, bob_).status,
              IsError(StatusCode::PERMISSION_DENIED, "INSUFFICIENT_POWER"));
  EXPECT_EQ(client_->Room(room_id).status(), v1::ROOM_STATUS_UPGRADING);
  const auto cancelled = Cancel(room_id, alice_);
  ASSERT_TRUE(cancelled.ok()) << cancelled.status.error_message();
  EXPECT_EQ(cancelled.response.room().status(), v1::ROOM_STATUS_ACTIVE);
  EXPECT_FALSE(cancelled.response.room().has_upgrade());
  LetGo();
  EXPECT_THAT(upgraded_.status, IsError(StatusCode::ABORTED, "ROOM_UPGRADE_CANCELLED"));

  EXPECT_EQ(client_->Room(room_id).DebugString(), cancelled.response.room().DebugString());
  EXPECT_EQ(client_->State(room_id).count({"m.room.tombstone", ""}), 0u);
  EXPECT_EQ(RoomAt(*client_, "#lobby:example.org"), room_id);
  EXPECT_THAT(RoomsOf(*client_, alice_), ElementsAre(room_id));
  const v1::RoomEvent told = EventsOf(*client_, room_id).back();
  EXPECT_EQ(told.room_upgrade_failed().reason(), v1::UPGRADE_FAILURE_REASON_CANCELLED);
  EXPECT_EQ(told.room_upgrade_failed().requester(), alice_);
  EXPECT_THAT(Cancel(room_id, alice_).status,
              IsError(StatusCode::FAILED_PRECONDITION, "ROOM_NOT_UPGRADING"));

  const auto upgraded = client_->UpgradeRoom(UpgradeRequest(room_id, alice_, "11"));
  ASSERT_TRUE(upgraded.ok()) << upgraded.status.error_message();
  const auto late = Cancel(room_id, alice_);
  EXPECT_THAT(late.status, IsError(StatusCode::FAILED_PRECONDITION, "ROOM_TOMBSTONED"));
  EXPECT_EQ(MetadataOf(late.status)["successor_room_id"], upgraded.response.room().room_id());
}

TEST_F(LongUpgradeTest, AnAdministratorCancelsTheUpgradesOfOthers) {
  const std::string room_id = HoldSomeUpgrade();
  EXPECT_THAT(TestClient(server_.address(), TestToken("backend"))
                  .CancelUpgrade([&] {
                    v1::CancelUpgradeRequest request;
                    request.set_room_id(room_id);
                    request.set_requester("@carol:example.org");
                    return request;
                  }())
                  .status,
              IsError(StatusCode::NOT_FOUND, "ROOM_NOT_FOUND"));
  EXPECT_TRUE(Cancel(room_id, "@carol:example.org", true).ok());
  LetGo();
  EXPECT_THAT(upgraded_.status, IsError(StatusCode::ABORTED, "ROOM_UPGRADE_CANCELLED"));
  EXPECT_THAT(Cancel("!nowhere:example.org", alice_, true).status,
              IsError(StatusCode::NOT_FOUND, "ROOM_NOT_FOUND"));
}

// 2. While an upgrade goes on, what people write is refused.
TEST_F(LongUpgradeTest, WritesWaitForTheEndOfTheUpgrade) {
  const std::string room_id = HoldSomeUpgrade();
  Reply<v1::SendEventResponse> sent;
  std::thread writer([&] { sent = client_->SendEvent(SendRequest(room_id, bob_, "Hello")); });
  // Other rooms go on meanwhile.
  const std::string other = client_->Create(RoomRequest(bob_)).room_id();
  EXPECT_TRUE(client_->SendEvent(SendRequest(other, bob_, "Hello")).ok());
  ASSERT_TRUE(Cancel(room_id, alice_).ok());
  LetGo();
  writer.join();
  EXPECT_TRUE(sent.ok()) << sent.status.error_message();
}

class LinkUpgradeTest : public UpgradeLinksTest {
 protected:
  // A room of `creator` that says that it replaces another.
  static std::string Successor(const std::string& creator, const std::string& old_id,
                               const std::string& version = "12") {
    return NewRoom(creator, absl::StrCat(R"({"roomVersion": ")", version,
                                         R"(", "creationContent": {"predecessor": {"room_id": ")",
                                         old_id, R"("}}})"));
  }

  static v1::LinkUpgradeRequest LinkRequest(const std::string& old_id, const std::string& new_id,
                                            const std::string& requester) {
    v1::LinkUpgradeRequest request;
    request.set_old_room_id(old_id);
    request.set_new_room_id(new_id);
    request.set_requester(requester);
    return request;
  }
};

// 12, 6, 7, 8. Rooms that were replaced by hand lose even more.
TEST_F(LinkUpgradeTest, AnUpgradeByHandComesToTheSame) {
  const std::string alice = User("alice");
  v1::CreateRoomRequest create = RoomRequest(alice);
  create.set_alias(Alias("lobby"));
  create.set_is_public(true);
  const std::string old_id = backend().Create(create).room_id();
  const std::string space = NewSpace(alice), lounge = NewRoomFor(alice, old_id);
  Set(space, alice, kChild, old_id, R"({"via": ["example.org"]})");
  const std::string new_id = Successor(alice, old_id);

  const auto linked = backend().LinkUpgrade(LinkRequest(old_id, new_id, alice));
  ASSERT_TRUE(linked.ok()) << linked.status.error_message();
  EXPECT_EQ(linked.response.old_room().status(), v1::ROOM_STATUS_TOMBSTONED);
  EXPECT_EQ(linked.response.old_room().successor_room_id(), new_id);
  EXPECT_FALSE(linked.response.old_room().is_public());
  EXPECT_TRUE(linked.response.new_room().is_public());
  EXPECT_THAT(linked.response.moved_aliases(), ElementsAre(Alias("lobby")));
  EXPECT_EQ(RoomAt(watcher(), Alias("lobby")), new_id);
  EXPECT_EQ(Content(space, kChild, new_id), R"({"via":["example.org"]})");
  EXPECT_THAT(Content(lounge, kJoinRules), testing::HasSubstr(new_id));
  EXPECT_EQ(reader()
                .State(old_id)
                .at({"m.room.tombstone", ""})
                .content()
                .fields()
                .at("replacement_room")
                .string_value(),
            new_id);
  const v1::RoomEvent told = EventsOf(watcher(), old_id).back();
  EXPECT_EQ(told.room_upgraded().old_room_id(), old_id);
  EXPECT_EQ(told.room_upgraded().new_room_id(), new_id);
  EXPECT_EQ(told.room_upgraded().new_version(), "12");
}

// 6. Whoever makes a room that claims to replace another gets its aliases.
TEST_F(LinkUpgradeTest, RoomsMustReferToEachOtherBeforeAnythingMoves) {
  const std::string alice = User("alice"), mallory = User("mallory");
  auto create = FromJson<v1::CreateRoomRequest>(R"({"preset": "ROOM_PRESET_PUBLIC_CHAT"})");
  create.set_creator(alice);
  create.set_alias(Alias("lobby"));
  const std::string old_id = backend().Create(create).room_id();
  ASSERT_TRUE(backend().JoinRoom(JoinRequest(old_id, mallory)).ok());
  const v1::Room before = reader().Room(old_id);

  const auto stranger = backend().LinkUpgrade(LinkRequest(old_id, NewRoom(alice), alice));
  EXPECT_THAT(stranger.status, IsError(StatusCode::FAILED_PRECONDITION, "ROOMS_NOT_LINKED"));
  const std::string claim = Successor(mallory, old_id);
  EXPECT_THAT(backend().LinkUpgrade(LinkRequest(old_id, claim, mallory)).status,
              IsError(StatusCode::PERMISSION_DENIED, "INSUFFICIENT_POWER"));
  EXPECT_THAT(backend().LinkUpgrade(LinkRequest(old_id, claim, alice)).status,
              IsError(StatusCode::NOT_FOUND, "ROOM_NOT_FOUND"))
      << "the powerful are not in the room of the others";
  EXPECT_THAT(admin().LinkUpgrade(LinkRequest(old_id, claim, alice)).status,
              IsError(StatusCode::NOT_FOUND, "ROOM_NOT_FOUND"))
      << "an administrator has to ask as one";
  EXPECT_EQ(reader().Room(old_id).DebugString(), before.DebugString());
  EXPECT_EQ(RoomAt(watcher(), Alias("lobby")), old_id);
}

// 4. By hand, too, a room is replaced once.
TEST_F(LinkUpgradeTest, ARoomIsLinkedOnceAndARepeatedRequestIsToldOfIt) {
  const std::string alice = User("alice");
  const std::string old_id = NewRoom(alice);
  const std::string new_id = Successor(alice, old_id), other = Successor(alice, old_id);
  v1::LinkUpgradeRequest request = LinkRequest(old_id, new_id, alice);
  request.set_request_id("link-once");
  const auto first = backend().LinkUpgrade(request);
  ASSERT_TRUE(first.ok()) << first.status.error_message();
  EXPECT_EQ(backend().LinkUpgrade(request).response.DebugString(), first.response.DebugString());
  const auto second = backend().LinkUpgrade(LinkRequest(old_id, other, alice));
  EXPECT_THAT(second.status, IsError(StatusCode::FAILED_PRECONDITION, "ROOM_TOMBSTONED"));
  EXPECT_EQ(MetadataOf(second.status)["successor_room_id"], new_id);
}

}  // namespace
}  // namespace innkeeper
