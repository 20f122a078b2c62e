#include "server/rooms/state_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <utility>
#include <vector>

namespace innkeeper::rooms {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

using Entries = std::map<PlaceIndex, EventIndex>;

Entries EntriesOf(const StateSet& set) {
  Entries entries;
  set.ForEach([&](PlaceIndex place, EventIndex event) { entries[place] = event; });
  return entries;
}

std::vector<PlaceIndex> Difference(const StateSet& a, const StateSet& b) {
  std::vector<PlaceIndex> places;
  StateSet::ForEachDifference(a, b, [&](PlaceIndex place) { places.push_back(place); });
  return places;
}

TEST(StateSetTest, IsEmptyAtFirst) {
  const StateSet set;
  EXPECT_EQ(set.Find(0), std::nullopt);
  EXPECT_EQ(set.Find(1000), std::nullopt);
  EXPECT_THAT(EntriesOf(set), IsEmpty());
}

TEST(StateSetTest, HoldsWhatWasSetLast) {
  StateSet set;
  set.Set(3, 30);
  set.Set(5000, 0);
  set.Set(3, 31);
  set.Erase(7);
  EXPECT_THAT(EntriesOf(set), ElementsAre(Pair(3, 31), Pair(5000, 0)));
  set.Erase(3);
  EXPECT_THAT(EntriesOf(set), ElementsAre(Pair(5000, 0)));
}

TEST(StateSetTest, CopiesChangeByThemselves) {
  StateSet a;
  a.Set(1, 10);
  StateSet b = a;
  b.Set(1, 11);
  const StateSet c = b;
  b.Set(200, 5);
  a.Erase(1);
  EXPECT_THAT(EntriesOf(a), IsEmpty());
  EXPECT_THAT(EntriesOf(b), ElementsAre(Pair(1, 11), Pair(200, 5)));
  EXPECT_THAT(EntriesOf(c), ElementsAre(Pair(1, 11)));
}

TEST(StateSetTest, DiffersWhereEntriesDifferOrAreMissing) {
  StateSet a;
  a.Set(1, 10);
  a.Set(2, 20);
  a.Set(900, 9);
  StateSet b = a;
  b.Set(2, 21);
  b.Erase(900);
  b.Set(4000, 4);
  EXPECT_THAT(Difference(a, b), ElementsAre(2, 900, 4000));
  EXPECT_THAT(Difference(b, a), ElementsAre(2, 900, 4000));
  EXPECT_THAT(Difference(a, StateSet()), ElementsAre(1, 2, 900));
}

TEST(StateSetTest, EqualityIsThatOfTheEntriesHoweverTheyCame) {
  StateSet a;
  a.Set(1, 10);
  StateSet b;
  b.Set(500, 7);
  EXPECT_FALSE(a == b);
  b.Set(1, 10);
  b.Erase(500);
  EXPECT_TRUE(a == b);
}

TEST(StateSetTest, BehavesAsAMapUnderRandomChanges) {
  std::mt19937 random(1);
  std::vector<std::pair<StateSet, Entries>> sets(1);
  for (int i = 0; i < 5000; ++i) {
    if (random() % 50 == 0) sets.push_back(sets[random() % sets.size()]);
    auto& [set, entries] = sets[random() % sets.size()];
    const PlaceIndex place = random() % 600;
    if (random() % 3 == 0) {
      set.Erase(place);
      entries.erase(place);
    } else {
      set.Set(place, i);
      entries[place] = i;
    }
  }
  for (const auto& [set, entries] : sets) EXPECT_EQ(EntriesOf(set), entries);
  for (size_t i = 1; i < sets.size(); ++i) {
    std::vector<PlaceIndex> expected;
    for (PlaceIndex place = 0; place < 600; ++place) {
      if (sets[i].first.Find(place) != sets[i - 1].first.Find(place)) expected.push_back(place);
    }
    EXPECT_EQ(Difference(sets[i].first, sets[i - 1].first), expected);
  }
}

}  // namespace
}  // namespace innkeeper::rooms
