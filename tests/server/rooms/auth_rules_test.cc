#include "server/rooms/auth_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "server/errors/errors.h"
#include "server/rooms/auth_refusal.h"
#include "tests/server/rooms/auth_cases.h"
#include "tests/server/rooms/violations.h"

namespace innkeeper::rooms {
namespace {

using testing::ElementsAre;
using testing::StartsWith;
using testing::UnorderedElementsAreArray;

std::vector<AuthCase> AllCases() {
  std::vector<AuthCase> all;
  for (const auto& cases : {CreateCases(), RoomCases(), EventCases(), MemberCases(),
                            ThirdPartyInviteCases(), PowerLevelsCases()}) {
    all.insert(all.end(), cases.begin(), cases.end());
  }
  return all;
}

// Runs with each version.
class AuthRulesTest : public testing::TestWithParam<int> {
 protected:
  void Judge(const std::vector<AuthCase>& cases) const {
    const RoomVersion& version = AllRoomVersions()[GetParam() - 1];
    for (const AuthCase& a_case : cases) {
      if (GetParam() < a_case.versions.first || GetParam() > a_case.versions.last) continue;
      const Event event = MakeEvent(version, a_case.event);
      const RoomState state = MakeState(version, a_case.state);
      const absl::Status status = CheckAuthRules(version, event, state);
      EXPECT_EQ(MetadataOf(status, "rule"), a_case.refused_by) << a_case.what;
      EXPECT_EQ(status.ok(), a_case.refused_by.empty()) << a_case.what;
      const absl::Status again = CheckAuthRules(version, event, NeededOf(state, version, event));
      EXPECT_EQ(MetadataOf(again, "rule"), a_case.refused_by) << a_case.what << ", part of state";
    }
  }
};

INSTANTIATE_TEST_SUITE_P(RoomVersion, AuthRulesTest, testing::Range(1, 13),
                         testing::PrintToStringParamName());

TEST_P(AuthRulesTest, Create) { Judge(CreateCases()); }
TEST_P(AuthRulesTest, Room) { Judge(RoomCases()); }
TEST_P(AuthRulesTest, Events) { Judge(EventCases()); }
TEST_P(AuthRulesTest, Members) { Judge(MemberCases()); }
TEST_P(AuthRulesTest, ThirdPartyInvites) { Judge(ThirdPartyInviteCases()); }
TEST_P(AuthRulesTest, PowerLevels) { Judge(PowerLevelsCases()); }

// Rules that others judge by: CheckAuthEvents and EventChain.
bool IsOfOthers(absl::string_view rule) {
  return absl::StartsWith(rule, "auth_events.") || rule == "member.authorising_server";
}

TEST(AuthRuleTest, EachHasACaseThatItRefuses) {
  std::set<std::string> refusing;
  for (const AuthCase& a_case : AllCases()) refusing.insert(a_case.refused_by);
  for (const AuthRuleText& rule : AllAuthRules()) {
    EXPECT_TRUE(IsOfOthers(rule.name) || refusing.count(std::string(rule.name)) == 1) << rule.name;
  }
}

// The names that begin the rows of the table of rules.
std::vector<std::string> DocumentedRules() {
  std::vector<std::string> names;
  std::ifstream document(INNKEEPER_RULES_DOCUMENT);
  for (std::string line; std::getline(document, line);) {
    const std::vector<std::string> parts = absl::StrSplit(line, '`');
    if (parts.size() > 2 && parts[0] == "| " && absl::StrContains(parts[1], '.')) {
      names.push_back(parts[1]);
    }
  }
  return names;
}

TEST(AuthRuleTest, EachHasANameOfItsOwnAndIsDocumentedOnce) {
  std::set<std::string> names;
  for (const AuthRuleText& rule : AllAuthRules()) {
    EXPECT_TRUE(names.insert(std::string(rule.name)).second) << rule.name;
  }
  EXPECT_THAT(DocumentedRules(), UnorderedElementsAreArray(names));
}

const RoomVersion& Version11() { return *FindRoomVersion("11"); }

absl::Status Judge(const std::vector<Entry>& state, const Judged& event) {
  return CheckAuthRules(Version11(), MakeEvent(Version11(), event), MakeState(Version11(), state));
}

TEST(AuthRefusalTest, SaysWhichRuleRefuses) {
  const absl::Status status =
      Judge({JoinRule("public"), Member(kBob, "ban")}, Sets(kBob, kBob, "join"));
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_EVENT_NOT_AUTHORIZED);
  EXPECT_EQ(MetadataOf(status, "rule"), "member.join.banned");
  EXPECT_EQ(status.message(), "the user is banned from the room");
}

TEST(AuthRefusalTest, SaysHowMuchPowerItTakes) {
  const Entry levels = Levels({{"users", {{kBob, 30}, {kDan, 60}}}, {"kick", 10}});
  const absl::Status state = Judge({Joined(kBob), levels}, State(kBob, "t"));
  EXPECT_EQ(state.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(ReasonOf(state), v1::ERROR_REASON_INSUFFICIENT_POWER);
  EXPECT_EQ(MetadataOf(state, "rule"), "event.power");
  EXPECT_EQ(MetadataOf(state, "required"), "50");
  EXPECT_EQ(MetadataOf(state, "actual"), "30");
  const absl::Status kick = Judge({Joined(kBob), Joined(kDan), levels}, Sets(kBob, kDan, "leave"));
  EXPECT_EQ(MetadataOf(kick, "required"), "61");
}

TEST(AuthRefusalTest, NoLevelSufficesAgainstCreators) {
  const RoomVersion& version = *FindRoomVersion("12");
  const absl::Status status = CheckAuthRules(
      version, MakeEvent(version, Sets(kBob, kAlice, "ban")),
      MakeState(version, {Joined(kBob), Levels({{"users", {{kBob, kMaxCanonicalInteger}}}})}));
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_EVENT_NOT_AUTHORIZED);
  EXPECT_EQ(MetadataOf(status, "rule"), "member.ban.target_power");
}

TEST(AuthRefusalTest, NamesThePlaceOfALevel) {
  const Json before = {{"users", {{kBob, 50}, {kDan, 50}}}, {"state_default", 0}};
  const auto change = [&](const Json& patch) {
    Json after = before;
    after.merge_patch(patch);
    return Judge({Joined(kBob), Levels(before)}, State(kBob, "m.room.power_levels", "", after));
  };
  const absl::Status user = change({{"users", {{kDan, nullptr}}}});
  EXPECT_EQ(MetadataOf(user, "place"), "content.users.@dan:here");
  EXPECT_EQ(MetadataOf(user, "required"), "51");
  EXPECT_THAT(std::string(user.message()), StartsWith("content.users.@dan:here: can only be"));
  EXPECT_EQ(MetadataOf(change({{"ban", 99}}), "place"), "content.ban");
  EXPECT_EQ(MetadataOf(change({{"ban", 99}}), "required"), "99");
  EXPECT_EQ(MetadataOf(change({{"events", {{"t", "x"}}}}), "place"), "content.events.t");
  EXPECT_EQ(MetadataOf(change({{"notifications", 1}}), "place"), "content.notifications");
}

TEST(AsInvalidRequestTest, BlamesTheFieldAndKeepsTheRule) {
  const absl::Status status = AsInvalidRequest(RefusePower(AuthRule::kEventPower, 50, 0), "name");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_EQ(MetadataOf(status, "rule"), "event.power");
  EXPECT_THAT(Violations(status),
              ElementsAre("name: makes an event that the room's rules refuse: the sender's power "
                          "level does not suffice for events of this type"));
}

TEST(AsInvalidRequestTest, LeavesOtherErrorsAlone) {
  EXPECT_TRUE(AsInvalidRequest(absl::OkStatus(), "name").ok());
  EXPECT_EQ(AsInvalidRequest(absl::InternalError("x"), "name"), absl::InternalError("x"));
}

}  // namespace
}  // namespace innkeeper::rooms
