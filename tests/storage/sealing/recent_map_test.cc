#include "storage/sealing/recent_map.h"

#include <memory>

#include <gtest/gtest.h>

namespace innkeeper::storage {
namespace {

using Map = RecentMap<int, std::shared_ptr<int>>;

std::shared_ptr<int> Of(int number) { return std::make_shared<int>(number); }

TEST(RecentMapTest, FindsWhatIsThere) {
  Map map(10);
  EXPECT_EQ(map.Find(1), nullptr);
  map.Put(1, Of(100));
  EXPECT_EQ(*map.Find(1), 100);
  map.Put(1, Of(200));
  EXPECT_EQ(*map.Find(1), 200);
  map.Clear();
  EXPECT_EQ(map.Find(1), nullptr);
}

TEST(RecentMapTest, KeepsWhatIsUsed) {
  Map map(10);
  map.Put(0, Of(0));
  for (int i = 1; i <= 1000; ++i) {
    map.Put(i, Of(i));
    ASSERT_NE(map.Find(0), nullptr) << i;
  }
  int found = 0;
  for (int i = 1; i <= 1000; ++i) found += map.Find(i) != nullptr ? 1 : 0;
  EXPECT_GE(found, 9);
  EXPECT_LE(found, 20);
}

TEST(RecentMapTest, AnOlderValueDoesNotComeBack) {
  Map map(2);
  map.Put(1, Of(1));
  map.Put(2, Of(2));
  map.Put(3, Of(3));  // 1 and 2 are old now
  map.Put(1, Of(10));
  map.Put(4, Of(4));
  EXPECT_EQ(*map.Find(1), 10);
}

}  // namespace
}  // namespace innkeeper::storage
