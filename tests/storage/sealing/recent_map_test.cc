#include "storage/sealing/recent_map.h"

#include <cstdint>
#include <memory>

#include <gtest/gtest.h>

namespace innkeeper::storage {
namespace {

using Map = RecentMap<int, std::shared_ptr<int>>;

void Put(Map& map, int key, int value) { map.Put(key, std::make_shared<int>(value), map.epoch()); }

TEST(RecentMapTest, FindsWhatIsThere) {
  Map map(10);
  EXPECT_EQ(map.Find(1), nullptr);
  Put(map, 1, 100);
  EXPECT_EQ(*map.Find(1), 100);
  Put(map, 1, 200);
  EXPECT_EQ(*map.Find(1), 200);
  map.Clear();
  EXPECT_EQ(map.Find(1), nullptr);
}

TEST(RecentMapTest, KeepsWhatIsUsed) {
  Map map(10);
  Put(map, 0, 0);
  for (int i = 1; i <= 1000; ++i) {
    Put(map, i, i);
    ASSERT_NE(map.Find(0), nullptr) << i;
  }
  int found = 0;
  for (int i = 1; i <= 1000; ++i) found += map.Find(i) != nullptr ? 1 : 0;
  EXPECT_GE(found, 9);
  EXPECT_LE(found, 20);
}

TEST(RecentMapTest, AnOlderValueDoesNotComeBack) {
  Map map(2);
  Put(map, 1, 1);
  Put(map, 2, 2);
  Put(map, 3, 3);  // 1 and 2 are old now
  Put(map, 1, 10);
  Put(map, 4, 4);
  EXPECT_EQ(*map.Find(1), 10);
}

TEST(RecentMapTest, WhatWasLookedUpBeforeItWasClearedIsNotTaken) {
  Map map(10);
  const uint64_t before = map.epoch();
  map.Clear();
  map.Put(1, std::make_shared<int>(1), before);
  EXPECT_EQ(map.Find(1), nullptr);
  Put(map, 1, 2);
  EXPECT_EQ(*map.Find(1), 2);
}

}  // namespace
}  // namespace innkeeper::storage
