// RoomMembership does what its comments promise.

#include <string>

#include "absl/strings/str_cat.h"
#include "tests/e2e/e2e_test.h"

namespace innkeeper {
namespace {

using grpc::StatusCode;
using testing::Each;
using testing::ElementsAre;
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
  EXPECT_THAT(MembersOf(reader(), room_id, "ban"), ElementsAre(carol));
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

TEST_F(MembershipTest, ReasonsAndDirectChatsAreTold) {
  const std::string alice = User("alice"), bob = User("bob");
  const std::string room_id = NewRoom();
  const auto reason_of = [&](const auto& reply) {
    EXPECT_TRUE(reply.ok()) << reply.status.error_message();
    // What is answered is what stands in the state.
    const v1::StateEvent event = reader().State(room_id).at({"m.room.member", bob});
    const auto reason = event.content().fields().find("reason");
    EXPECT_EQ(reply.response.member().reason(),
              reason == event.content().fields().end() ? "" : reason->second.string_value());
    return reply.response.member().reason();
  };
  v1::InviteUserRequest invite = InviteRequest(room_id, alice, bob);
  invite.set_reason("do come");
  invite.set_is_direct(true);
  EXPECT_EQ(reason_of(backend().InviteUser(invite)), "do come");
  EXPECT_TRUE(EventsOf(watcher(), room_id).back().room_member_changed().is_direct());
  v1::JoinRoomRequest join = JoinRequest(room_id, bob);
  join.set_reason("thanks");
  EXPECT_EQ(reason_of(backend().JoinRoom(join)), "thanks");
  EXPECT_FALSE(EventsOf(watcher(), room_id).back().room_member_changed().is_direct());
  v1::KickUserRequest kick = KickRequest(room_id, alice, bob);
  kick.set_reason("be nice");
  EXPECT_EQ(reason_of(backend().KickUser(kick)), "be nice");
  v1::BanUserRequest ban = BanRequest(room_id, alice, bob);
  ban.set_reason("he was not");
  EXPECT_EQ(reason_of(backend().BanUser(ban)), "he was not");
  v1::UnbanUserRequest unban = UnbanRequest(room_id, alice, bob);
  unban.set_reason("forgiven");
  EXPECT_EQ(reason_of(backend().UnbanUser(unban)), "forgiven");
  EXPECT_EQ(reason_of(Invite(room_id, alice, bob)), "");
  v1::LeaveRoomRequest leave = LeaveRequest(room_id, bob);
  leave.set_reason("no, thanks");
  EXPECT_EQ(reason_of(backend().LeaveRoom(leave)), "no, thanks");
}

TEST_F(MembershipTest, InvitesAreRejectedAndTakenBack) {
  const std::string alice = User("alice"), bob = User("bob");
  const std::string room_id = NewRoom();
  const auto ended_by = [&](auto end) {
    EXPECT_TRUE(Invite(room_id, alice, bob).ok());
    EXPECT_EQ(reader().Room(room_id).invited_member_count(), 1);
    const auto reply = end();
    EXPECT_EQ(reply.response.member().membership(), v1::MEMBERSHIP_LEAVE);
    EXPECT_EQ(reader().Room(room_id).invited_member_count(), 0);
    EXPECT_EQ(EventsOf(watcher(), room_id).back().room_member_changed().previous_membership(),
              v1::MEMBERSHIP_INVITE);
    EXPECT_FALSE(Join(room_id, bob).ok());
    return reply.response.member().sender();
  };
  EXPECT_EQ(ended_by([&] { return Leave(room_id, bob); }), bob);
  EXPECT_EQ(ended_by([&] { return Kick(room_id, alice, bob); }), alice);
}

TEST_F(MembershipTest, KnocksHaveAReasonAndAreTakenBackOrRejected) {
  const std::string alice = User("alice"), bob = User("bob");
  auto create = FromJson<v1::CreateRoomRequest>(R"({"roomVersion": "7", "initialState": [
      {"type": "m.room.join_rules", "content": {"join_rule": "knock"}}]})");
  create.set_creator(alice);
  create.set_alias(Alias("club"));
  const std::string room_id = backend().Create(create).room_id();
  v1::KnockOnRoomRequest knock = KnockRequest(Alias("club"), bob);
  knock.set_reason("it is cold");
  knock.set_displayname("Bob");
  const auto knocked = backend().KnockOnRoom(knock);
  ASSERT_TRUE(knocked.ok()) << knocked.status.error_message();
  EXPECT_EQ(knocked.response.room_id(), room_id);
  EXPECT_EQ(knocked.response.member().reason(), "it is cold");
  EXPECT_EQ(knocked.response.member().displayname(), "Bob");
  EXPECT_EQ(Leave(room_id, bob).response.member().membership(), v1::MEMBERSHIP_LEAVE);
  ASSERT_TRUE(Knock(room_id, bob).ok());
  EXPECT_EQ(Kick(room_id, alice, bob).response.member().membership(), v1::MEMBERSHIP_LEAVE);
  ASSERT_TRUE(Ban(room_id, alice, bob).ok());
  EXPECT_THAT(Knock(room_id, bob).status,
              IsError(StatusCode::PERMISSION_DENIED, "EVENT_NOT_AUTHORIZED"));
  EXPECT_THAT(Knock(Alias("nothing"), bob).status,
              IsError(StatusCode::NOT_FOUND, "ALIAS_NOT_FOUND"));
}

