// RoomMembership does what its comments promise.

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/e2e/e2e_test.h"

namespace innkeeper {
namespace {

using grpc::StatusCode;
using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::SizeIs;

class MembershipTest : public E2eTest {
 protected:
  static std::string NewRoom(const std::string& settings = "{}") {
    auto request = FromJson<v1::CreateRoomRequest>(settings);
    request.set_creator(User("alice"));
    return backend().Create(request).room_id();
  }

  // A room with this join rule, and what else its content has.
  static std::string NewRoomWithRule(const std::string& rule, const std::string& more = "") {
    return NewRoom(absl::StrCat(
        R"({"roomVersion": "10", "initialState": [{"type": "m.room.join_rules", "content": )",
        R"({"join_rule": ")", rule, "\"", more, "}}]}"));
  }

  static Reply<v1::InviteUserResponse> Invite(const std::string& room_id,
                                              const std::string& requester,
                                              const std::string& user_id) {
    return backend().InviteUser(InviteRequest(room_id, requester, user_id));
  }
  static Reply<v1::KickUserResponse> Kick(const std::string& room_id, const std::string& requester,
                                          const std::string& user_id) {
    return backend().KickUser(KickRequest(room_id, requester, user_id));
  }
  static Reply<v1::BanUserResponse> Ban(const std::string& room_id, const std::string& requester,
                                        const std::string& user_id) {
    return backend().BanUser(BanRequest(room_id, requester, user_id));
  }
  static Reply<v1::UnbanUserResponse> Unban(const std::string& room_id,
                                            const std::string& requester,
                                            const std::string& user_id) {
    return backend().UnbanUser(UnbanRequest(room_id, requester, user_id));
  }
  static Reply<v1::JoinRoomResponse> Join(const std::string& room, const std::string& requester) {
    return backend().JoinRoom(JoinRequest(room, requester));
  }
  static Reply<v1::KnockOnRoomResponse> Knock(const std::string& room,
                                              const std::string& requester) {
    return backend().KnockOnRoom(KnockRequest(room, requester));
  }
  static Reply<v1::LeaveRoomResponse> Leave(const std::string& room_id,
                                            const std::string& requester) {
    return backend().LeaveRoom(LeaveRequest(room_id, requester));
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
};

TEST_F(MembershipTest, UsersAreInvitedJoinAndLeave) {
  const std::string alice = User("alice"), bob = User("bob");
  const std::string room_id = NewRoom();
  auto invited = Invite(room_id, alice, bob);
  ASSERT_TRUE(invited.ok()) << invited.status.error_message();
  EXPECT_EQ(invited.response.member().membership(), v1::MEMBERSHIP_INVITE);
  EXPECT_EQ(invited.response.member().sender(), alice);
  EXPECT_EQ(invited.response.member().revision(), 2);

  v1::JoinRoomRequest join = JoinRequest(room_id, bob);
  join.set_displayname("Bob");
  join.set_avatar_url("mxc://example.org/bob");
  auto joined = backend().JoinRoom(join);
  ASSERT_TRUE(joined.ok()) << joined.status.error_message();
  EXPECT_EQ(joined.response.room_id(), room_id);
  EXPECT_EQ(joined.response.member().displayname(), "Bob");
  EXPECT_EQ(joined.response.member().avatar_url(), "mxc://example.org/bob");
  EXPECT_EQ(reader().Room(room_id).joined_member_count(), 2);
  EXPECT_EQ(reader().Room(room_id).invited_member_count(), 0);

  auto left = Leave(room_id, bob);
  ASSERT_TRUE(left.ok()) << left.status.error_message();
  EXPECT_EQ(left.response.member().membership(), v1::MEMBERSHIP_LEAVE);
  EXPECT_EQ(reader().Room(room_id).joined_member_count(), 1);
  EXPECT_THAT(Join(room_id, bob).status,
              IsError(StatusCode::PERMISSION_DENIED, "EVENT_NOT_AUTHORIZED"));
}

TEST_F(MembershipTest, EveryChangeIsOnTheStream) {
  const std::string alice = User("alice"), bob = User("bob");
  const std::string room_id = NewRoom(R"({"preset": "ROOM_PRESET_PUBLIC_CHAT"})");
  ASSERT_TRUE(Join(room_id, bob).ok());
  ASSERT_TRUE(Ban(room_id, alice, bob).ok());
  const auto events = EventsOf(watcher(), room_id);
  ASSERT_THAT(events, SizeIs(3));
  const v1::RoomMemberChanged& joined = events[1].room_member_changed();
  EXPECT_EQ(events[1].type(), "room.member.changed");
  EXPECT_EQ(joined.user_id(), bob);
  EXPECT_EQ(joined.membership(), v1::MEMBERSHIP_JOIN);
  EXPECT_EQ(joined.previous_membership(), v1::MEMBERSHIP_LEAVE);
  EXPECT_EQ(events[2].room_member_changed().sender(), alice);
  EXPECT_EQ(events[2].room_member_changed().membership(), v1::MEMBERSHIP_BAN);
  EXPECT_EQ(events[2].room_member_changed().previous_membership(), v1::MEMBERSHIP_JOIN);
}

TEST_F(MembershipTest, StrangersLearnNothingOfPrivateRooms) {
  const std::string room_id = NewRoom(), bob = User("bob");
  const auto hidden = IsError(StatusCode::NOT_FOUND, "ROOM_NOT_FOUND");
  EXPECT_THAT(Join(room_id, bob).status, hidden);
  EXPECT_THAT(Knock(room_id, bob).status, hidden);
  EXPECT_THAT(Leave(room_id, bob).status, hidden);
  EXPECT_THAT(Invite(room_id, bob, User("carol")).status, hidden);
  EXPECT_THAT(Kick(room_id, bob, User("alice")).status, hidden);
  EXPECT_THAT(Join("!nowhere:example.org", bob).status, hidden);
}

TEST_F(MembershipTest, PowerDecidesWhoMayKickAndBan) {
  const std::string alice = User("alice"), bob = User("bob"), carol = User("carol");
  const std::string room_id = NewRoom(R"({"preset": "ROOM_PRESET_PUBLIC_CHAT"})");
  ASSERT_TRUE(Join(room_id, bob).ok());
  ASSERT_TRUE(Join(room_id, carol).ok());
  const auto powerless = IsError(StatusCode::PERMISSION_DENIED, "INSUFFICIENT_POWER");
  EXPECT_THAT(Kick(room_id, bob, carol).status, powerless);
  EXPECT_THAT(Ban(room_id, bob, carol).status, powerless);

  ASSERT_TRUE(Kick(room_id, alice, carol).ok());
  ASSERT_TRUE(Join(room_id, carol).ok());
  ASSERT_TRUE(Ban(room_id, alice, carol).ok());
  const auto refused = Join(room_id, carol);
  EXPECT_THAT(refused.status, IsError(StatusCode::PERMISSION_DENIED, "EVENT_NOT_AUTHORIZED"));
  EXPECT_EQ(MetadataOf(refused.status)["rule"], "member.join.banned");
  EXPECT_THAT(Members(room_id, v1::MEMBERSHIP_BAN), ElementsAre(carol));
  ASSERT_TRUE(Unban(room_id, alice, carol).ok());
  EXPECT_TRUE(Join(room_id, carol).ok());
}

TEST_F(MembershipTest, WhatWouldChangeNothingWritesNothing) {
  const std::string alice = User("alice"), bob = User("bob");
  const std::string room_id = NewRoom();
  ASSERT_TRUE(Invite(room_id, alice, bob).ok());
  EXPECT_EQ(Invite(room_id, alice, bob).response.member().revision(), 2);
  ASSERT_TRUE(Join(room_id, bob).ok());
  EXPECT_EQ(Join(room_id, bob).response.member().revision(), 3);
  EXPECT_EQ(Unban(room_id, alice, bob).response.member().membership(), v1::MEMBERSHIP_JOIN);
  EXPECT_EQ(Kick(room_id, alice, User("carol")).response.member().membership(),
            v1::MEMBERSHIP_LEAVE);
  ASSERT_TRUE(Ban(room_id, alice, bob).ok());
  // A kick must not end a ban.
  EXPECT_EQ(Kick(room_id, alice, bob).response.member().membership(), v1::MEMBERSHIP_BAN);
  EXPECT_EQ(Ban(room_id, alice, bob).response.member().revision(), 4);
  EXPECT_EQ(reader().Room(room_id).revision(), 4);
}

TEST_F(MembershipTest, UsersKnockAndAreLetIn) {
  const std::string alice = User("alice"), bob = User("bob");
  const std::string room_id = NewRoomWithRule("knock");
  EXPECT_THAT(Join(room_id, bob).status,
              IsError(StatusCode::PERMISSION_DENIED, "EVENT_NOT_AUTHORIZED"));
  auto knocked = Knock(room_id, bob);
  ASSERT_TRUE(knocked.ok()) << knocked.status.error_message();
  EXPECT_EQ(knocked.response.member().membership(), v1::MEMBERSHIP_KNOCK);
  ASSERT_TRUE(Invite(room_id, alice, bob).ok());
  EXPECT_TRUE(Join(room_id, bob).ok());
}

TEST_F(MembershipTest, MembersOfAnAllowedRoomJoinARestrictedOne) {
  const std::string bob = User("bob"), carol = User("carol");
  const std::string club = NewRoom(R"({"preset": "ROOM_PRESET_PUBLIC_CHAT"})");
  const std::string room_id = NewRoomWithRule(
      "restricted",
      absl::StrCat(R"(, "allow": [{"type": "m.room_membership", "room_id": ")", club, "\"}]"));
  EXPECT_THAT(Join(room_id, bob).status,
              IsError(StatusCode::PERMISSION_DENIED, "EVENT_NOT_AUTHORIZED"));
  ASSERT_TRUE(Join(club, bob).ok());
  ASSERT_TRUE(Join(room_id, bob).ok());
  const auto member = reader().State(room_id).at({"m.room.member", bob});
  EXPECT_EQ(member.content().fields().at("join_authorised_via_users_server").string_value(),
            User("alice"));
}

TEST_F(MembershipTest, AliasesStandForRooms) {
  auto request = FromJson<v1::CreateRoomRequest>(R"({"preset": "ROOM_PRESET_PUBLIC_CHAT"})");
  request.set_creator(User("alice"));
  request.set_alias(Alias("club"));
  const std::string room_id = backend().Create(request).room_id();
  EXPECT_EQ(Join(Alias("club"), User("bob")).response.room_id(), room_id);
  EXPECT_THAT(Join(Alias("nothing"), User("bob")).status,
              IsError(StatusCode::NOT_FOUND, "ALIAS_NOT_FOUND"));
}

TEST_F(MembershipTest, ManyJoinOneRoomAtOnce) {
  const std::string room_id = NewRoom(R"({"preset": "ROOM_PRESET_PUBLIC_CHAT"})");
  const auto codes = AtOnce(
      16, [&](int i) { return Join(room_id, User(absl::StrCat("user", i))).status.error_code(); });
  EXPECT_THAT(codes, Each(StatusCode::OK));
  EXPECT_EQ(reader().Room(room_id).joined_member_count(), 17);
  EXPECT_EQ(reader().Room(room_id).revision(), 17);
}

TEST_F(MembershipTest, MembersComeInPagesAndByMembership) {
  const std::string alice = User("alice");
  const std::string room_id = NewRoom(R"({"preset": "ROOM_PRESET_PUBLIC_CHAT"})");
  std::vector<std::string> all = {alice};
  for (int i = 0; i < 5; ++i) {
    all.push_back(User(absl::StrCat("user", i)));
    ASSERT_TRUE(Join(room_id, all.back()).ok());
  }
  ASSERT_TRUE(Leave(room_id, all.back()).ok());
  std::sort(all.begin(), all.end());
  EXPECT_EQ(Members(room_id, v1::MEMBERSHIP_UNSPECIFIED, 2), all);
  EXPECT_THAT(Members(room_id, v1::MEMBERSHIP_JOIN, 2), SizeIs(5));
  EXPECT_THAT(Members(room_id, v1::MEMBERSHIP_LEAVE, 1), ElementsAre(User("user4")));
  EXPECT_THAT(Members(room_id, v1::MEMBERSHIP_BAN), IsEmpty());
}

TEST_F(MembershipTest, UsersFindTheirRooms) {
  const std::string alice = User("alice"), bob = User("bob");
  const std::string joined = NewRoom(R"({"preset": "ROOM_PRESET_PUBLIC_CHAT", "topic": "t"})");
  const std::string invited = NewRoom(R"({"name": "secret plans"})");
  ASSERT_TRUE(Join(joined, bob).ok());
  ASSERT_TRUE(Invite(invited, alice, bob).ok());
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

TEST_F(MembershipTest, InvitesToOtherServersWaitUntilTheyAreAcknowledged) {
  const std::string alice = User("alice"), zoe = "@zoe:elsewhere.example";
  const TestClient sender(server().address(), TestToken("sender"));
  const std::string room_id = NewRoom(R"({"name": "Lobby"})");
  auto invited = Invite(room_id, alice, zoe);
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

TEST_F(MembershipTest, RepeatedRequestsGetTheFirstResponse) {
  const std::string room_id = NewRoom(R"({"preset": "ROOM_PRESET_PUBLIC_CHAT"})");
  v1::JoinRoomRequest join = JoinRequest(room_id, User("bob"));
  join.set_request_id(User("request").substr(1, 20));
  const auto first = backend().JoinRoom(join);
  ASSERT_TRUE(first.ok()) << first.status.error_message();
  ASSERT_TRUE(Leave(room_id, User("bob")).ok());
  EXPECT_EQ(backend().JoinRoom(join).response.SerializeAsString(),
            first.response.SerializeAsString());
  EXPECT_EQ(reader().Room(room_id).joined_member_count(), 1);
}

TEST_F(MembershipTest, WrongFieldsAreNamed) {
  auto kick = KickRequest("room", "@alice", "bob");
  EXPECT_THAT(backend().KickUser(kick).status,
              IsError(StatusCode::PERMISSION_DENIED, "USER_NOT_ALLOWED"));
  kick.set_requester(User("alice"));
  kick.set_reason(std::string(1025, 'x'));
  kick.set_request_id("no spaces");
  EXPECT_THAT(backend().KickUser(kick).status,
              IsInvalid({"room_id", "user_id", "reason", "request_id"}));
  EXPECT_THAT(Kick("!room:example.org", User("alice"), User("alice")).status,
              IsInvalid({"user_id"}));
  v1::JoinRoomRequest join = JoinRequest("#club", User("bob"));
  join.set_avatar_url("https://example.org/bob.png");
  EXPECT_THAT(backend().JoinRoom(join).status, IsInvalid({"room_id_or_alias", "avatar_url"}));
}

TEST_F(MembershipTest, TombstonedRoomsTakeNobodyIn) {
  const std::string alice = User("alice");
  const std::string room_id = NewRoom(R"({"preset": "ROOM_PRESET_PUBLIC_CHAT"})");
  ASSERT_TRUE(backend().UpgradeRoom(UpgradeRequest(room_id, alice, "12")).ok());
  const auto refused = Join(room_id, User("bob"));
  EXPECT_THAT(refused.status, IsError(StatusCode::FAILED_PRECONDITION, "ROOM_TOMBSTONED"));
  EXPECT_TRUE(Join(MetadataOf(refused.status)["successor_room_id"], User("bob")).ok());
}

}  // namespace
}  // namespace innkeeper
