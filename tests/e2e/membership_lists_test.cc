// The lists of RoomMembership: who is in a room, in which rooms a user is, and which invites
// wait for their delivery.

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/e2e/e2e_test.h"
#include "tests/support/watch_stream.h"

namespace innkeeper {
namespace {

using grpc::StatusCode;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::SizeIs;
using testing::UnorderedElementsAre;
using testing::UnorderedElementsAreArray;

class MembershipListsTest : public E2eTest {
 protected:
  static std::string NewRoom(const std::string& settings = "{}") {
    auto request = FromJson<v1::CreateRoomRequest>(settings);
    request.set_creator(User("alice"));
    return backend().Create(request).room_id();
  }

  static void Join(const std::string& room_id, const std::string& user) {
    const auto reply = backend().JoinRoom(JoinRequest(room_id, user));
    EXPECT_TRUE(reply.ok()) << reply.status.error_message();
  }

  // The ids of the members that a reader finds, page by page.
  static std::vector<std::string> Members(const std::string& room_id,
                                          v1::Membership membership = v1::MEMBERSHIP_UNSPECIFIED,
                                          int page_size = 0) {
    v1::ListMembersRequest request;
    request.set_room_id(room_id);
    request.set_membership(membership);
    request.set_page_size(page_size);
    std::vector<std::string> members;
    do {
      auto reply = reader().ListMembers(request);
      EXPECT_TRUE(reply.ok()) << reply.status.error_message();
      for (const auto& member : reply.response.members()) members.push_back(member.user_id());
      request.set_page_token(reply.response.next_page_token());
    } while (!request.page_token().empty());
    return members;
  }

  // The ids of the rooms of a user, page by page.
  static std::vector<std::string> UserRooms(v1::ListUserRoomsRequest request) {
    std::vector<std::string> rooms;
    do {
      const auto reply = backend().ListUserRooms(request);
      EXPECT_TRUE(reply.ok()) << reply.status.error_message();
      EXPECT_TRUE(request.page_size() == 0 || reply.response.rooms_size() <= request.page_size());
      for (const auto& room : reply.response.rooms()) rooms.push_back(room.room().room_id());
      request.set_page_token(reply.response.next_page_token());
    } while (!request.page_token().empty());
    return rooms;
  }

