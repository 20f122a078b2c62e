#include "server/escalation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "server/base/clock.h"
#include "server/events/event_codec.h"
#include "server/metrics/action_rates.h"
#include "storage/engine.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_engine.h"

namespace innkeeper {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class EscalationTest : public testing::Test {
 protected:
  void Count(int succeeded, int failed) {
    for (int i = 0; i < succeeded; ++i) rates_.CountAction(true);
    for (int i = 0; i < failed; ++i) rates_.CountAction(false);
  }

  std::vector<v1::ServiceEscalation> Told() {
    std::vector<v1::ServiceEscalation> told;
    auto entries = engine_->ReadLog(1, 1000, 1 << 20);
    EXPECT_TRUE(entries.ok());
    for (const storage::LogEntry& entry : *entries) {
      auto event = DecodeEvent(entry);
      EXPECT_TRUE(event.ok());
      EXPECT_EQ(event->type(), kServiceEscalationType);
      told.push_back(event->service_escalation());
    }
    return told;
  }

  // Whether each of those begins one.
  std::vector<bool> Begins() {
    std::vector<bool> begins;
    for (const v1::ServiceEscalation& told : Told()) begins.push_back(told.active());
    return begins;
  }

  const TempDir dir_;
  absl::Time now_ = absl::FromUnixSeconds(1'700'000'000);
  const Clock clock_ = [this] { return now_; };
  const std::unique_ptr<storage::Engine> engine_ = storage::OpenTestEngine(dir_.File("store"));
  metrics::ActionRates rates_{clock_, absl::Minutes(5)};
  Escalation escalation_{*engine_, rates_, 5};
};

TEST_F(EscalationTest, BeginsAboveTheThresholdAndIsToldOnce) {
  Count(95, 5);
  escalation_.Check();
  EXPECT_THAT(Begins(), IsEmpty());
  Count(0, 1);
  escalation_.Check();
  escalation_.Check();
  EXPECT_TRUE(escalation_.active());
  ASSERT_THAT(Begins(), ElementsAre(true));
  const v1::ServiceEscalation told = Told()[0];
  EXPECT_NEAR(told.error_rate_percent(), 600.0 / 101, 1e-9);
  EXPECT_EQ(told.threshold_percent(), 5);
  EXPECT_EQ(told.action_count(), 101);
  EXPECT_EQ(told.window_seconds(), 300);
}

TEST_F(EscalationTest, TakesTwentyActionsToBegin) {
  Count(0, 19);
  escalation_.Check();
  EXPECT_FALSE(escalation_.active());
  Count(1, 0);
  escalation_.Check();
  EXPECT_TRUE(escalation_.active());
}

TEST_F(EscalationTest, IsOverBelowHalfOfTheThreshold) {
  Count(14, 6);
  escalation_.Check();
  ASSERT_TRUE(escalation_.active());
  Count(220, 0);  // 2.5 %
  escalation_.Check();
  EXPECT_TRUE(escalation_.active());
  Count(1, 0);
  escalation_.Check();
  EXPECT_FALSE(escalation_.active());
  EXPECT_THAT(Begins(), ElementsAre(true, false));
}

TEST_F(EscalationTest, IsOverWhenTheWindowHasNoFailureLeft) {
  Count(0, 20);
  escalation_.Check();
  now_ += absl::Minutes(5);
  escalation_.Check();
  EXPECT_THAT(Begins(), ElementsAre(true, false));
}

}  // namespace
}  // namespace innkeeper
