#include "server/rooms/state_resolution.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "server/rooms/auth_difference.h"
#include "server/rooms/graph_auth.h"
#include "tests/server/rooms/forked_room.h"
#include "tests/server/rooms/random_room.h"

namespace innkeeper::rooms {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;

// What `room` is resolved to at a place.
constexpr char kPowerLevels[] = "m.room.power_levels";
constexpr char kJoinRules[] = "m.room.join_rules";
constexpr char kTopic[] = "m.room.topic";
constexpr char kBobsMembership[] = "m.room.member @bob:b.example";
constexpr char kEvesMembership[] = "m.room.member @eve:e.example";

class ResolutionV2Test : public testing::TestWithParam<const char*> {
 protected:
  ResolutionV2Test() : room_(GetParam()) { room_.Begin(); }

  // Alice has 100, without being named in versions where she needn't and mustn't be.
  std::map<std::string, int> Levels(std::map<std::string, int> others) const {
    if (!room_.version().creators_have_unbounded_power) others[kAlice] = 100;
    return others;
  }

  ForkedRoom room_;
};

INSTANTIATE_TEST_SUITE_P(Versions, ResolutionV2Test, testing::Values("2", "3", "6", "11", "12"),
                         [](const auto& test) { return std::string(test.param); });

TEST_P(ResolutionV2Test, ABanStandsAgainstPowerLevelsThatTheBannedSetMeanwhile) {
  room_.Join("JoinBob", kBob);
  room_.PowerLevels("PL1", kAlice, Levels({{kBob, 50}}));
  room_.Ban("Ban", kAlice, kBob);
  room_.PowerLevels("PL2", kBob, Levels({{kBob, 50}, {kEve, 50}}), {"PL1"});
  EXPECT_THAT(room_.Resolve({"Ban", "PL2"}),
              AllOf(Contains(Pair(kPowerLevels, "PL1")), Contains(Pair(kBobsMembership, "Ban"))));
}

TEST_P(ResolutionV2Test, ADemotionStandsAgainstWhatTheDemotedDidMeanwhile) {
  room_.Join("JoinBob", kBob);
  room_.Join("JoinEve", kEve);
  room_.PowerLevels("PL1", kAlice, Levels({{kBob, 50}}));
  room_.PowerLevels("PL2", kAlice, Levels({}));
  room_.Kick("Kick", kBob, kEve, {"PL1"});
  room_.Topic("Topic", kBob);
  EXPECT_THAT(room_.Resolve({"PL2", "Topic"}),
              AllOf(Contains(Pair(kPowerLevels, "PL2")), Not(Contains(Key(kTopic))),
                    Contains(Pair(kEvesMembership, "JoinEve"))));
}

TEST_P(ResolutionV2Test, AClosedRoomCannotBeJoinedBesidesThat) {
  room_.JoinRule("Closed", kAlice, "invite");
  room_.Join("JoinEve", kEve, {"JR"});
  EXPECT_THAT(room_.Resolve({"Closed", "JoinEve"}),
              AllOf(Contains(Pair(kJoinRules, "Closed")), Not(Contains(Key(kEvesMembership)))));
}

TEST_P(ResolutionV2Test, PowerLevelsDoNotFallBackWhenABranchWithOldOnesIsMerged) {
  room_.Join("JoinBob", kBob);
  room_.Join("JoinCarol", kCarol);
  room_.PowerLevels("PL1", kAlice, Levels({{kBob, 50}}));
  // Only with Bob's levels in between Carol may send hers.
  room_.PowerLevels("PL2", kBob, Levels({{kBob, 50}, {kCarol, 50}}));
  room_.PowerLevels("PL3", kCarol, Levels({{kBob, 50}, {kCarol, 49}}));
  room_.Message("Off", kAlice, {"PL1"});
  EXPECT_THAT(room_.Resolve({"PL3", "Off"}), Contains(Pair(kPowerLevels, "PL3")));
}

TEST_P(ResolutionV2Test, OfTwoTopicsTheLaterStands) {
  room_.Topic("Earlier", kAlice);
  room_.Topic("Later", kAlice, {"JR"});
  EXPECT_THAT(room_.Resolve({"Earlier", "Later"}), Contains(Pair(kTopic, "Later")));
}

TEST_P(ResolutionV2Test, ATopicUnderLaterPowerLevelsStandsAgainstALaterClock) {
  room_.Join("JoinBob", kBob);
  room_.PowerLevels("PL1", kAlice, Levels({{kBob, 50}}));
  room_.PowerLevels("PL2", kAlice, Levels({{kBob, 60}}));
  room_.Topic("UnderPL2", kAlice);
  room_.Add("UnderPL1", {.sender = kBob,
                         .type = "m.room.topic",
                         .content = {{"topic", "x"}},
                         .after = {"PL1"},
                         .timestamp = 1'000'000});
  EXPECT_THAT(room_.Resolve({"UnderPL2", "UnderPL1"}),
              AllOf(Contains(Pair(kTopic, "UnderPL2")), Contains(Pair(kPowerLevels, "PL2"))));
}

TEST_P(ResolutionV2Test, PowerLevelsOffTheMainlineCountByWhereTheyLeaveIt) {
  room_.Join("JoinBob", kBob);
  room_.PowerLevels("PL1", kAlice, Levels({{kBob, 50}}));
  room_.PowerLevels("PL2", kAlice, Levels({}));
  room_.Topic("UnderPL2", kAlice);
  // Refused when resolved; so the topic under it counts as one under PL1.
  room_.PowerLevels("Aside", kBob, Levels({{kBob, 50}, {kEve, 1}}), {"PL1"});
  room_.Topic("UnderAside", kAlice);
  EXPECT_THAT(room_.Resolve({"UnderPL2", "UnderAside"}),
              AllOf(Contains(Pair(kTopic, "UnderPL2")), Contains(Pair(kPowerLevels, "PL2"))));
}

TEST_P(ResolutionV2Test, ATopicOfOneWhoWasBannedBehindItFallsBackToTheOneBefore) {
  room_.Join("JoinBob", kBob);
  room_.Topic("T1", kAlice);
  room_.PowerLevels("PL1", kAlice, Levels({{kBob, 50}}));
  room_.Topic("T2", kBob);
  room_.Ban("Ban", kAlice, kBob);
  room_.Message("Off", kAlice, {"T1"});
  EXPECT_THAT(room_.Resolve({"Ban", "Off"}),
              AllOf(Contains(Pair(kTopic, "T1")), Contains(Pair(kPowerLevels, "PL1")),
                    Contains(Pair(kBobsMembership, "Ban"))));
}

TEST_P(ResolutionV2Test, WhoeverLeftAndCameBackStaysWhateverOldBranchIsMerged) {
  room_.Join("JoinBob", kBob);
  room_.Kick("Kick", kAlice, kBob);
  room_.Message("Off", kAlice);
  room_.Join("Back", kBob);
  room_.Add("Leave", {.sender = kBob,
                      .type = "m.room.member",
                      .state_key = kBob,
                      .content = {{"membership", "leave"}}});
  EXPECT_THAT(room_.Resolve({"Off", "Back", "Leave"}), Contains(Pair(kBobsMembership, "Leave")));
}

TEST_P(ResolutionV2Test, AnEntryThatOneBranchLacksIsInDispute) {
  room_.Join("JoinBob", kBob);
  room_.PowerLevels("PL1", kAlice, Levels({{kBob, 50}}));
  room_.Topic("Topic", kBob);
  room_.Message("Off", kAlice, {"PL1"});
  EXPECT_THAT(room_.Resolve({"Topic", "Off"}), Contains(Pair(kTopic, "Topic")));
  room_.Ban("Ban", kAlice, kBob);
  EXPECT_THAT(room_.Resolve({"Topic", "Ban"}), Not(Contains(Key(kTopic))));
}

TEST_P(ResolutionV2Test, ThreeBranchesAreResolvedAtOnce) {
  room_.Join("JoinBob", kBob);
  room_.PowerLevels("PL1", kAlice, Levels({{kBob, 50}}));
  room_.Ban("Ban", kAlice, kBob);
  room_.Topic("Topic", kBob, {"PL1"});
  room_.JoinRule("Closed", kAlice, "invite", {"PL1"});
  EXPECT_EQ(room_.Resolve({"Ban", "Topic", "Closed"}),
            (NamedState{{"m.room.create", "Create"},
                        {"m.room.member @alice:a.example", "JoinAlice"},
                        {kBobsMembership, "Ban"},
                        {kPowerLevels, "PL1"},
                        {kJoinRules, "Closed"}}));
}

TEST_P(ResolutionV2Test, AnEmptyStateTakesNothingAway) {
  EXPECT_EQ(room_.ResolveStates({room_.After("JR"), StateSet()}), room_.Named(room_.After("JR")));
}

// The rooms of the proposal that made version 2.1: another server claims a state with
// an old event in it, though all that came behind builds on the new one.

struct Claim {
  const char* version;
  bool v2_1;
};

class ClaimedStateTest : public testing::TestWithParam<Claim> {
 protected:
  ClaimedStateTest() : room_(GetParam().version) { room_.Begin(); }

