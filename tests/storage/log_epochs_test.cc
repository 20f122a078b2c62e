#include "storage/log_epochs.h"

#include <limits>
#include <optional>

#include <gtest/gtest.h>

namespace innkeeper::storage {
namespace {

constexpr LogPosition kForEver = std::numeric_limits<LogPosition>::max();

TEST(LogEpochsTest, APositionBelongsToTheEpochThatBeganLast) {
  const LogEpochs epochs({{70, 0}, {50, 4}, {60, 9}});
  EXPECT_EQ(epochs.IdAt(0), 70u);
  EXPECT_EQ(epochs.IdAt(3), 70u);
  EXPECT_EQ(epochs.IdAt(4), 50u);
  EXPECT_EQ(epochs.IdAt(8), 50u);
  EXPECT_EQ(epochs.IdAt(9), 60u);
  EXPECT_EQ(epochs.IdAt(kForEver), 60u);
}

TEST(LogEpochsTest, WhatIsBeforeAllEpochsCountsToTheFirst) {
  const LogEpochs epochs({{50, 4}, {60, 9}});
  EXPECT_EQ(epochs.IdAt(0), 50u);
  EXPECT_EQ(epochs.IdAt(3), 50u);
}

TEST(LogEpochsTest, AnEpochEndsWhereTheNextBegins) {
  const LogEpochs epochs({{70, 0}, {50, 4}, {60, 9}});
  EXPECT_EQ(epochs.EndOf(70), 3u);
  EXPECT_EQ(epochs.EndOf(50), 8u);
  EXPECT_EQ(epochs.EndOf(60), kForEver);
  EXPECT_EQ(epochs.EndOf(80), std::nullopt);
}

}  // namespace
}  // namespace innkeeper::storage
