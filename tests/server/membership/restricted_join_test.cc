#include "server/membership/restricted_join.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/lifecycle/room_edit.h"
#include "storage/keys.h"
#include "tests/server/membership/membership_fixture.h"

namespace innkeeper::membership {
namespace {

using rooms::Json;

constexpr char kErin[] = "@erin:example.org";  // who wants to join

class RestrictedJoinTest : public MembershipFixture {
 protected:
  RestrictedJoinTest()
      : club_(NewRoom([](auto& spec) { spec.preset = rooms::Preset::kPublicChat; })) {
    Must(Action::kJoin, club_, kErin);
  }

  // A room for the members of club_, with these levels.
  std::string Room(const Json& levels = Json::object(), const std::string& rule = "restricted",
                   const std::string& version = "10") {
    return NewRoom([&](rooms::RoomSpec& spec) {
      spec.version = rooms::FindRoomVersion(version);
      spec.power_level_content_override = levels;
      spec.initial_state = {{"m.room.join_rules", "", Rules(rule, {club_})}};
    });
  }

  static Json Rules(const std::string& rule, const std::vector<std::string>& rooms) {
    Json content = {{"join_rule", rule}, {"allow", Json::array()}};
    for (const std::string& room_id : rooms) {
      content["allow"].push_back({{"type", "m.room_membership"}, {"room_id", room_id}});
    }
    return content;
  }

  void Bring(const std::string& room_id, const std::string& user) {
    Must(Action::kInvite, room_id, kAlice, user);
    Must(Action::kJoin, room_id, user);
  }

  // Who vouches for kErin.
  std::string Authority(const std::string& room_id) {
    const storage::RoomReader reader(engine_);
    lifecycle::RoomEdit edit(reader, **reader.GetRoom(room_id), {clock_, random_, "example.org"});
    auto authority = FindAuthorisingMember(edit, reader, kErin, "example.org");
    EXPECT_TRUE(authority.ok()) << authority.status();
    return *authority;
  }

