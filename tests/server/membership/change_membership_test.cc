#include "server/membership/change_membership.h"

#include <string>
#include <utility>
#include <vector>

#include "tests/server/membership/membership_fixture.h"
#include "tests/server/rooms/violations.h"

namespace innkeeper::membership {
namespace {

using rooms::Json;
using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> WrongFields(const MembershipCommand& command) {
  return rooms::ViolatedFields(CheckCommand(command, "example.org"));
}

MembershipCommand Command(Action action) {
  const bool own = action == Action::kJoin || action == Action::kLeave || action == Action::kKnock;
  return {.action = action,
          .room = "!room:example.org",
          .requester = kAlice,
          .user_id = own ? kAlice : kBob};
}

constexpr Action kOwnActions[] = {Action::kJoin, Action::kLeave, Action::kKnock};
constexpr Action kOtherActions[] = {Action::kInvite, Action::kKick, Action::kBan, Action::kUnban};

TEST(CheckCommandTest, TakesWhatIsRight) {
  for (const Action action : kOwnActions) EXPECT_THAT(WrongFields(Command(action)), IsEmpty());
  for (const Action action : kOtherActions) {
    MembershipCommand command = Command(action);
    EXPECT_THAT(WrongFields(command), IsEmpty());
    command.user_id = kZoe;
    command.reason = std::string(1024, 'r');
    EXPECT_THAT(WrongFields(command), IsEmpty());
  }
  MembershipCommand join = Command(Action::kJoin);
  join.room = "#room:elsewhere.net";
  join.displayname = std::string(255, 'n');
  join.avatar_url = "mxc://" + std::string(249, 'x');
  EXPECT_THAT(WrongFields(join), IsEmpty());
}

TEST(CheckCommandTest, NamesEveryWrongField) {
  MembershipCommand join = Command(Action::kJoin);
  join.room = "room";
  join.requester = kZoe;
  join.reason = std::string(1025, 'r');
  join.displayname = std::string(256, 'n');
  join.avatar_url = "mxc://" + std::string(250, 'x');
  EXPECT_THAT(WrongFields(join),
              ElementsAre("room_id_or_alias", "requester", "reason", "displayname", "avatar_url"));
  join = Command(Action::kJoin);
  join.displayname = "\xff";
  join.reason = std::string("a\0b", 3);
  join.avatar_url = "https://example.org/a.png";
  EXPECT_THAT(WrongFields(join), ElementsAre("reason", "displayname", "avatar_url"));

  for (const Action action : kOtherActions) {
    MembershipCommand command = Command(action);
    command.room = "#room:example.org";
    command.user_id = kAlice;
    EXPECT_THAT(WrongFields(command), ElementsAre("room_id", "user_id")) << "yourself";
    command.user_id = "bob";
    EXPECT_THAT(WrongFields(command), ElementsAre("room_id", "user_id"));
  }
  MembershipCommand leave = Command(Action::kLeave);
  leave.room = "#room:example.org";
  EXPECT_THAT(WrongFields(leave), ElementsAre("room_id")) << "an alias is for joins and knocks";
}

class ChangeMembershipTest : public MembershipFixture {
 protected:
  v1::ErrorReason ReasonFor(Action action, const std::string& room, const std::string& requester,
                            const std::string& user = "") {
    return ReasonOf(Do(action, room, requester, user));
  }
};

TEST_F(ChangeMembershipTest, RoomsThatLetStrangersTryAreKnownToThemAndOthersAreNot) {
  const std::string club = NewRoom();
  const struct {
    const char* rule;
    v1::ErrorReason join;
    v1::ErrorReason knock;
  } rows[] = {
      {"public", v1::ERROR_REASON_UNSPECIFIED, v1::ERROR_REASON_EVENT_NOT_AUTHORIZED},
      {"restricted", v1::ERROR_REASON_EVENT_NOT_AUTHORIZED, v1::ERROR_REASON_EVENT_NOT_AUTHORIZED},
      {"knock", v1::ERROR_REASON_EVENT_NOT_AUTHORIZED, v1::ERROR_REASON_UNSPECIFIED},
      {"knock_restricted", v1::ERROR_REASON_EVENT_NOT_AUTHORIZED, v1::ERROR_REASON_UNSPECIFIED},
      {"invite", v1::ERROR_REASON_ROOM_NOT_FOUND, v1::ERROR_REASON_ROOM_NOT_FOUND},
      {"private", v1::ERROR_REASON_ROOM_NOT_FOUND, v1::ERROR_REASON_ROOM_NOT_FOUND},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.rule);
    const std::string room_id = NewRoomWithRule(row.rule, "10", {club});
    EXPECT_EQ(ReasonFor(Action::kJoin, room_id, kBob), row.join);
    EXPECT_EQ(ReasonFor(Action::kKnock, room_id, kCarol), row.knock);
    // Nobody else's affairs are a stranger's, however open the room is.
    const std::string stranger = "@eve:example.org";
    for (const Action action : kOtherActions) {
      EXPECT_EQ(ReasonFor(action, room_id, stranger, kAlice), v1::ERROR_REASON_ROOM_NOT_FOUND);
    }
    EXPECT_EQ(ReasonFor(Action::kLeave, room_id, stranger), v1::ERROR_REASON_ROOM_NOT_FOUND);
  }
}

TEST_F(ChangeMembershipTest, WhoeverWasInARoomKnowsIt) {
  const std::string room_id = NewRoom();
  Must(Action::kInvite, room_id, kAlice, kBob);
  Must(Action::kKick, room_id, kAlice, kBob);
  EXPECT_EQ(ReasonFor(Action::kJoin, room_id, kBob), v1::ERROR_REASON_EVENT_NOT_AUTHORIZED);
  // What would change nothing is nevertheless not for those who are not there.
  EXPECT_EQ(ReasonFor(Action::kKick, room_id, kBob, kCarol), v1::ERROR_REASON_EVENT_NOT_AUTHORIZED);
  EXPECT_EQ(ReasonFor(Action::kLeave, room_id, kBob), v1::ERROR_REASON_UNSPECIFIED);
}

TEST_F(ChangeMembershipTest, TheEventSaysWhatIsAskedForAndNothingElse) {
  const std::string room_id = NewRoomWithRule("public");
  MembershipCommand invite = Command(Action::kInvite);
  invite.room = room_id;
  invite.reason = "do come";
  invite.is_direct = true;
  ASSERT_TRUE(Run(invite).ok());
  EXPECT_EQ(Member(room_id, kBob),
            Json({{"membership", "invite"}, {"reason", "do come"}, {"is_direct", true}}));
  ASSERT_TRUE(Run({.action = Action::kJoin,
                   .room = room_id,
                   .requester = kBob,
                   .user_id = kBob,
                   .displayname = "Bob",
                   .avatar_url = "mxc://example.org/b"})
                  .ok());
  EXPECT_EQ(Member(room_id, kBob), Json({{"membership", "join"},
                                         {"displayname", "Bob"},
                                         {"avatar_url", "mxc://example.org/b"}}));
  Must(Action::kBan, room_id, kAlice, kBob);
  EXPECT_EQ(Member(room_id, kBob), Json({{"membership", "ban"}}));
  Must(Action::kUnban, room_id, kAlice, kBob);
  EXPECT_EQ(Member(room_id, kBob), Json({{"membership", "leave"}}));
}

TEST_F(ChangeMembershipTest, AJoinChangesHowOneIsShownIfItSaysSo) {
  const std::string room_id = NewRoomWithRule("public");
  const auto join = [&](const std::string& displayname, const std::string& avatar_url) {
    EXPECT_TRUE(Run({.action = Action::kJoin,
                     .room = room_id,
                     .requester = kBob,
                     .user_id = kBob,
                     .displayname = displayname,
                     .avatar_url = avatar_url})
                    .ok());
    return Revision(room_id);
  };
  const int64_t joined = join("Bob", "mxc://example.org/1");
  EXPECT_EQ(join("", ""), joined);
  EXPECT_EQ(join("Bob", ""), joined);
  EXPECT_EQ(join("", "mxc://example.org/1"), joined);
  EXPECT_EQ(join("", "mxc://example.org/2"), joined + 1);
  EXPECT_EQ(Member(room_id, kBob)["displayname"], "Bob");
  EXPECT_EQ(join("Robert", "mxc://example.org/2"), joined + 2);
  EXPECT_EQ(Member(room_id, kBob)["avatar_url"], "mxc://example.org/2");
}

TEST_F(ChangeMembershipTest, WhatHappensMeanwhileCounts) {
  const std::string room_id = NewRoomWithRule("public");
  Must(Action::kJoin, room_id, kCarol);
  bool done = false;
  engine_.SetHook([&](const storage::CommitRequest&) {
    if (std::exchange(done, true)) return;
    const storage::RoomReader reader(*store_);
    lifecycle::RoomEdit edit(reader, **reader.GetRoom(room_id), {clock_, random_, "example.org"});
    ASSERT_TRUE(edit.Append({.type = "m.room.member",
                             .state_key = kBob,
                             .sender = kAlice,
                             .content = {{"membership", "ban"}}})
                    .ok());
    storage::RoomCommit commit;
    ASSERT_TRUE(edit.Stage(commit).ok());
    ASSERT_TRUE(CommitAndWait(*store_, commit.Take()).status.ok());
  });
  EXPECT_EQ(ReasonFor(Action::kJoin, room_id, kBob), v1::ERROR_REASON_EVENT_NOT_AUTHORIZED);
  EXPECT_EQ(Member(room_id, kBob)["membership"], "ban");
}

TEST_F(ChangeMembershipTest, AnAliasThatLeadsNowhereIsNotFound) {
  EXPECT_EQ(ReasonFor(Action::kJoin, "#nowhere:example.org", kBob),
            v1::ERROR_REASON_ALIAS_NOT_FOUND);
  const std::string room_id = NewRoom([](rooms::RoomSpec& spec) {
    spec.preset = rooms::Preset::kPublicChat;
    spec.alias = "#lobby:example.org";
  });
  Must(Action::kJoin, "#lobby:example.org", kBob);
  EXPECT_EQ(Member(room_id, kBob)["membership"], "join");
}

}  // namespace
}  // namespace innkeeper::membership