  ForkedRoom room_;
};

INSTANTIATE_TEST_SUITE_P(Versions, ClaimedStateTest,
                         testing::Values(Claim{"2", false}, Claim{"11", false}, Claim{"12", true}),
                         [](const auto& test) { return std::string(test.param.version); });

TEST_P(ClaimedStateTest, JoinRulesOfOneWhoLeftAreLostUnlessResolutionStartsFromNothing) {
  room_.Join("JoinBob", kBob);
  room_.JoinRule("JR2", kAlice, "knock");
  room_.Add("Leave", {.sender = kAlice,
                      .type = "m.room.member",
                      .state_key = kAlice,
                      .content = {{"membership", "leave"}}});
  const StateSet& right = room_.After("Leave");
  const NamedState resolved = room_.ResolveStates({right, room_.With(right, "JR")});
  if (GetParam().v2_1) {
    EXPECT_EQ(resolved, room_.Named(right));
  } else {
    EXPECT_THAT(resolved, Not(Contains(Key(kJoinRules))));
  }
}

TEST_P(ClaimedStateTest, PowerLevelsFallBackUnlessThoseInBetweenAreResolvedOver) {
  std::map<std::string, int> levels = {{kAlice, 100}, {kBob, 100}};
  if (GetParam().v2_1) levels.erase(kAlice);
  room_.Join("JoinBob", kBob);
  room_.Join("JoinCarol", kCarol);
  room_.PowerLevels("PromoteBob", kAlice, levels);
  levels[kCarol] = 50;
  room_.PowerLevels("PromoteCarol", kBob, levels);
  room_.Topic("Topic", kCarol);
  const StateSet& right = room_.After("Topic");
  const NamedState resolved = room_.ResolveStates({right, room_.With(right, "PL")});
  EXPECT_THAT(resolved, Contains(Pair(kPowerLevels, GetParam().v2_1 ? "PromoteCarol" : "PL")));
}

class ResolutionV1Test : public testing::Test {
 protected:
  ResolutionV1Test() : room_("1") {
    room_.Begin();
    room_.Join("JoinBob", kBob);
  }

