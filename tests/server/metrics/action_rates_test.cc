#include "server/metrics/action_rates.h"

#include <optional>

#include <gtest/gtest.h>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/base/clock.h"

namespace innkeeper::metrics {
namespace {

class ActionRatesTest : public testing::Test {
 protected:
  absl::Time now_ = absl::FromUnixSeconds(1'700'000'000);
  const Clock clock_ = [this] { return now_; };
  ActionRates rates_{clock_, absl::Minutes(5)};
};

TEST_F(ActionRatesTest, NothingIsAllWell) {
  EXPECT_EQ(rates_.counts().actions(), 0);
  EXPECT_EQ(rates_.counts().success_rate(), 1);
  EXPECT_EQ(rates_.counts().recovery_rate(), 1);
  EXPECT_EQ(rates_.counts().error_percent(), 0);
}

TEST_F(ActionRatesTest, SharesAreOfWhatWasCounted) {
  for (int i = 0; i < 19; ++i) rates_.CountAction(true);
  rates_.CountAction(false);
  for (int i = 0; i < 3; ++i) rates_.CountRecovery();
  const ActionCounts counts = rates_.counts();
  EXPECT_EQ(counts.actions(), 20);
  EXPECT_EQ(counts.failed, 1);
  EXPECT_DOUBLE_EQ(counts.success_rate(), 0.95);
  EXPECT_DOUBLE_EQ(counts.recovery_rate(), 0.75);
  EXPECT_NEAR(counts.error_percent(), 5, 1e-9);
}

TEST_F(ActionRatesTest, ForgetsWhatIsOlderThanTheWindow) {
  rates_.CountAction(false);
  now_ += absl::Minutes(3);
  rates_.CountAction(true);
  now_ += absl::Minutes(2) - absl::Seconds(5);
  EXPECT_EQ(rates_.counts().actions(), 2);
  now_ += absl::Seconds(5);
  EXPECT_EQ(rates_.counts().failed, 0);
  EXPECT_EQ(rates_.counts().succeeded, 1);
  now_ += absl::Minutes(3);
  EXPECT_EQ(rates_.counts().actions(), 0);
  rates_.CountAction(true);
  now_ += absl::Hours(1000);
  EXPECT_EQ(rates_.counts().actions(), 0);
}

TEST_F(ActionRatesTest, AClockThatIsPutBackForgetsNothingAndCounts) {
  rates_.CountAction(true);
  now_ -= absl::Hours(1);
  rates_.CountAction(true);
  EXPECT_EQ(rates_.counts().succeeded, 2);
  now_ += absl::Hours(1);
  EXPECT_EQ(rates_.counts().succeeded, 2);
}

// Of a call without a deadline.
std::optional<bool> Outcome(const char* method, absl::StatusCode code, const char* reason) {
  return ActionOutcome(method, code, reason, absl::InfiniteDuration());
}

TEST(ActionOutcomeTest, CountsCreationsAndUpgradesAndWhatIsNotTheCallersFault) {
  using absl::StatusCode;
  for (const char* method : {"CreateRoom", "UpgradeRoom", "ApproveCreation", "ApproveUpgrade"}) {
    EXPECT_EQ(Outcome(method, StatusCode::kOk, ""), true) << method;
  }
  EXPECT_EQ(Outcome("GetRoom", StatusCode::kOk, ""), std::nullopt);
  EXPECT_EQ(Outcome("GetRoom", StatusCode::kInternal, ""), std::nullopt);
  const auto of = [](StatusCode code, const char* reason) {
    return Outcome("UpgradeRoom", code, reason);
  };
  EXPECT_EQ(of(StatusCode::kInternal, ""), false);
  EXPECT_EQ(of(StatusCode::kInternal, "ROOM_UPGRADE_FAILED"), false);
  EXPECT_EQ(of(StatusCode::kUnavailable, "STORAGE_FULL"), false);
  EXPECT_EQ(of(StatusCode::kDataLoss, ""), false);
  EXPECT_EQ(of(StatusCode::kUnknown, ""), false);
  EXPECT_EQ(of(StatusCode::kDeadlineExceeded, "DEADLINE_PASSED"), false);
  EXPECT_EQ(of(StatusCode::kAborted, "CONFLICT"), false);
  EXPECT_EQ(of(StatusCode::kResourceExhausted, "OVERLOADED"), false);
  EXPECT_EQ(of(StatusCode::kAborted, "ROOM_UPGRADE_IN_PROGRESS"), std::nullopt);
  EXPECT_EQ(of(StatusCode::kAborted, "ROOM_UPGRADE_CANCELLED"), std::nullopt);
  EXPECT_EQ(of(StatusCode::kResourceExhausted, "RATE_LIMITED"), std::nullopt);
  EXPECT_EQ(of(StatusCode::kInvalidArgument, "INVALID_REQUEST"), std::nullopt);
  EXPECT_EQ(of(StatusCode::kPermissionDenied, "INSUFFICIENT_POWER"), std::nullopt);
  EXPECT_EQ(of(StatusCode::kNotFound, "ROOM_NOT_FOUND"), std::nullopt);
  EXPECT_EQ(of(StatusCode::kUnauthenticated, "CREDENTIALS_INVALID"), std::nullopt);
}

TEST(ActionOutcomeTest, AServerThatIsToldToEndDoesNotFail) {
  EXPECT_EQ(Outcome("CreateRoom", absl::StatusCode::kUnavailable, "SHUTTING_DOWN"), std::nullopt);
  EXPECT_EQ(Outcome("CreateRoom", absl::StatusCode::kUnavailable, "STORAGE_UNAVAILABLE"), false);
}

TEST(ActionOutcomeTest, ADeadlineThatNoServerKeepsIsTheCallersFault) {
  const auto within = [](absl::Duration allowed, absl::StatusCode code) {
    return ActionOutcome("CreateRoom", code, "", allowed);
  };
  const absl::Duration too_short = kLeastAllowance - absl::Nanoseconds(1);
  for (const absl::Duration allowed : {-absl::Seconds(1), absl::ZeroDuration(), too_short}) {
    EXPECT_EQ(within(allowed, absl::StatusCode::kDeadlineExceeded), std::nullopt);
  }
  EXPECT_EQ(within(kLeastAllowance, absl::StatusCode::kDeadlineExceeded), false);
  EXPECT_EQ(within(too_short, absl::StatusCode::kInternal), false) << "is none of the deadline";
  EXPECT_EQ(within(too_short, absl::StatusCode::kOk), true);
}

}  // namespace
}  // namespace innkeeper::metrics