  static v1::ListUserRoomsRequest RoomsRequest(const std::string& user) {
    v1::ListUserRoomsRequest request;
    request.set_user_id(user);
    return request;
  }
};

auto TokenIsInvalid() { return IsError(StatusCode::INVALID_ARGUMENT, "CURSOR_INVALID"); }

TEST_F(MembershipListsTest, MembersComeInPagesAndByMembership) {
  const std::string alice = User("alice");
  const std::string room_id = NewRoom(R"({"preset": "ROOM_PRESET_PUBLIC_CHAT"})");
  std::vector<std::string> all = {alice};
  for (int i = 0; i < 5; ++i) {
    all.push_back(User(absl::StrCat("user", i)));
    Join(room_id, all.back());
  }
  ASSERT_TRUE(backend().LeaveRoom(LeaveRequest(room_id, all.back())).ok());
  EXPECT_THAT(Members(room_id, v1::MEMBERSHIP_UNSPECIFIED, 2), UnorderedElementsAreArray(all));
  EXPECT_THAT(Members(room_id, v1::MEMBERSHIP_JOIN, 2), SizeIs(5));
  EXPECT_THAT(Members(room_id, v1::MEMBERSHIP_LEAVE, 1), ElementsAre(User("user4")));
  EXPECT_THAT(Members(room_id, v1::MEMBERSHIP_BAN), IsEmpty());
}

TEST_F(MembershipListsTest, AllPagesOfMembersShowTheSameMoment) {
  const std::string alice = User("alice");
  const std::string room_id = NewRoom(R"({"preset": "ROOM_PRESET_PUBLIC_CHAT"})");
  for (const std::string name : {"bob", "carol"}) Join(room_id, User(name));
  v1::ListMembersRequest request;
  request.set_room_id(room_id);
  request.set_requester(alice);
  request.set_page_size(1);
  std::vector<std::string> members;
  const int64_t revision = reader().Room(room_id).revision();
  do {
    const auto page = backend().ListMembers(request);
    ASSERT_TRUE(page.ok()) << page.status.error_message();
    EXPECT_EQ(page.response.revision(), revision);
    for (const auto& member : page.response.members()) {
      EXPECT_EQ(member.membership(), v1::MEMBERSHIP_JOIN);
      members.push_back(member.user_id());
    }
    request.set_page_token(page.response.next_page_token());
    if (members.size() == 1) {
      Join(room_id, User("dave"));
      ASSERT_TRUE(backend().LeaveRoom(LeaveRequest(room_id, User("carol"))).ok());
    }
  } while (!request.page_token().empty());
  EXPECT_THAT(members, UnorderedElementsAre(alice, User("bob"), User("carol")));
}

TEST_F(MembershipListsTest, MembersAreForMembersAndTokensForTheirRequest) {
  const std::string alice = User("alice"), bob = User("bob");
  const std::string room_id = NewRoom(R"({"preset": "ROOM_PRESET_PUBLIC_CHAT"})");
  Join(room_id, User("carol"));
  v1::ListMembersRequest request;
  request.set_room_id(room_id);
  request.set_requester(bob);
  EXPECT_THAT(backend().ListMembers(request).status,
              IsError(StatusCode::NOT_FOUND, "ROOM_NOT_FOUND"));
  ASSERT_TRUE(backend().InviteUser(InviteRequest(room_id, alice, bob)).ok());
  EXPECT_THAT(backend().ListMembers(request).status,
              IsError(StatusCode::NOT_FOUND, "ROOM_NOT_FOUND"))
      << "an invite is no membership";

  request.set_requester(alice);
  request.set_page_size(1);
  request.set_page_token(backend().ListMembers(request).response.next_page_token());
  ASSERT_TRUE(backend().ListMembers(request).ok());
  v1::ListMembersRequest other = request;
  other.set_requester(User("carol"));
  EXPECT_THAT(backend().ListMembers(other).status, TokenIsInvalid());
  other = request;
  other.set_membership(v1::MEMBERSHIP_JOIN);
  EXPECT_THAT(backend().ListMembers(other).status, TokenIsInvalid());
  other = request;
  other.set_room_id(NewRoom());
  EXPECT_THAT(backend().ListMembers(other).status, TokenIsInvalid());
  other = request;
  other.mutable_page_token()->back() ^= 1;
  EXPECT_THAT(backend().ListMembers(other).status, TokenIsInvalid());
  other.set_room_id("room");
  other.set_requester("alice");
  other.set_membership(static_cast<v1::Membership>(9));
  other.set_page_size(-1);
  EXPECT_THAT(admin().ListMembers(other).status,
              IsInvalid({"room_id", "requester", "membership", "page_size"}));
}

TEST_F(MembershipListsTest, UsersFindTheirRooms) {
  const std::string alice = User("alice"), bob = User("bob");
  const std::string joined = NewRoom(R"({"preset": "ROOM_PRESET_PUBLIC_CHAT", "topic": "t"})");
  const std::string invited = NewRoom(R"({"name": "secret plans"})");
  Join(joined, bob);
  ASSERT_TRUE(backend().InviteUser(InviteRequest(invited, alice, bob)).ok());
  v1::ListUserRoomsRequest request;
  request.set_user_id(bob);
  auto reply = backend().ListUserRooms(request);
  ASSERT_TRUE(reply.ok()) << reply.status.error_message();
  ASSERT_EQ(reply.response.rooms_size(), 2);
  for (const v1::UserRoom& room : reply.response.rooms()) {
    const bool is_joined = room.room().room_id() == joined;
    EXPECT_EQ(room.membership(), is_joined ? v1::MEMBERSHIP_JOIN : v1::MEMBERSHIP_INVITE);
    EXPECT_EQ(room.room().creator(), is_joined ? alice : "");
  }
  request.set_membership(v1::MEMBERSHIP_INVITE);
  reply = backend().ListUserRooms(request);
  ASSERT_EQ(reply.response.rooms_size(), 1);
  EXPECT_EQ(reply.response.rooms(0).room().name(), "secret plans");
}

TEST_F(MembershipListsTest, RoomsOfAUserComeInPagesAndByMembership) {
  const std::string alice = User("alice"), bob = User("bob");
  std::vector<std::string> all, joined, invited;
  for (int i = 0; i < 6; ++i) {
    all.push_back(NewRoom(absl::StrCat(R"({"preset": "ROOM_PRESET_PUBLIC_CHAT", "roomVersion": ")",
                                       i % 2 == 0 ? 12 : 11, "\"}")));
    ASSERT_TRUE(backend().InviteUser(InviteRequest(all[i], alice, bob)).ok());
    if (i % 3 == 0) Join(all[i], bob);
    (i % 3 == 0 ? joined : invited).push_back(all[i]);
  }
  // Rooms that a user is out of are not theirs.
  const std::string left = NewRoom(R"({"preset": "ROOM_PRESET_PUBLIC_CHAT"})");
  Join(left, bob);
  ASSERT_TRUE(backend().LeaveRoom(LeaveRequest(left, bob)).ok());
  ASSERT_TRUE(backend().BanUser(BanRequest(NewRoom(), alice, bob)).ok());

