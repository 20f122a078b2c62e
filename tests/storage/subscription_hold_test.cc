#include "storage/subscription_hold.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "storage/room_store.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_engine.h"

namespace innkeeper::storage {
namespace {

constexpr absl::Duration kForEver = absl::ZeroDuration();

class SubscriptionHoldTest : public testing::Test {
 protected:
  SubscriptionHoldTest() : engine_(OpenTestEngine(dir_.File("data"))) {}

  void Commit(RoomCommit commit) {
    const CommitResult result = CommitAndWait(*engine_, commit.Take());
    ASSERT_TRUE(result.status.ok()) << result.status;
  }

  void Append(int count) {
    for (int i = 0; i < count; ++i) {
      RoomCommit commit;
      commit.AppendLog("entry");
      Commit(std::move(commit));
    }
  }

  // A subscription that came to these positions at that time.
  void Subscribe(const std::string& name, const std::vector<LogPosition>& positions,
                 absl::Time move_time) {
    SubscriptionRecord record;
    record.set_name(name);
    SubscriptionProgressRecord progress;
    progress.mutable_positions()->Assign(positions.begin(), positions.end());
    progress.set_move_time_us(absl::ToUnixMicros(move_time));
    RoomCommit commit;
    commit.CreateSubscription(record, progress);
    Commit(std::move(commit));
  }

  std::optional<LogPosition> Lowest(absl::Time now, absl::Duration hold) {
    auto lowest = LowestHeldPosition(*engine_, now, hold);
    EXPECT_TRUE(lowest.ok()) << lowest.status();
    return lowest.value_or(std::nullopt);
  }

  const TempDir dir_;
  const std::unique_ptr<Engine> engine_;
  const absl::Time now_ = absl::Now();
};

TEST_F(SubscriptionHoldTest, WithoutSubscriptionsNothingIsHeld) {
  Append(3);
  EXPECT_EQ(Lowest(now_, kForEver), std::nullopt);
}

TEST_F(SubscriptionHoldTest, TheLowestBucketOfTheLowestSubscriptionCounts) {
  Append(10);
  Subscribe("a", {7, 5, 9}, now_);
  EXPECT_EQ(Lowest(now_, kForEver), 6u);
  Subscribe("b", {4, 8}, now_);
  EXPECT_EQ(Lowest(now_, kForEver), 5u);
}

TEST_F(SubscriptionHoldTest, OneThatHasCaughtUpHoldsWhatIsYetToCome) {
  Append(3);
  Subscribe("a", {3}, now_);
  EXPECT_EQ(Lowest(now_ + absl::Hours(1000), absl::Hours(1)), 4u);
}

TEST_F(SubscriptionHoldTest, OneThatDoesNotMoveLosesItsHold) {
  Append(5);
  Subscribe("lagging", {1}, now_);
  Subscribe("better", {4}, now_ + absl::Hours(1));
  const absl::Duration hold = absl::Hours(2);
  EXPECT_EQ(Lowest(now_ + hold, hold), 2u);
  EXPECT_EQ(Lowest(now_ + hold + absl::Minutes(1), hold), 5u);
  EXPECT_EQ(Lowest(now_ + hold + absl::Minutes(61), hold), std::nullopt);
  EXPECT_EQ(Lowest(now_ + hold + absl::Minutes(61), kForEver), 2u);
}

TEST_F(SubscriptionHoldTest, ALongSilenceOfTheLogCostsNoHold) {
  Subscribe("quiet", {0}, now_ - absl::Hours(100));
  Append(1);
  EXPECT_EQ(Lowest(absl::Now(), absl::Hours(1)), 1u);
}

TEST_F(SubscriptionHoldTest, WhatIsGoneAlreadyIsNotHeld) {
  Append(5);
  Subscribe("lost", {1}, now_);
  Subscribe("other", {4}, now_);
  ASSERT_TRUE(engine_->TrimLog(4).ok());
  EXPECT_EQ(Lowest(now_, kForEver), 5u);
}

}  // namespace
}  // namespace innkeeper::storage