  const std::string club_;
};

TEST_F(RestrictedJoinTest, TheCreatorVouchesWhileTheyAreThereAndMayInvite) {
  EXPECT_EQ(Authority(Room()), kAlice);
  EXPECT_EQ(Authority(Room(Json::object(), "knock_restricted")), kAlice);
  EXPECT_EQ(Authority(Room(Json::object(), "restricted", "12")), kAlice);
  const std::string room_id = Room({{"invite", 50}});
  Bring(room_id, kBob);
  Must(Action::kLeave, room_id, kAlice);
  EXPECT_EQ(Authority(room_id), "");
}

TEST_F(RestrictedJoinTest, OthersVouchWhoMayInvite) {
  // Whoever levels name comes first, if they are there.
  std::string room_id = Room({{"users", {{kBob, 50}, {kCarol, 50}}}, {"invite", 50}});
  Bring(room_id, kCarol);
  Must(Action::kInvite, room_id, kAlice, kBob);
  Must(Action::kLeave, room_id, kAlice);
  EXPECT_EQ(Authority(room_id), kCarol);
  // One who is there and may not invite is passed over.
  room_id = Room({{"users", {{kBob, 10}, {kCarol, 50}}}, {"invite", 50}});
  Bring(room_id, kBob);
  Bring(room_id, kCarol);
  Must(Action::kLeave, room_id, kAlice);
  EXPECT_EQ(Authority(room_id), kCarol);
  // Where everybody may invite, everybody may vouch.
  room_id = Room({{"invite", 0}});
  Bring(room_id, kCarol);
  Must(Action::kInvite, room_id, kAlice, kBob);
  Must(Action::kLeave, room_id, kAlice);
  EXPECT_EQ(Authority(room_id), kCarol);
  Must(Action::kLeave, room_id, kCarol);
  EXPECT_EQ(Authority(room_id), "") << "the invited cannot vouch";
}

TEST_F(RestrictedJoinTest, NotAllMembersAreReadWhereOnlyNamedOnesMayInvite) {
  const std::string room_id = NewRoom([&](rooms::RoomSpec& spec) {
    spec.version = rooms::FindRoomVersion("12");
    spec.creation_content = {{"additional_creators", {kBob}}};
    spec.power_level_content_override = {{"invite", 50}};
    spec.initial_state = {{"m.room.join_rules", "", Rules("restricted", {club_})}};
  });
  Bring(room_id, kBob);
  Must(Action::kLeave, room_id, kAlice);
  // So that it would be noticed.
  storage::CommitRequest damage;
  damage.writes.push_back({storage::KeyBuilder(storage::Table::kState)
                               .Str(room_id)
                               .Str("m.room.member")
                               .Str("@aaron:example.org")
                               .Build(),
                           "no record"});
  ASSERT_TRUE(CommitAndWait(*store_, std::move(damage)).status.ok());
  EXPECT_EQ(Authority(room_id), kBob);
  Must(Action::kLeave, room_id, kBob);
  EXPECT_EQ(Authority(room_id), "");
}

TEST_F(RestrictedJoinTest, UsersOfOtherServersCannotVouchHere) {
  const std::string room_id = Room({{"users", {{kZoe, 50}}}, {"invite", 0}});
  Must(Action::kInvite, room_id, kAlice, kZoe);
  // As another server would have it.
  const storage::RoomReader reader(engine_);
  lifecycle::RoomEdit edit(reader, **reader.GetRoom(room_id), {clock_, random_, "elsewhere.net"});
  ASSERT_TRUE(edit.Append({.type = "m.room.member",
                           .state_key = kZoe,
                           .sender = kZoe,
                           .content = {{"membership", "join"}}})
                  .ok());
  storage::RoomCommit commit;
  ASSERT_TRUE(edit.Stage(commit).ok());
  ASSERT_TRUE(CommitAndWait(*store_, commit.Take()).status.ok());
  Must(Action::kLeave, room_id, kAlice);
  EXPECT_EQ(Authority(room_id), "");
}

TEST_F(RestrictedJoinTest, OneOfTheRoomsSuffices) {
  const std::string other = NewRoom();
  const auto room_for = [&](const Json& allow) {
    return NewRoom([&](rooms::RoomSpec& spec) {
      spec.version = rooms::FindRoomVersion("10");
      spec.initial_state = {
          {"m.room.join_rules", "", {{"join_rule", "restricted"}, {"allow", allow}}}};
    });
  };
  const auto member_of = [](const std::string& room_id) {
    return Json{{"type", "m.room_membership"}, {"room_id", room_id}};
  };
  EXPECT_EQ(Authority(room_for({member_of(other), member_of(club_)})), kAlice);
  EXPECT_EQ(Authority(room_for({member_of(other)})), "");
  EXPECT_EQ(Authority(room_for(Json::array())), "");
  EXPECT_EQ(Authority(room_for("all")), "");
  EXPECT_EQ(Authority(room_for({5, {{"type", "org.example.other"}, {"room_id", club_}}})), "");
  // Having been there does not count.
  const std::string room_id = Room();
  Must(Action::kLeave, club_, kErin);
  EXPECT_EQ(Authority(room_id), "");
  Must(Action::kInvite, club_, kAlice, kErin);
  EXPECT_EQ(Authority(room_id), "");
}

TEST_F(RestrictedJoinTest, ARoomThatWasDeletedLetsNobodyIn) {
  const std::string room_id = Room();
  DeleteRoom(club_);
  EXPECT_EQ(Authority(room_id), "");
}

TEST_F(RestrictedJoinTest, OtherRulesAndVersionsKnowNoSuchJoin) {
  for (const std::string rule : {"invite", "public", "knock", "private"}) {
    EXPECT_EQ(Authority(Room(Json::object(), rule)), "") << rule;
  }
  EXPECT_EQ(Authority(Room(Json::object(), "restricted", "7")), "");
  EXPECT_EQ(Authority(Room(Json::object(), "restricted", "8")), kAlice);
}

TEST_F(RestrictedJoinTest, TheEventNamesWhoVouchedOnlyWhereItIsNeeded) {
  const std::string room_id = Room();
  Must(Action::kJoin, room_id, kErin);
  EXPECT_EQ(Member(room_id, kErin)["join_authorised_via_users_server"], kAlice);
  // Whoever is in or invited needs nobody.
  ASSERT_TRUE(Run({.action = Action::kJoin,
                   .room = room_id,
                   .requester = kErin,
                   .user_id = kErin,
                   .displayname = "Erin"})
                  .ok());
  EXPECT_FALSE(Member(room_id, kErin).contains("join_authorised_via_users_server"));
  Must(Action::kLeave, room_id, kErin);
  Must(Action::kInvite, room_id, kAlice, kErin);
  Must(Action::kJoin, room_id, kErin);
  EXPECT_FALSE(Member(room_id, kErin).contains("join_authorised_via_users_server"));
}

}  // namespace
}  // namespace innkeeper::membership