  for (auto* rooms : {&all, &joined, &invited}) std::sort(rooms->begin(), rooms->end());
  v1::ListUserRoomsRequest request = RoomsRequest(bob);
  for (const int page_size : {0, 1, 2, 4, 6}) {
    request.set_page_size(page_size);
    request.clear_membership();
    EXPECT_EQ(UserRooms(request), all);
    request.set_membership(v1::MEMBERSHIP_JOIN);
    EXPECT_EQ(UserRooms(request), joined);
    request.set_membership(v1::MEMBERSHIP_INVITE);
    EXPECT_EQ(UserRooms(request), invited);
    request.set_membership(v1::MEMBERSHIP_KNOCK);
    EXPECT_THAT(UserRooms(request), IsEmpty());
  }
}

TEST_F(MembershipListsTest, TokensOfAUsersRoomsBelongToTheirRequest) {
  const std::string alice = User("alice");
  for (int i = 0; i < 3; ++i) NewRoom();
  v1::ListUserRoomsRequest request = RoomsRequest(alice);
  request.set_page_size(1);
  request.set_page_token(backend().ListUserRooms(request).response.next_page_token());
  ASSERT_TRUE(backend().ListUserRooms(request).ok());
  v1::ListUserRoomsRequest other = request;
  other.set_membership(v1::MEMBERSHIP_JOIN);
  EXPECT_THAT(backend().ListUserRooms(other).status, TokenIsInvalid());
  other = request;
  other.set_user_id(User("bob"));
  EXPECT_THAT(backend().ListUserRooms(other).status, TokenIsInvalid());
  other = request;
  other.mutable_page_token()->back() ^= 1;
  EXPECT_THAT(backend().ListUserRooms(other).status, TokenIsInvalid());
  other.set_user_id("alice");
  other.set_membership(v1::MEMBERSHIP_BAN);
  other.set_page_size(-1);
  EXPECT_THAT(admin().ListUserRooms(other).status,
              IsInvalid({"user_id", "membership", "page_size"}));
}

TEST_F(MembershipListsTest, OfRoomsThatTheyAreNotInUsersSeeWhatStrangersMay) {
  const std::string bob = User("bob");
  auto create = FromJson<v1::CreateRoomRequest>(R"({"roomVersion": "10", "name": "Club",
      "topic": "t", "isPublic": true, "encryptionAlgorithm": "m.megolm.v1.aes-sha2",
      "creationContent": {"type": "m.space"},
      "initialState": [{"type": "m.room.join_rules", "content": {"join_rule": "knock"}}]})");
  create.set_creator(User("alice"));
  create.set_alias(Alias("club"));
  const v1::Room room = backend().Create(create);
  ASSERT_TRUE(backend().KnockOnRoom(KnockRequest(Alias("club"), bob)).ok());
  const auto reply = backend().ListUserRooms(RoomsRequest(bob));
  ASSERT_THAT(reply.response.rooms(), SizeIs(1));
  EXPECT_EQ(reply.response.rooms(0).membership(), v1::MEMBERSHIP_KNOCK);
  v1::Room shown;
  shown.set_room_id(room.room_id());
  shown.set_room_version("10");
  shown.set_room_type("m.space");
  shown.set_name("Club");
  shown.set_topic("t");
  shown.set_canonical_alias(Alias("club"));
  shown.set_encryption_algorithm("m.megolm.v1.aes-sha2");
  EXPECT_EQ(reply.response.rooms(0).room().DebugString(), shown.DebugString());
}

