#include "server/lifecycle/rate_limiter.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace innkeeper::lifecycle {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000);

TEST(RateLimiterTest, GivesTheBurstAndThenTheRate) {
  RateLimiter limiter(/*tokens_per_second=*/0.5, /*burst=*/3);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(limiter.Take("a", kStart), absl::ZeroDuration());
  EXPECT_EQ(limiter.Take("a", kStart), absl::Seconds(2));
  EXPECT_EQ(limiter.Take("a", kStart + absl::Milliseconds(500)), absl::Milliseconds(1500));
  EXPECT_EQ(limiter.Take("a", kStart + absl::Seconds(2)), absl::ZeroDuration());
  EXPECT_EQ(limiter.Take("a", kStart + absl::Seconds(2)), absl::Seconds(2));
}

TEST(RateLimiterTest, BucketsDoNotGrowPastTheBurst) {
  RateLimiter limiter(1, 2);
  EXPECT_EQ(limiter.Take("a", kStart), absl::ZeroDuration());
  const absl::Time later = kStart + absl::Hours(100);
  EXPECT_EQ(limiter.Take("a", later), absl::ZeroDuration());
  EXPECT_EQ(limiter.Take("a", later), absl::ZeroDuration());
  EXPECT_GT(limiter.Take("a", later), absl::ZeroDuration());
}

TEST(RateLimiterTest, KeysHaveBucketsOfTheirOwn) {
  RateLimiter limiter(1, 1);
  EXPECT_EQ(limiter.Take("a", kStart), absl::ZeroDuration());
  EXPECT_EQ(limiter.Take("b", kStart), absl::ZeroDuration());
  EXPECT_GT(limiter.Take("a", kStart), absl::ZeroDuration());
}

TEST(RateLimiterTest, AClockThatGoesBackTakesNothingAway) {
  RateLimiter limiter(1, 2);
  EXPECT_EQ(limiter.Take("a", kStart), absl::ZeroDuration());
  EXPECT_EQ(limiter.Take("a", kStart - absl::Hours(1)), absl::ZeroDuration());
  EXPECT_GT(limiter.Take("a", kStart - absl::Hours(1)), absl::ZeroDuration());
}

// Buckets that are not full are kept, however many others are dropped.
TEST(RateLimiterTest, ManyKeysDoNotForgetTheLimited) {
  RateLimiter limiter(0.001, 1);
  EXPECT_EQ(limiter.Take("limited", kStart), absl::ZeroDuration());
  for (int i = 0; i < 5'000; ++i) {
    EXPECT_EQ(limiter.Take(absl::StrCat("user", i), kStart), absl::ZeroDuration());
  }
  EXPECT_GT(limiter.Take("limited", kStart), absl::ZeroDuration());
}

}  // namespace
}  // namespace innkeeper::lifecycle
