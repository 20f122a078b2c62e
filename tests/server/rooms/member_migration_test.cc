#include "server/rooms/member_migration.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace innkeeper::rooms {
namespace {

using FateKind = MemberFate::Kind;
using Reason = Unmoved::Reason;

struct MigrationRow {
  std::string membership;
  bool is_local;
  // Under each policy, in a federated room that takes no knocks.
  FateKind join_local;
  FateKind invite_all;
  FateKind none;
};

const MigrationRow kMigrations[] = {
    {"join", true, FateKind::kJoins, FateKind::kIsInvited, FateKind::kLeftBehind},
    {"join", false, FateKind::kIsInvited, FateKind::kIsInvited, FateKind::kLeftBehind},
    {"invite", true, FateKind::kIsInvited, FateKind::kIsInvited, FateKind::kLeftBehind},
    {"invite", false, FateKind::kIsInvited, FateKind::kIsInvited, FateKind::kLeftBehind},
    {"ban", true, FateKind::kIsBanned, FateKind::kIsBanned, FateKind::kIsBanned},
    {"ban", false, FateKind::kIsBanned, FateKind::kIsBanned, FateKind::kIsBanned},
    {"knock", true, FateKind::kUnmoved, FateKind::kUnmoved, FateKind::kUnmoved},
    {"knock", false, FateKind::kUnmoved, FateKind::kUnmoved, FateKind::kUnmoved},
    {"leave", true, FateKind::kNothing, FateKind::kNothing, FateKind::kNothing},
    {"leave", false, FateKind::kNothing, FateKind::kNothing, FateKind::kNothing},
    {"org.example.odd", true, FateKind::kNothing, FateKind::kNothing, FateKind::kNothing},
    {"", true, FateKind::kNothing, FateKind::kNothing, FateKind::kNothing},
};

MemberFate Fate(const MigrationRow& row, const MemberRules& rules) {
  return FateOf({.user_id = row.is_local ? "@bob:x" : "@bob:elsewhere",
                 .content = {{"membership", row.membership}}},
                rules);
}

TEST(MemberFateTest, FollowsThePolicy) {
  for (const MigrationRow& row : kMigrations) {
    SCOPED_TRACE(absl::StrCat(row.membership, row.is_local ? " here" : " elsewhere"));
    const auto kind = [&](MemberPolicy policy) {
      return Fate(row, {.policy = policy, .server_name = "x"}).kind;
    };
    EXPECT_EQ(kind(MemberPolicy::kJoinLocal), row.join_local);
    EXPECT_EQ(kind(MemberPolicy::kInviteAll), row.invite_all);
    EXPECT_EQ(kind(MemberPolicy::kNone), row.none);
  }
}

TEST(MemberFateTest, KnocksAreRepeatedByUsersOfThisServerWhereTheRoomTakesThem) {
  const MigrationRow here = {.membership = "knock", .is_local = true};
  const MigrationRow elsewhere = {.membership = "knock", .is_local = false};
  for (const MemberPolicy policy :
       {MemberPolicy::kJoinLocal, MemberPolicy::kInviteAll, MemberPolicy::kNone}) {
    MemberRules rules{.policy = policy, .server_name = "x", .takes_knocks = true};
    EXPECT_EQ(Fate(here, rules).kind, FateKind::kKnocks);
    EXPECT_EQ(Fate(elsewhere, rules).reason, Reason::kOtherServer);
    rules.takes_knocks = false;
    EXPECT_EQ(Fate(here, rules).reason, Reason::kJoinRule);
    EXPECT_EQ(Fate(here, rules).reported_as, Unmoved::Kind::kKnock);
    EXPECT_EQ(Fate(elsewhere, rules).reason, Reason::kOtherServer);
  }
}

TEST(MemberFateTest, OtherServersStayOutOfARoomThatIsNotFederated) {
  const MemberRules rules{.server_name = "x", .is_federated = false, .takes_knocks = true};
  const std::pair<const char*, Unmoved::Kind> reported[] = {{"join", Unmoved::Kind::kMember},
                                                            {"invite", Unmoved::Kind::kInvite},
                                                            {"ban", Unmoved::Kind::kBan},
                                                            {"knock", Unmoved::Kind::kKnock}};
  for (const auto& [membership, kind] : reported) {
    const MemberFate fate = Fate({.membership = membership, .is_local = false}, rules);
    EXPECT_EQ(fate.kind, FateKind::kUnmoved);
    EXPECT_EQ(fate.reported_as, kind);
    EXPECT_EQ(fate.reason, Reason::kNotFederated);
    EXPECT_NE(Fate({.membership = membership, .is_local = true}, rules).kind, FateKind::kUnmoved);
  }
}

TEST(MemberContentTest, KeepsHowUsersShowThemselvesAndNothingElse) {
  const Json old_content = {{"membership", "join"},
                            {"displayname", "Bob"},
                            {"avatar_url", "mxc://a/b"},
                            {"is_direct", true},
                            {"reason", "because"},
                            {"join_authorised_via_users_server", "@carol:elsewhere"},
                            {"third_party_invite", {{"signed", Json::object()}}},
                            {"org.example.x", 1}};
  EXPECT_EQ(JoinContent(old_content),
            Json({{"membership", "join"}, {"displayname", "Bob"}, {"avatar_url", "mxc://a/b"}}));
  EXPECT_EQ(InviteContent(old_content), Json({{"membership", "invite"},
                                              {"displayname", "Bob"},
                                              {"avatar_url", "mxc://a/b"},
                                              {"is_direct", true}}));
  EXPECT_EQ(KnockContent(old_content), Json({{"membership", "knock"},
                                             {"displayname", "Bob"},
                                             {"avatar_url", "mxc://a/b"},
                                             {"reason", "because"}}));
  EXPECT_EQ(BanContent(old_content), Json({{"membership", "ban"}, {"reason", "because"}}));
}

TEST(MemberContentTest, LeavesOutWhatIsMissingOrOfTheWrongKind) {
  const Json odd = {{"displayname", nullptr}, {"avatar_url", 5}, {"reason", {1}}, {"is_direct", 1}};
  for (const Json& old_content : {Json::object(), odd}) {
    EXPECT_EQ(JoinContent(old_content), Json({{"membership", "join"}}));
    EXPECT_EQ(InviteContent(old_content), Json({{"membership", "invite"}}));
    EXPECT_EQ(KnockContent(old_content), Json({{"membership", "knock"}}));
    EXPECT_EQ(BanContent(old_content), Json({{"membership", "ban"}}));
  }
}

}  // namespace
}  // namespace innkeeper::rooms
