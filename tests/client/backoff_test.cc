#include "client/internal/backoff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace innkeeper::client_internal {
namespace {

constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
constexpr BackoffOptions kOptions = {
    .initial = absl::Milliseconds(100), .maximum = absl::Milliseconds(500), .multiplier = 2};

TEST(BackoffTest, TheCeilingGrowsUpToTheMaximum) {
  Backoff backoff(kOptions, [] { return kMost; });
  for (const int milliseconds : {100, 200, 400, 500, 500}) {
    EXPECT_EQ(backoff.Next(), absl::Milliseconds(milliseconds));
  }
}

TEST(BackoffTest, StartsAnewAfterAReset) {
  Backoff backoff(kOptions, [] { return kMost; });
  backoff.Next();
  backoff.Next();
  backoff.Reset();
  EXPECT_EQ(backoff.Next(), absl::Milliseconds(100));
  EXPECT_EQ(backoff.Next(), absl::Milliseconds(200));
}

TEST(BackoffTest, AnInitialAboveTheMaximumIsCutToIt) {
  Backoff backoff({.initial = absl::Seconds(2), .maximum = absl::Seconds(1)}, [] { return kMost; });
  EXPECT_EQ(backoff.Next(), absl::Seconds(1));
}

TEST(BackoffTest, IsDrawnFromBelowTheCeiling) {
  uint64_t random = 0;
  Backoff backoff(kOptions, [&] { return random; });
  EXPECT_EQ(backoff.Next(), absl::ZeroDuration());
  random = uint64_t{1} << 63;
  EXPECT_EQ(backoff.Next(), absl::Milliseconds(100));
  random = uint64_t{1} << 62;
  EXPECT_EQ(backoff.Next(), absl::Milliseconds(100));
}

}  // namespace
}  // namespace innkeeper::client_internal
