#include "server/lifecycle/upgrade_response.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace innkeeper::lifecycle {
namespace {

using rooms::Unmoved;

constexpr int kKinds = v1::UnmovedKind_ARRAYSIZE - 1;
constexpr int kReasons = v1::UnmovedReason_ARRAYSIZE - 1;

// Both are declared in the same order, that of the API after a value for "none".
TEST(UpgradeResponseTest, EveryKindAndReasonIsThatOfTheApi) {
  static_assert(kKinds == static_cast<int>(Unmoved::Kind::kAllowedRoom) + 1);
  static_assert(kReasons == static_cast<int>(Unmoved::Reason::kTooMany) + 1);
  for (int i = 0; i < kKinds * kReasons; ++i) {
    const auto kind = static_cast<Unmoved::Kind>(i % kKinds);
    const auto reason = static_cast<Unmoved::Reason>(i / kKinds);
    rooms::UpgradeReport report;
    report.unmoved.Add({kind, "name", "key", reason});
    v1::UpgradeRoomResponse response;
    SetReport(report, &response);
    ASSERT_EQ(response.unmoved_size(), 1);
    EXPECT_EQ(response.unmoved(0).kind(), i % kKinds + 1);
    EXPECT_EQ(response.unmoved(0).reason(), i / kKinds + 1);
    EXPECT_EQ(response.unmoved(0).name(), "name");
    EXPECT_EQ(response.unmoved(0).state_key(), "key");
  }
}

TEST(UpgradeResponseTest, CountsWhatListsLeaveOut) {
  rooms::UpgradeReport report{.sender = "@alice:x",
                              .banned_count = 1,
                              .knock_count = 2,
                              .left_behind_member_count = 3,
                              .old_power_levels = {{"ban", 1}},
                              .new_power_levels = {{"ban", 2}}};
  for (int i = 0; i < 1001; ++i) {
    report.joined.Add(absl::StrCat("@joined", i, ":x"));
    for (int twice = 0; twice < 2; ++twice) report.invited.Add("@invited:x");
    for (int thrice = 0; thrice < 3; ++thrice) report.copied.Add({"copied", "key"});
    for (int four = 0; four < 4; ++four) report.left_behind.Add({"left", ""});
    for (int five = 0; five < 5; ++five) report.unmoved.Add({});
    for (int six = 0; six < 6; ++six) report.repaired_links.Add({"!other:x", "m.space.child"});
  }
  v1::UpgradeRoomResponse response;
  SetReport(report, &response);
  EXPECT_EQ(response.joined_member_count(), 1001);
  EXPECT_EQ(response.invited_member_count(), 2002);
  EXPECT_EQ(response.banned_member_count(), 1);
  EXPECT_EQ(response.knock_count(), 2);
  EXPECT_EQ(response.unmoved_count(), 5005);
  EXPECT_EQ(response.unmoved_size(), 1000);
  EXPECT_EQ(response.repaired_link_count(), 6006);
  EXPECT_EQ(response.repaired_links_size(), 1000);
  EXPECT_EQ(response.repaired_links(999).room_id(), "!other:x");
  EXPECT_EQ(response.repaired_links(999).type(), "m.space.child");
  EXPECT_FALSE(response.has_plan());

  const v1::UpgradePlan plan = PlanOf(report);
  EXPECT_EQ(plan.sender(), "@alice:x");
  EXPECT_EQ(plan.copied_state_count(), 3003);
  EXPECT_EQ(plan.copied_state_size(), 1000);
  EXPECT_EQ(plan.copied_state(0).type(), "copied");
  EXPECT_EQ(plan.copied_state(0).state_key(), "key");
  EXPECT_EQ(plan.left_state_count(), 4004);
  EXPECT_EQ(plan.left_state(999).type(), "left");
  EXPECT_EQ(plan.joined_members_size(), 1000);
  EXPECT_EQ(plan.joined_members(999), "@joined999:x");
  EXPECT_EQ(plan.invited_members_size(), 1000);
  EXPECT_EQ(plan.left_member_count(), 3);
  EXPECT_EQ(plan.old_power_levels().fields().at("ban").number_value(), 1);
  EXPECT_EQ(plan.new_power_levels().fields().at("ban").number_value(), 2);
  EXPECT_LT(response.ByteSizeLong() + plan.ByteSizeLong(), size_t{1} << 20);
}

}  // namespace
}  // namespace innkeeper::lifecycle