  void TopicAt(const std::string& name, const std::string& sender, const std::string& after,
               int64_t depth) {
    room_.Add(name, {.sender = sender,
                     .type = "m.room.topic",
                     .content = {{"topic", name}},
                     .after = {after},
                     .depth = depth});
  }

  ForkedRoom room_;
};

TEST_F(ResolutionV1Test, TheDeepestTopicStands) {
  TopicAt("Deep", kAlice, "JoinBob", 20);
  TopicAt("Shallow", kAlice, "JoinBob", 10);
  EXPECT_THAT(room_.Resolve({"Deep", "Shallow"}), Contains(Pair(kTopic, "Deep")));
}

TEST_F(ResolutionV1Test, OfTopicsOfOneDepthTheOneWithTheLowestHashOfItsIdStands) {
  // SHA-1 of "$B:a.example" starts with 98, that of "$A:a.example" with 9a, that of
  // "$C:a.example" with c7.
  for (const char* name : {"A", "B", "C"}) TopicAt(name, kAlice, "JoinBob", 10);
  EXPECT_THAT(room_.Resolve({"A", "B", "C"}), Contains(Pair(kTopic, "B")));
  EXPECT_THAT(room_.Resolve({"A", "C"}), Contains(Pair(kTopic, "A")));
}

TEST_F(ResolutionV1Test, ADeeperTopicThatIsNotAllowedGivesWay) {
  room_.PowerLevels("PL1", kAlice, {{kAlice, 100}, {kBob, 50}}, {"JoinBob"});
  TopicAt("Bobs", kBob, "PL1", 30);
  TopicAt("Alices", kAlice, "PL1", 10);
  room_.Ban("Ban", kAlice, kBob);
  EXPECT_THAT(room_.Resolve({"Ban", "Bobs"}),
              AllOf(Contains(Pair(kTopic, "Alices")), Contains(Pair(kBobsMembership, "Ban"))));
}

TEST_F(ResolutionV1Test, IfNoTopicIsAllowedTheShallowestStands) {
  room_.PowerLevels("PL1", kAlice, {{kAlice, 100}, {kBob, 50}}, {"JoinBob"});
  TopicAt("Deep", kBob, "PL1", 30);
  TopicAt("Shallow", kBob, "PL1", 10);
  room_.Ban("Ban", kAlice, kBob);
  EXPECT_THAT(room_.Resolve({"Ban", "Deep"}), Contains(Pair(kTopic, "Shallow")));
}

TEST_F(ResolutionV1Test, PowerLevelsGoOnAsLongAsEachIsAllowedByTheOneBefore) {
  room_.Join("JoinEve", kEve);
  room_.PowerLevels("PL1", kAlice, {{kAlice, 100}, {kBob, 60}});
  room_.PowerLevels("PL2", kBob, {{kAlice, 100}, {kBob, 60}, {kEve, 55}});
  room_.PowerLevels("PL3", kEve, {{kAlice, 100}, {kBob, 60}, {kEve, 50}});
  // PL2, which lets Eve send PL3, is in none of these states, and so PL3 is not
  // allowed: what version 2 mends.
  EXPECT_THAT(room_.Resolve({"PL1", "PL2"}), Contains(Pair(kPowerLevels, "PL2")));
  EXPECT_THAT(room_.Resolve({"PL1", "PL3"}), Contains(Pair(kPowerLevels, "PL1")));
  EXPECT_THAT(room_.Resolve({"PL1", "PL2", "PL3"}), Contains(Pair(kPowerLevels, "PL3")));
}

TEST_F(ResolutionV1Test, JoinRulesAreResolvedUnderTheResolvedPowerLevels) {
  room_.PowerLevels("PL1", kAlice, {{kAlice, 100}, {kBob, 50}}, {"JoinBob"});
  room_.PowerLevels("PL2", kAlice, {{kAlice, 100}});
  room_.JoinRule("Bobs", kBob, "invite", {"PL1"});
  EXPECT_THAT(room_.Resolve({"PL2", "Bobs"}),
              AllOf(Contains(Pair(kPowerLevels, "PL2")), Contains(Pair(kJoinRules, "JR"))));
}

TEST_F(ResolutionV1Test, MembersAreResolvedUnderTheResolvedJoinRules) {
  room_.Kick("Kick", kAlice, kBob);
  room_.JoinRule("Closed", kAlice, "invite");
  room_.Join("Back", kBob, {"Kick"});
  EXPECT_THAT(room_.Resolve({"Closed", "Back"}),
              AllOf(Contains(Pair(kJoinRules, "Closed")), Contains(Pair(kBobsMembership, "Kick"))));
}

TEST_F(ResolutionV1Test, AnEntryThatOneBranchLacksIsTakenAsItIs) {
  room_.JoinRule("Closed", kAlice, "invite");
  room_.Join("JoinEve", kEve, {"JoinBob"});
  EXPECT_THAT(
      room_.Resolve({"Closed", "JoinEve"}),
      AllOf(Contains(Pair(kJoinRules, "Closed")), Contains(Pair(kEvesMembership, "JoinEve"))));
}

class ResolutionPropertyTest : public testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Versions, ResolutionPropertyTest, testing::Values("1", "2", "6", "12"),
                         [](const auto& test) { return std::string(test.param); });

