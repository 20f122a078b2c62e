#include "server/rooms/join_rules.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace innkeeper::rooms {
namespace {

using Way = JoinPlan::Way;

constexpr char kOldRoom[] = "!old:x";

Json Allow(const std::string& room_id) {
  return Json::array({{{"type", "m.room_membership"}, {"room_id", room_id}}});
}

Json Rule(const std::string& rule) {
  Json content = {{"join_rule", rule}, {"org.example.x", 1}};
  if (rule == "restricted" || rule == "knock_restricted") content["allow"] = Allow("!club:x");
  return content;
}

TEST(JoinRulesForTest, KeepsWhatTheVersionKnowsAndElseTakesTheClosestStricterRule) {
  for (int number = 1; number <= 12; ++number) {
    SCOPED_TRACE(number);
    const RoomVersion& version = *FindRoomVersion(absl::StrCat(number));
    for (const char* rule : {"public", "invite", "private", "org.example.rule", ""}) {
      EXPECT_EQ(JoinRulesFor(version, Rule(rule)), Rule(rule));
    }
    EXPECT_EQ(JoinRulesFor(version, Rule("knock")), Rule(number >= 7 ? "knock" : "invite"));
    EXPECT_EQ(JoinRulesFor(version, Rule("restricted")),
              Rule(number >= 8 ? "restricted" : "invite"));
    EXPECT_EQ(JoinRulesFor(version, Rule("knock_restricted")),
              Rule(number >= 10  ? "knock_restricted"
                   : number >= 8 ? "restricted"
                   : number == 7 ? "knock"
                                 : "invite"));
    EXPECT_EQ(JoinRulesFor(version, Json::object()), Json::object());
  }
}

struct Expected {
  Way way;
  std::string rule;  // while members are moved; "" for none
  bool is_final;
  bool takes_knocks;
};

Expected ExpectedFor(int version, const std::string& rule) {
  if (rule == "public") return {Way::kAsAnybody, rule, true, false};
  if (version >= 9 && rule == "restricted") return {Way::kVouched, rule, true, false};
  if (rule == "knock_restricted") return {Way::kVouched, rule, true, true};
  if (rule == "knock" && version <= 9) return {Way::kInvited, rule, true, true};
  if (rule == "knock") return {Way::kVouched, "knock_restricted", false, true};
  if (version >= 9) return {Way::kVouched, "restricted", false, false};
  return {Way::kInvited, "", false, false};
}

TEST(PlanJoinsTest, TakesOneEventForEachWhereTheVersionPermits) {
  for (int number = 1; number <= 12; ++number) {
    const RoomVersion& version = *FindRoomVersion(absl::StrCat(number));
    for (const char* rule :
         {"public", "invite", "private", "knock", "restricted", "knock_restricted", "odd"}) {
      SCOPED_TRACE(absl::StrCat(number, " ", rule));
      const Json content = Rule(rule);
      if (JoinRulesFor(version, content) != content) continue;
      const Expected expected = ExpectedFor(number, rule);
      const JoinPlan plan = PlanJoins(version, content, kOldRoom);
      EXPECT_EQ(plan.way, expected.way);
      EXPECT_EQ(plan.is_final, expected.is_final);
      EXPECT_EQ(plan.takes_knocks, expected.takes_knocks);
      if (expected.is_final) {
        EXPECT_EQ(plan.content, content);
      } else if (expected.rule.empty()) {
        EXPECT_TRUE(plan.content.is_null());
      } else {
        EXPECT_EQ(plan.content, Json({{"join_rule", expected.rule}, {"allow", Allow(kOldRoom)}}));
      }
    }
  }
}

TEST(PlanJoinsTest, AddsNoRuleToARoomThatHasNone) {
  for (const RoomVersion& version : AllRoomVersions()) {
    const JoinPlan plan = PlanJoins(version, Json(), kOldRoom);
    EXPECT_EQ(plan.way, Way::kInvited);
    EXPECT_TRUE(plan.content.is_null());
    EXPECT_FALSE(plan.is_final);
    EXPECT_FALSE(plan.takes_knocks);
  }
}

}  // namespace
}  // namespace innkeeper::rooms