TEST_F(MembershipListsTest, InvitesToOtherServersWaitUntilTheyAreAcknowledged) {
  const std::string alice = User("alice"), zoe = "@zoe:elsewhere.example";
  const TestClient sender(server().address(), TestToken("sender"));
  const std::string room_id = NewRoom(R"({"name": "Lobby"})");
  auto invited = backend().InviteUser(InviteRequest(room_id, alice, zoe));
  ASSERT_TRUE(invited.ok()) << invited.status.error_message();
  const auto events = EventsOf(watcher(), room_id);
  ASSERT_THAT(events, SizeIs(3));
  EXPECT_EQ(events[2].room_invite_pending().event_id(), invited.response.member().event_id());

  const auto pending = [&] {
    std::vector<v1::PendingInvite> found;
    v1::ListPendingInvitesRequest request;
    auto reply = sender.ListPendingInvites(request);
    EXPECT_TRUE(reply.ok()) << reply.status.error_message();
    for (const auto& invite : reply.response.invites()) {
      if (invite.room_id() == room_id) found.push_back(invite);
    }
    return found;
  };
  ASSERT_THAT(pending(), SizeIs(1));
  const v1::PendingInvite invite = pending()[0];
  EXPECT_EQ(invite.user_id(), zoe);
  const auto pdu = nlohmann::json::parse(invite.pdu());
  EXPECT_EQ(pdu["state_key"], zoe);
  EXPECT_TRUE(pdu["signatures"].contains("example.org"));
  std::vector<std::string> types;
  for (const std::string& event : invite.stripped_state()) {
    types.push_back(nlohmann::json::parse(event)["type"]);
  }
  EXPECT_THAT(types, IsSupersetOf({"m.room.create", "m.room.name", "m.room.member"}));

  v1::AckInviteRequest ack;
  ack.set_room_id(room_id);
  ack.set_user_id(zoe);
  ack.set_event_id("$another");
  ASSERT_TRUE(sender.AckInvite(ack).ok());
  EXPECT_THAT(pending(), SizeIs(1));
  ack.set_event_id(invite.event_id());
  ASSERT_TRUE(sender.AckInvite(ack).ok());
  EXPECT_THAT(pending(), IsEmpty());
  EXPECT_TRUE(sender.AckInvite(ack).ok());
  EXPECT_THAT(backend().AckInvite(ack).status,
              IsError(StatusCode::PERMISSION_DENIED, "ROLE_MISSING"));
}

TEST_F(MembershipListsTest, TheStreamBringsInvitesInFullToThoseWhoDeliverThem) {
  const std::string zoe = "@zoe:elsewhere.example";
  const TestClient admin(server().address(), TestToken("admin"));
  v1::WatchRoomEventsRequest now;
  WatchStream to_deliver(admin, now), to_watch(watcher(), now);
  for (WatchStream* stream : {&to_deliver, &to_watch}) stream->UntilCaughtUp();
  const std::string room_id =
      NewRoom(R"({"name": "Lobby", "invites": ["@zoe:elsewhere.example"]})");
  const auto of = [&](const std::vector<v1::RoomEvent>& events) {
    for (const v1::RoomEvent& event : events) {
      if (event.room_id() == room_id && event.has_room_invite_pending()) {
        return event.room_invite_pending();
      }
    }
    return v1::RoomInvitePending();
  };
  const v1::RoomInvitePending in_full = of(to_deliver.NextEvents(2));
  EXPECT_EQ(in_full.user_id(), zoe);
  EXPECT_EQ(in_full.room_version(), "11");
  const auto pdu = nlohmann::json::parse(in_full.pdu());
  EXPECT_EQ(pdu["state_key"], zoe);
  EXPECT_TRUE(pdu["signatures"].contains("example.org"));
  EXPECT_THAT(in_full.stripped_state(), Contains(HasSubstr("Lobby")));
  EXPECT_EQ(of(EventsOf(admin, room_id)).DebugString(), in_full.DebugString());

  // To others a room's content is none of their business.
  const v1::RoomInvitePending told = of(to_watch.NextEvents(2));
  EXPECT_EQ(told.event_id(), in_full.event_id());
  EXPECT_EQ(told.room_version() + told.pdu(), "");
  EXPECT_THAT(told.stripped_state(), IsEmpty());
  EXPECT_EQ(of(EventsOf(watcher(), room_id)).DebugString(), told.DebugString());
}

// A server of its own: the list is of all rooms, and the server is restarted.
class PendingInvitesTest : public testing::Test {
 protected:
  TestClient Client(const std::string& principal) const {
    return TestClient(server_.address(), TestToken(principal));
  }

  void Restart() {
    ASSERT_TRUE(server_.Stop().ok());
    server_.Start();
  }