TEST_P(ResolutionPropertyTest, TheOrderOfTheStatesIsOfNoConsequence) {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    RandomRoom random(GetParam(), seed, 60);
    for (int i = 0; i < 10; ++i) {
      std::vector<StateSet> states = random.PickClaimedStates();
      const NamedState resolved = random.room().ResolveStates(states);
      std::reverse(states.begin(), states.end());
      EXPECT_EQ(random.room().ResolveStates(states), resolved);
      std::rotate(states.begin(), states.begin() + 1, states.end());
      EXPECT_EQ(random.room().ResolveStates(states), resolved);
      states.push_back(states[0]);
      EXPECT_EQ(random.room().ResolveStates(states), resolved) << "a state counts once";
    }
  }
}

TEST_P(ResolutionPropertyTest, AStateByItselfIsResolvedToItself) {
  RandomRoom random(GetParam(), 1, 60);
  for (int i = 0; i < 50; ++i) {
    const StateSet state = random.PickClaimedStates()[0];
    EXPECT_EQ(random.room().ResolveStates({state}), random.room().Named(state));
    EXPECT_EQ(random.room().ResolveStates({state, state}), random.room().Named(state));
  }
}

TEST_P(ResolutionPropertyTest, WhatTheStatesAgreeOnStands) {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    RandomRoom random(GetParam(), seed, 60);
    for (int i = 0; i < 10; ++i) {
      const std::vector<StateSet> states = random.PickClaimedStates();
      const StateSet resolved =
          ResolveState(random.room().version(), random.room().graph(), states);
      FindConflict(states).agreed.ForEach(
          [&](PlaceIndex place, EventIndex event) { EXPECT_EQ(resolved.Find(place), event); });
    }
  }
}

