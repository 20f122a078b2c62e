#include "server/base/jitter.h"

#include <gtest/gtest.h>

namespace innkeeper {
namespace {

TEST(JitterTest, StaysWithinTenPercent) {
  const auto lowest = [](size_t count) { return std::string(count, '\0'); };
  const auto highest = [](size_t count) { return std::string(count, '\xFF'); };
  EXPECT_EQ(WithJitter(absl::Seconds(100), lowest), absl::Seconds(90));
  EXPECT_EQ(WithJitter(absl::Seconds(100), highest), absl::Seconds(110));
}

TEST(JitterTest, Varies) {
  const RandomBytes random = SecureRandom();
  const absl::Duration first = WithJitter(absl::Seconds(100), random);
  bool varies = false;
  for (int i = 0; i < 20; ++i) varies |= WithJitter(absl::Seconds(100), random) != first;
  EXPECT_TRUE(varies);
}

}  // namespace
}  // namespace innkeeper
