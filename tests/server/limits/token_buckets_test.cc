#include "server/limits/token_buckets.h"

#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace innkeeper::limits {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000);

TEST(TokenBucketsTest, GivesTheBurstAndThenTheRate) {
  TokenBuckets buckets({.per_second = 0.5, .burst = 3});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(buckets.Take("a", kStart), absl::ZeroDuration());
  EXPECT_EQ(buckets.Take("a", kStart), absl::Seconds(2));
  EXPECT_EQ(buckets.Take("a", kStart + absl::Milliseconds(500)), absl::Milliseconds(1500));
  EXPECT_EQ(buckets.Take("a", kStart + absl::Seconds(2)), absl::ZeroDuration());
  EXPECT_EQ(buckets.Take("a", kStart + absl::Seconds(2)), absl::Seconds(2));
}

TEST(TokenBucketsTest, BucketsDoNotGrowPastTheBurst) {
  TokenBuckets buckets({.per_second = 1, .burst = 2});
  EXPECT_EQ(buckets.Take("a", kStart), absl::ZeroDuration());
  const absl::Time later = kStart + absl::Hours(100);
  EXPECT_EQ(buckets.Take("a", later), absl::ZeroDuration());
  EXPECT_EQ(buckets.Take("a", later), absl::ZeroDuration());
  EXPECT_GT(buckets.Take("a", later), absl::ZeroDuration());
}

TEST(TokenBucketsTest, KeysHaveBucketsOfTheirOwn) {
  TokenBuckets buckets({.per_second = 1, .burst = 1});
  EXPECT_EQ(buckets.Take("a", kStart), absl::ZeroDuration());
  EXPECT_EQ(buckets.Take("b", kStart), absl::ZeroDuration());
  EXPECT_GT(buckets.Take("a", kStart), absl::ZeroDuration());
}

TEST(TokenBucketsTest, AClockThatGoesBackTakesNothingAway) {
  TokenBuckets buckets({.per_second = 1, .burst = 2});
  EXPECT_EQ(buckets.Take("a", kStart), absl::ZeroDuration());
  EXPECT_EQ(buckets.Take("a", kStart - absl::Hours(1)), absl::ZeroDuration());
  EXPECT_GT(buckets.Take("a", kStart - absl::Hours(1)), absl::ZeroDuration());
}

// Buckets that are not full are kept, however many others are dropped.
TEST(TokenBucketsTest, ManyKeysDoNotForgetTheLimited) {
  TokenBuckets buckets({.per_second = 0.001, .burst = 1});
  EXPECT_EQ(buckets.Take("limited", kStart), absl::ZeroDuration());
  for (int i = 0; i < 5'000; ++i) {
    EXPECT_EQ(buckets.Take(absl::StrCat("user", i), kStart), absl::ZeroDuration());
  }
  EXPECT_GT(buckets.Take("limited", kStart), absl::ZeroDuration());
}

TEST(TokenBucketsTest, FullBucketsAreForgotten) {
  TokenBuckets buckets({.per_second = 1, .burst = 2});
  for (int i = 0; i < 100'000; ++i) buckets.Take(absl::StrCat("user", i), kStart);
  EXPECT_EQ(buckets.size(), 100'000u);
  const absl::Time later = kStart + absl::Seconds(1);
  for (int i = 0; i < 1'000'000; ++i) {
    buckets.Take(absl::StrCat("other", i), later + absl::Milliseconds(i));
  }
  EXPECT_LT(buckets.size(), 20'000u) << "a second has passed for all but 1,000";
}

TEST(TokenBucketsTest, WhatIsGivenBackCanBeTakenAgain) {
  TokenBuckets buckets({.per_second = 0.5, .burst = 2});
  buckets.GiveBack("a", kStart);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(buckets.Take("a", kStart), absl::ZeroDuration());
  buckets.GiveBack("a", kStart);
  EXPECT_EQ(buckets.Take("a", kStart), absl::ZeroDuration());
  EXPECT_EQ(buckets.Take("a", kStart), absl::Seconds(2)) << "nothing was given back twice";
  const absl::Time later = kStart + absl::Seconds(100);
  buckets.GiveBack("a", later);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(buckets.Take("a", later), absl::ZeroDuration());
  EXPECT_GT(buckets.Take("a", later), absl::ZeroDuration()) << "no more than the burst";
}

TEST(TokenBucketsTest, LookingTakesNothing) {
  TokenBuckets buckets({.per_second = 0.5, .burst = 1});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(buckets.WaitFor("a", kStart), absl::ZeroDuration());
  EXPECT_EQ(buckets.Take("a", kStart), absl::ZeroDuration());
  EXPECT_EQ(buckets.WaitFor("a", kStart), absl::Seconds(2));
  EXPECT_EQ(buckets.WaitFor("a", kStart + absl::Seconds(2)), absl::ZeroDuration());
}

TEST(TokenBucketsTest, NobodyWaitsForAClockThatWasSetBack) {
  TokenBuckets buckets({.per_second = 0.5, .burst = 1});
  EXPECT_EQ(buckets.Take("a", kStart), absl::ZeroDuration());
  const absl::Time set_back = kStart - absl::Hours(1);
  EXPECT_EQ(buckets.WaitFor("a", set_back), absl::Seconds(2));
  EXPECT_EQ(buckets.WaitFor("a", set_back + absl::Seconds(1)), absl::Seconds(1));
  EXPECT_EQ(buckets.WaitFor("a", set_back + absl::Seconds(2)), absl::ZeroDuration());
}

// Whoever waits for as long as they are told gets a token, whatever the rate.
TEST(TokenBucketsTest, TheWaitIsLongEnough) {
  for (const double rate : {0.0001, 0.016, 0.3, 1.0 / 3, 7.0, 999.9, 1e6}) {
    TokenBuckets buckets({.per_second = rate, .burst = 3});
    absl::Time now = kStart;
    for (int i = 0; i < 3; ++i) EXPECT_EQ(buckets.Take("a", now), absl::ZeroDuration());
    for (int i = 0; i < 100; ++i) {
      const absl::Duration wait = buckets.Take("a", now);
      EXPECT_GT(wait, absl::ZeroDuration()) << rate;
      now += wait;
      EXPECT_EQ(buckets.Take("a", now), absl::ZeroDuration()) << rate;
    }
  }
}

TEST(TokenBucketsTest, WithoutARateThereIsNoLimitAndNoMemory) {
  TokenBuckets buckets({.per_second = 0});
  EXPECT_FALSE(buckets.is_limited());
  for (int i = 0; i < 100; ++i) EXPECT_EQ(buckets.Take("a", kStart), absl::ZeroDuration());
  EXPECT_EQ(buckets.WaitFor("a", kStart), absl::ZeroDuration());
  EXPECT_EQ(buckets.size(), 0u);
}

TEST(TokenBucketsTest, ThreadsTakeNoMoreThanThereIs) {
  TokenBuckets buckets({.per_second = 0.001, .burst = 1000});
  std::atomic<int> taken = 0;
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        if (buckets.Take("a", kStart) <= absl::ZeroDuration()) ++taken;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken, 1000);
}

}  // namespace
}  // namespace innkeeper::limits
