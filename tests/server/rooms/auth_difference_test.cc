#include "server/rooms/auth_difference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "tests/server/rooms/forked_room.h"
#include "tests/server/rooms/random_room.h"

namespace innkeeper::rooms {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::IsSubsetOf;
using ::testing::UnorderedElementsAre;

using Events = std::set<EventIndex>;

// The events and all that they lead to.
Events Chain(const EventGraph& graph, const Events& events) {
  Events chain = events;
  for (auto it = chain.rbegin(); it != chain.rend(); ++it) {
    // All of them have lower numbers.
    for (const EventIndex link : graph.auth_events(*it)) chain.insert(link);
  }
  return chain;
}

Events EventsOf(const StateSet& state) {
  Events events;
  state.ForEach([&](PlaceIndex, EventIndex event) { events.insert(event); });
  return events;
}

// The definitions of the specification, word by word.

Events DisputedByDefinition(const EventGraph& graph, const std::vector<StateSet>& states) {
  Events disputed;
  for (const StateSet& state : states) {
    for (const EventIndex event : EventsOf(state)) {
      const bool in_all = std::all_of(states.begin(), states.end(), [&](const StateSet& other) {
        return other.Find(*graph.place(event)) == event;
      });
      if (!in_all) disputed.insert(event);
    }
  }
  return disputed;
}

Events DifferenceByDefinition(const EventGraph& graph, const std::vector<StateSet>& states) {
  Events all;
  Events common = Chain(graph, EventsOf(states[0]));
  for (const StateSet& state : states) {
    const Events chain = Chain(graph, EventsOf(state));
    all.insert(chain.begin(), chain.end());
    Events both;
    std::set_intersection(common.begin(), common.end(), chain.begin(), chain.end(),
                          std::inserter(both, both.end()));
    common = both;
  }
  Events difference;
  std::set_difference(all.begin(), all.end(), common.begin(), common.end(),
                      std::inserter(difference, difference.end()));
  return difference;
}

Events SubgraphByDefinition(const EventGraph& graph, const Events& ends) {
  Events subgraph;
  for (const EventIndex event : Chain(graph, ends)) {
    const Events chain = Chain(graph, {event});
    if (std::any_of(ends.begin(), ends.end(),
                    [&](EventIndex end) { return chain.contains(end); })) {
      subgraph.insert(event);
    }
  }
  return subgraph;
}

Events Union(Events events, const std::vector<EventIndex>& more) {
  events.insert(more.begin(), more.end());
  return events;
}

TEST(AuthDifferencePropertyTest, IsWhatTheDefinitionsSay) {
  int with_difference = 0;
  int with_ways = 0;
  for (uint32_t seed = 0; seed < 40; ++seed) {
    RandomRoom random("11", seed, 60);
    const EventGraph& graph = random.room().graph();
    for (int i = 0; i < 10; ++i) {
      const std::vector<StateSet> states = random.PickClaimedStates();
      const StateConflict conflict = FindConflict(states);
      const std::vector<EventIndex> disputed = conflict.DisputedEvents();
      const Events expected = DisputedByDefinition(graph, states);
      ASSERT_EQ(Events(disputed.begin(), disputed.end()), expected);

      const auto difference = AuthDifference(graph, conflict);
      Events full = DifferenceByDefinition(graph, states);
      full.insert(expected.begin(), expected.end());
      ASSERT_EQ(Union(expected, difference), full);
      if (!difference.empty()) ++with_difference;

      const auto subgraph = AuthSubgraph(graph, disputed);
      ASSERT_EQ(Events(subgraph.begin(), subgraph.end()), SubgraphByDefinition(graph, expected));
      if (!std::includes(full.begin(), full.end(), subgraph.begin(), subgraph.end())) ++with_ways;
    }
  }
  // Or the above proves little.
  EXPECT_GT(with_difference, 100);
  EXPECT_GT(with_ways, 10);
}

class AuthDifferenceTest : public testing::Test {
 protected:
  AuthDifferenceTest() : room_("2") { room_.Begin(); }

  ForkedRoom room_;
};

TEST_F(AuthDifferenceTest, HasWhatOnlyOneBranchBuildsOn) {
  room_.PowerLevels("PL1", kAlice, {{kAlice, 100}, {kBob, 10}});
  room_.PowerLevels("PL2", kAlice, {{kAlice, 100}, {kBob, 20}});
  room_.PowerLevels("PL3", kAlice, {{kAlice, 100}, {kBob, 30}});
  const std::vector<StateSet> states = {room_.After("JR"), room_.After("PL3")};
  EXPECT_THAT(AuthDifference(room_.graph(), FindConflict(states)),
              ElementsAre(room_.Index("PL1"), room_.Index("PL2")));
}

TEST_F(AuthDifferenceTest, LacksWhatAgreedStateBuildsOn) {
  room_.PowerLevels("PL1", kAlice, {{kAlice, 100}, {kBob, 10}});
  room_.PowerLevels("PL2", kAlice, {{kAlice, 100}, {kBob, 20}});
  room_.Topic("Topic", kAlice);
  // In both states the topic leads to PL1 and PL2.
  const std::vector<StateSet> states = {room_.After("Topic"),
                                        room_.With(room_.After("Topic"), "PL")};
  EXPECT_THAT(AuthDifference(room_.graph(), FindConflict(states)), IsEmpty());
}

TEST_F(AuthDifferenceTest, TheSubgraphHasTheWaysBetweenEvents) {
  room_.PowerLevels("PL1", kAlice, {{kAlice, 100}, {kBob, 10}});
  room_.PowerLevels("PL2", kAlice, {{kAlice, 100}, {kBob, 20}});
  room_.Topic("Topic", kAlice);
  EXPECT_THAT(AuthSubgraph(room_.graph(), {room_.Index("Topic"), room_.Index("PL1")}),
              ElementsAre(room_.Index("PL1"), room_.Index("PL2"), room_.Index("Topic")));
  EXPECT_THAT(AuthSubgraph(room_.graph(), {room_.Index("JR"), room_.Index("Topic")}),
              ElementsAre(room_.Index("JR"), room_.Index("Topic")));
  EXPECT_THAT(AuthSubgraph(room_.graph(), {}), IsEmpty());
}

}  // namespace
}  // namespace innkeeper::rooms