  // "room user" of each invite that waits, page by page.
  std::vector<std::string> Waiting(int page_size = 0) const {
    const TestClient sender = Client("sender");
    v1::ListPendingInvitesRequest request;
    request.set_page_size(page_size);
    std::vector<std::string> waiting;
    do {
      const auto reply = sender.ListPendingInvites(request);
      EXPECT_TRUE(reply.ok()) << reply.status.error_message();
      EXPECT_TRUE(page_size == 0 || reply.response.invites_size() <= page_size);
      for (const auto& invite : reply.response.invites()) {
        waiting.push_back(absl::StrCat(invite.room_id(), " ", invite.user_id()));
      }
      request.set_page_token(reply.response.next_page_token());
    } while (!request.page_token().empty());
    return waiting;
  }

  const std::string alice_ = "@alice:example.org";
  TestServer server_;
};

TEST_F(PendingInvitesTest, WaitAcrossRestartsUntilAcknowledged) {
  std::vector<std::string> expected;
  v1::AckInviteRequest ack;
  for (int i = 0; i < 3; ++i) {
    v1::CreateRoomRequest create = RoomRequest(alice_);
    create.add_invites("@zoe:elsewhere.example");
    create.add_invites("@yan:elsewhere.example");
    create.add_invites("@bob:example.org");  // needs nobody to deliver it
    const std::string room_id = Client("backend").Create(create).room_id();
    for (const std::string name : {"@yan", "@zoe"}) {
      expected.push_back(absl::StrCat(room_id, " ", name, ":elsewhere.example"));
    }
    ack.set_room_id(room_id);
  }
  for (const int page_size : {0, 1, 4}) {
    EXPECT_THAT(Waiting(page_size), UnorderedElementsAreArray(expected));
  }

  Restart();
  EXPECT_THAT(Waiting(), UnorderedElementsAreArray(expected));
  std::vector<std::string> told;
  for (const v1::RoomEvent& event : Client("watcher").AllEvents()) {
    if (event.type() != "room.invite.pending") continue;
    told.push_back(absl::StrCat(event.room_id(), " ", event.room_invite_pending().user_id()));
  }
  EXPECT_THAT(told, UnorderedElementsAreArray(expected));

  ack.set_user_id("@zoe:elsewhere.example");
  ack.set_event_id(Client("reader")
                       .State(ack.room_id())
                       .at({"m.room.member", "@zoe:elsewhere.example"})
                       .event_id());
  ASSERT_TRUE(Client("sender").AckInvite(ack).ok());
  Restart();
  expected.erase(
      std::find(expected.begin(), expected.end(), absl::StrCat(ack.room_id(), " ", ack.user_id())));
  EXPECT_THAT(Waiting(), UnorderedElementsAreArray(expected));
}

TEST_F(PendingInvitesTest, EndWithTheInvite) {
  const std::string zoe = "@zoe:elsewhere.example";
  const TestClient backend = Client("backend");
  const std::string room_id = backend.Create(RoomRequest(alice_)).room_id();
  const auto first = backend.InviteUser(InviteRequest(room_id, alice_, zoe));
  ASSERT_THAT(Waiting(), SizeIs(1));
  ASSERT_TRUE(backend.KickUser(KickRequest(room_id, alice_, zoe)).ok());
  EXPECT_THAT(Waiting(), IsEmpty());
  // The next invite is another one, which the acknowledgement of the first leaves alone.
  ASSERT_TRUE(backend.InviteUser(InviteRequest(room_id, alice_, zoe)).ok());
  v1::AckInviteRequest ack;
  ack.set_room_id(room_id);
  ack.set_user_id(zoe);
  ack.set_event_id(first.response.member().event_id());
  ASSERT_TRUE(Client("sender").AckInvite(ack).ok());
  EXPECT_THAT(Waiting(), SizeIs(1));
  ASSERT_TRUE(backend.BanUser(BanRequest(room_id, alice_, zoe)).ok());
  EXPECT_THAT(Waiting(), IsEmpty());
}

TEST_F(PendingInvitesTest, WrongRequestsAreRefused) {
  v1::AckInviteRequest ack;
  EXPECT_THAT(Client("sender").AckInvite(ack).status,
              IsInvalid({"room_id", "user_id", "event_id"}));
  v1::ListPendingInvitesRequest list;
  list.set_page_size(-1);
  EXPECT_THAT(Client("sender").ListPendingInvites(list).status, IsInvalid({"page_size"}));
  list.set_page_size(1);
  list.set_page_token("damaged");
  EXPECT_THAT(Client("sender").ListPendingInvites(list).status, TokenIsInvalid());
}

}  // namespace
}  // namespace innkeeper