// Not so in other versions: 1 takes a topic that is not allowed if there is no other,
// and 12 does not judge by what the states agree on.
TEST(ResolutionV2PropertyTest, DisputedTopicsAreAllowedInTheEndUnlessTheirSenderLeft) {
  int judged = 0;
  for (uint32_t seed = 0; seed < 60; ++seed) {
    RandomRoom random("2", seed, 60);
    const EventGraph& graph = random.room().graph();
    GraphAuth auth(random.room().version(), graph);
    for (int i = 0; i < 10; ++i) {
      const std::vector<StateSet> states = random.PickStates();
      const StateConflict conflict = FindConflict(states);
      const StateSet resolved = ResolveState(random.room().version(), graph, states);
      const auto topic_place = graph.FindPlace({kTopic, ""});
      const auto topic = topic_place ? resolved.Find(*topic_place) : std::nullopt;
      if (!topic || conflict.agreed.Find(*topic_place)) continue;
      const std::string& sender = graph.event(*topic).sender;
      const auto member = resolved.Find(*graph.FindPlace({"m.room.member", sender}));
      const std::string membership =
          member ? graph.event(*member).content["membership"].get<std::string>() : "join";
      EXPECT_NE(membership, "ban");
      if (membership != "join") continue;
      ++judged;
      // By its auth events if even the sender's join fell.
      EXPECT_EQ(auth.CheckInOrByAuthEvents(resolved, *topic), absl::OkStatus())
          << random.room().Name(*topic) << " of room " << seed;
    }
  }
  EXPECT_GT(judged, 100);
}

}  // namespace
}  // namespace innkeeper::rooms