TEST_F(MembershipTest, MembersShowThemselvesAnewAndKeepWhatTheyDoNotChange) {
  const std::string bob = User("bob");
  const std::string room_id = NewRoom(R"({"preset": "ROOM_PRESET_PUBLIC_CHAT"})");
  v1::JoinRoomRequest join = JoinRequest(room_id, bob);
  join.set_displayname("Bob");
  join.set_avatar_url("mxc://example.org/bob");
  ASSERT_TRUE(backend().JoinRoom(join).ok());
  join.set_displayname("Robert");
  join.clear_avatar_url();
  const auto renamed = backend().JoinRoom(join);
  ASSERT_TRUE(renamed.ok()) << renamed.status.error_message();
  EXPECT_EQ(renamed.response.member().displayname(), "Robert");
  EXPECT_EQ(renamed.response.member().avatar_url(), "mxc://example.org/bob");
  const v1::RoomMemberChanged told = EventsOf(watcher(), room_id).back().room_member_changed();
  EXPECT_EQ(told.membership(), v1::MEMBERSHIP_JOIN);
  EXPECT_EQ(told.previous_membership(), v1::MEMBERSHIP_JOIN);
  // Who comes back begins anew.
  ASSERT_TRUE(Leave(room_id, bob).ok());
  EXPECT_EQ(Join(room_id, bob).response.member().displayname(), "");
}

TEST_F(MembershipTest, InvitesNeedPowerWhereTheRoomSaysSoAndLeadNoBannedUserIn) {
  const std::string alice = User("alice"), bob = User("bob"), carol = User("carol");
  const std::string room_id = NewRoom(R"({"preset": "ROOM_PRESET_PUBLIC_CHAT",
      "powerLevelContentOverride": {"invite": 50}})");
  ASSERT_TRUE(Join(room_id, bob).ok());
  EXPECT_THAT(Invite(room_id, bob, carol).status,
              IsError(StatusCode::PERMISSION_DENIED, "INSUFFICIENT_POWER"));
  ASSERT_TRUE(Ban(room_id, alice, carol).ok());
  EXPECT_THAT(Invite(room_id, alice, carol).status,
              IsError(StatusCode::PERMISSION_DENIED, "EVENT_NOT_AUTHORIZED"));
  EXPECT_THAT(Unban(room_id, bob, carol).status,
              IsError(StatusCode::PERMISSION_DENIED, "INSUFFICIENT_POWER"));
}

TEST_F(MembershipTest, NobodyJoinsARestrictedRoomForWhomNobodyCanVouch) {
  const std::string alice = User("alice"), bob = User("bob"), carol = User("carol");
  const std::string club = NewRoom(R"({"preset": "ROOM_PRESET_PUBLIC_CHAT"})");
  for (const std::string& user : {bob, carol}) ASSERT_TRUE(Join(club, user).ok());
  auto create = FromJson<v1::CreateRoomRequest>(absl::StrCat(
      R"({"roomVersion": "10", "powerLevelContentOverride": {"invite": 50}, "initialState": [
          {"type": "m.room.join_rules", "content": {"join_rule": "knock_restricted",
           "allow": [{"type": "m.room_membership", "room_id": ")",
      club, R"("}]}}]})"));
  create.set_creator(alice);
  const std::string room_id = backend().Create(create).room_id();
  ASSERT_TRUE(Join(room_id, bob).ok());
  ASSERT_TRUE(Leave(room_id, alice).ok());
  EXPECT_THAT(Join(room_id, carol).status,
              IsError(StatusCode::PERMISSION_DENIED, "EVENT_NOT_AUTHORIZED"))
      << "bob has no power to invite";
  EXPECT_TRUE(Knock(room_id, carol).ok());
  // Whoever is in the room is so, whatever became of their other membership.
  ASSERT_TRUE(Leave(club, bob).ok());
  EXPECT_EQ(Join(room_id, bob).response.member().membership(), v1::MEMBERSHIP_JOIN);
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
