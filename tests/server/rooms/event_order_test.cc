#include "server/rooms/event_order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/server/rooms/forked_room.h"

namespace innkeeper::rooms {
namespace {

using ::testing::ElementsAre;

class EventOrderTest : public testing::Test {
 protected:
  EventOrderTest() : room_("2") {
    room_.Begin();
    room_.Join("JoinBob", kBob);
    room_.PowerLevels("PL1", kAlice, {{kAlice, 100}, {kBob, 50}});
  }

  // Adds a topic behind PL1.
  void Topic(const std::string& name, const std::string& sender, int64_t timestamp) {
    room_.Add(name, {.sender = sender,
                     .type = "m.room.topic",
                     .content = {{"topic", name}},
                     .after = {"PL1"},
                     .timestamp = timestamp});
  }

  std::vector<EventIndex> Indexes(const std::vector<std::string>& names) const {
    std::vector<EventIndex> indexes;
    for (const std::string& name : names) indexes.push_back(room_.Index(name));
    return indexes;
  }

  std::vector<std::string> Names(const std::vector<EventIndex>& indexes) const {
    std::vector<std::string> names;
    for (const EventIndex index : indexes) names.push_back(room_.Name(index));
    return names;
  }

  // The order of events, which must not depend on the order in which they come.
  std::vector<std::string> ByPower(std::vector<std::string> names) const {
    const auto ordered =
        Names(ReverseTopologicalPowerOrder(room_.version(), room_.graph(), Indexes(names)));
    std::reverse(names.begin(), names.end());
    EXPECT_EQ(Names(ReverseTopologicalPowerOrder(room_.version(), room_.graph(), Indexes(names))),
              ordered);
    return ordered;
  }

  std::vector<std::string> ByMainline(const std::string& power_levels,
                                      std::vector<std::string> names) const {
    const auto base =
        power_levels.empty() ? std::nullopt : std::optional(room_.Index(power_levels));
    const auto ordered = Names(MainlineOrder(room_.graph(), base, Indexes(names)));
    std::reverse(names.begin(), names.end());
    EXPECT_EQ(Names(MainlineOrder(room_.graph(), base, Indexes(names))), ordered);
    return ordered;
  }

  ForkedRoom room_;
};

TEST_F(EventOrderTest, ByPowerTheHighestSenderComesFirst) {
  Topic("A", kBob, 1000);
  Topic("B", kAlice, 2000);
  EXPECT_THAT(ByPower({"A", "B"}), ElementsAre("B", "A"));
}

TEST_F(EventOrderTest, ByPowerThenTheOldestThenTheLowestIdComesFirst) {
  Topic("A", kBob, 2000);
  Topic("B", kBob, 1000);
  Topic("D", kBob, 1000);
  Topic("C", kBob, 1000);
  EXPECT_THAT(ByPower({"A", "B", "C", "D"}), ElementsAre("B", "C", "D", "A"));
}

TEST_F(EventOrderTest, ByPowerNoEventComesBeforeItsAuthEvents) {
  // Alice has more power, but her ban names Eve's join.
  room_.Join("JoinEve", kEve, {"JR"});
  room_.Ban("Ban", kAlice, kEve);
  room_.Join("JoinCarol", kCarol, {"JR"});
  EXPECT_THAT(ByPower({"JoinCarol", "Ban", "JoinEve"}), ElementsAre("JoinEve", "Ban", "JoinCarol"));
}

TEST_F(EventOrderTest, TheLevelIsThatOfTheEventsOwnAuthEvents) {
  Topic("Before", kBob, 1000);
  room_.PowerLevels("PL2", kAlice, {{kAlice, 100}, {kBob, 90}}, {"PL1"});
  room_.Add(
      "Behind",
      {.sender = kBob, .type = "m.room.topic", .content = {{"topic", "x"}}, .timestamp = 2000});
  EXPECT_THAT(ByPower({"Before", "Behind"}), ElementsAre("Behind", "Before"));
}

TEST_F(EventOrderTest, WithoutPowerLevelsTheCreatorHas100) {
  ForkedRoom room("2");
  room.Create("Create", kAlice);
  room.Join("Join", kAlice);
  room.Add("Old", {.sender = kAlice, .type = "m.room.topic", .timestamp = 5});
  room.PowerLevels("PL", kAlice, {{kAlice, 99}}, {"Join"});
  room.Add("New", {.sender = kAlice, .type = "m.room.topic", .timestamp = 1});
  EXPECT_THAT(ReverseTopologicalPowerOrder(room.version(), room.graph(),
                                           {room.Index("New"), room.Index("Old")}),
              ElementsAre(room.Index("Old"), room.Index("New")));
}

TEST_F(EventOrderTest, ByMainlineLaterPowerLevelsComeLater) {
  Topic("UnderPL1", kAlice, 9000);
  room_.PowerLevels("PL2", kAlice, {{kAlice, 100}, {kBob, 60}}, {"PL1"});
  room_.Add("UnderPL2", {.sender = kAlice, .type = "m.room.topic", .timestamp = 1000});
  room_.Add("BeforePL",
            {.sender = kAlice, .type = "m.room.topic", .after = {"JoinAlice"}, .timestamp = 9500});
  EXPECT_THAT(ByMainline("PL2", {"UnderPL2", "UnderPL1", "BeforePL"}),
              ElementsAre("BeforePL", "UnderPL1", "UnderPL2"));
  // What is not on the line counts as nothing; what it goes back to does.
  EXPECT_THAT(ByMainline("PL1", {"UnderPL2", "UnderPL1", "BeforePL"}),
              ElementsAre("BeforePL", "UnderPL2", "UnderPL1"));
  EXPECT_THAT(ByMainline("", {"UnderPL2", "UnderPL1", "BeforePL"}),
              ElementsAre("UnderPL2", "UnderPL1", "BeforePL"));
}

TEST_F(EventOrderTest, ByMainlineThenTheOldestThenTheLowestIdComesFirst) {
  Topic("A", kBob, 2000);
  Topic("C", kAlice, 1000);
  Topic("B", kBob, 1000);
  EXPECT_THAT(ByMainline("PL1", {"A", "B", "C"}), ElementsAre("B", "C", "A"));
}

TEST_F(EventOrderTest, LongLinesTakeNoStack) {
  std::string last = "PL1";
  for (int i = 0; i < 3000; ++i) {
    last = absl::StrCat("L", i);
    room_.PowerLevels(last, kAlice, {{kAlice, 100}, {kBob, i % 100}});
  }
  Topic("Old", kAlice, 1);
  EXPECT_THAT(ByMainline(last, {"Old", last}), ElementsAre("Old", last));
}

}  // namespace
}  // namespace innkeeper::rooms
