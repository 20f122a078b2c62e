#include "server/rooms/upgrade_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/rooms/power_levels.h"
#include "server/rooms/state_copy.h"
#include "tests/server/rooms/test_room.h"
#include "tests/server/rooms/violations.h"

namespace innkeeper::rooms {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;
using testing::Not;

using Kind = Unmoved::Kind;
using Reason = Unmoved::Reason;

constexpr int64_t kMax = kMaxCanonicalInteger;

std::vector<StateKey> Keys(std::vector<std::pair<std::string, std::string>> keys) {
  std::vector<StateKey> result;
  for (auto& [type, state_key] : keys) result.push_back({type, state_key});
  return result;
}

// The member events about `user`.
std::vector<Event> EventsAbout(const std::vector<Event>& events, const std::string& user) {
  std::vector<Event> found;
  for (const Event& event : events) {
    if (event.type == "m.room.member" && event.state_key == user) found.push_back(event);
  }
  return found;
}

bool HasLevelsThird(const Upgrade& upgrade) {
  return upgrade.new_events[2].type == "m.room.power_levels";
}

TEST(UpgradePlanTest, RoomsReferToEachOther) {
  for (const RoomVersion& from : AllRoomVersions()) {
    const TestRoom room(from);
    for (const RoomVersion& to : AllRoomVersions()) {
      SCOPED_TRACE(absl::StrCat(from.id, " to ", to.id));
      const Upgrade upgrade = UpgradeAndJudge(room, to);
      const Event& tombstone = upgrade.old_events.back();
      EXPECT_EQ(tombstone.type, "m.room.tombstone");
      EXPECT_EQ(tombstone.content["replacement_room"], upgrade.new_room_id);
      EXPECT_FALSE(StringOrEmpty(tombstone.content, "body").empty());
      Json predecessor = {{"room_id", room.room_id()}};
      if (to.predecessor_has_event_id) predecessor["event_id"] = tombstone.event_id;
      const Json& create = StateContent(upgrade.new_state, "m.room.create");
      EXPECT_EQ(create["predecessor"], predecessor);
      EXPECT_EQ(create["room_version"], std::string(to.id));
      EXPECT_EQ(upgrade.new_events[0].room_id, upgrade.new_room_id);
      EXPECT_NE(upgrade.new_room_id, room.room_id());
    }
  }
}

TEST(UpgradePlanTest, InjectsNothingThatTheOldRoomLacked) {
  const TestRoom room(Version("6"));
  for (const RoomVersion& to : AllRoomVersions()) {
    const Upgrade upgrade = UpgradeAndJudge(room, to);
    EXPECT_THAT(Names(upgrade.new_events),
                ElementsAre("m.room.create", absl::StrCat(kAlice, " join"), "m.room.power_levels"));
    Json create = StateContent(upgrade.new_state, "m.room.create");
    for (const char* key : {"predecessor", "room_version", "creator", "org.innkeeper.nonce"}) {
      create.erase(key);
    }
    EXPECT_EQ(create, Json::object());
    EXPECT_THAT(upgrade.report.copied.items(), IsEmpty());
    EXPECT_THAT(upgrade.report.unmoved.items(), IsEmpty());
  }
}

// A space with an entry of every sort.
TestRoom FurnishedRoom() {
  TestRoom room(Version("5"), {{"type", "m.space"}, {"org.example.x", 1}});
  room.Set("m.room.power_levels", "", DefaultPowerLevels(Version("5"), kAlice));
  room.Join(kBob);
  room.Set("m.room.join_rules", "", {{"join_rule", "public"}});
  for (const char* type : {"m.room.server_acl", "m.room.encryption", "m.room.name", "m.room.avatar",
                           "m.room.topic", "m.room.guest_access", "m.room.history_visibility",
                           "m.room.pinned_events", "org.example.widget"}) {
    room.Set(type, "", {{"of", type}});
  }
  room.Set("m.space.child", "!child:x", {{"via", {"x"}}, {"order", "a"}});
  room.Set("m.space.child", "!gone:x", Json::object());
  room.Set("m.space.parent", "!parent:x", {{"via", {"x"}}});
  room.Set("org.example.widget", "second", {{"a", 1}});
  room.Set("org.example.of_user", kAlice, {{"a", 1}});
  room.Set("org.example.emptied", "", Json::object());
  room.Set("m.room.third_party_invite", "token", {{"display_name", "b..."}});
  room.Set("m.room.aliases", kServer, {{"aliases", {"#a:example.org"}}});
  return room;
}

TEST(UpgradePlanTest, CopiesWhatIsRecommendedAndReportsTheRest) {
  const TestRoom room = FurnishedRoom();
  const Upgrade upgrade = UpgradeAndJudge(room, Version("11"));
  const std::vector<StateKey> copied = Keys({{"m.room.avatar", ""},
                                             {"m.room.encryption", ""},
                                             {"m.room.guest_access", ""},
                                             {"m.room.history_visibility", ""},
                                             {"m.room.name", ""},
                                             {"m.room.server_acl", ""},
                                             {"m.room.topic", ""},
                                             {"m.space.child", "!child:x"},
                                             {"m.space.parent", "!parent:x"}});
  std::vector<StateKey> reported = Keys({{"m.room.power_levels", ""}});
  reported.insert(reported.end(), copied.begin(), copied.end());
  reported.push_back({"m.room.join_rules", ""});
  EXPECT_EQ(upgrade.report.copied.items(), reported);
  for (const auto& [type, state_key] : reported) {
    if (type == "m.room.power_levels") continue;
    EXPECT_EQ(StateContent(upgrade.new_state, type, state_key),
              StateContent(room.state(), type, state_key));
  }
  EXPECT_EQ(upgrade.new_state.size(), reported.size() + 3) << "create and two members";
  EXPECT_EQ(upgrade.report.left_behind.items(), Keys({{"m.room.pinned_events", ""},
                                                      {"org.example.of_user", kAlice},
                                                      {"org.example.widget", ""},
                                                      {"org.example.widget", "second"}}));
  EXPECT_THAT(
      upgrade.report.unmoved.items(),
      ElementsAre(Unmoved{Kind::kStateEvent, "m.room.aliases", kServer, Reason::kBelongsToOldRoom},
                  Unmoved{Kind::kStateEvent, "m.room.third_party_invite", "token",
                          Reason::kBelongsToOldRoom}));
  Json create = StateContent(upgrade.new_state, "m.room.create");
  create.erase("predecessor");
  EXPECT_EQ(create, Json({{"type", "m.space"}, {"room_version", "11"}}));
}

TEST(UpgradePlanTest, CopiesEverythingThatCanBeRightInAnotherRoom) {
  TestRoom room = FurnishedRoom();
  room.Set("m.room.power_levels", "", {{"users", {{kAlice, 100}}}, {"state_default", 0}});
  room.Set("org.example.of_user", kBob, {{"a", 1}}, kBob);
  const Upgrade upgrade =
      UpgradeAndJudge(room, Version("12"), {.options = {.copy_policy = CopyPolicy::kEverything}});
  EXPECT_THAT(upgrade.report.left_behind.items(), IsEmpty());
  for (const auto& [key, entry] : room.state()) {
    const bool stays = !MayBeCopied(key.type) || key.state_key == kBob ||
                       key.state_key == "!gone:x" || key.type == "m.room.power_levels";
    if (stays) continue;
    const StateEntry* const copy = FindState(upgrade.new_state, key.type, key.state_key);
    ASSERT_NE(copy, nullptr) << key.type << " " << key.state_key;
    EXPECT_EQ(copy->content, entry.content);
  }
  EXPECT_THAT(
      upgrade.report.unmoved.items(),
      Contains(Unmoved{Kind::kStateEvent, "org.example.of_user", kBob, Reason::kBelongsToUser}));
  EXPECT_EQ(upgrade.report.unmoved.count(), 3);
}

TEST(UpgradePlanTest, CopiesWhatIsListedAndWhatGuardsTheRoom) {
  const Upgrade upgrade = UpgradeAndJudge(
      FurnishedRoom(), Version("11"),
      {.options = {.copy_policy = CopyPolicy::kListed, .copy_types = {"org.example.widget"}}});
  EXPECT_EQ(upgrade.report.copied.items(), Keys({{"m.room.power_levels", ""},
                                                 {"m.room.encryption", ""},
                                                 {"m.room.guest_access", ""},
                                                 {"m.room.history_visibility", ""},
                                                 {"m.room.server_acl", ""},
                                                 {"m.space.child", "!child:x"},
                                                 {"m.space.parent", "!parent:x"},
                                                 {"org.example.widget", ""},
                                                 {"org.example.widget", "second"},
                                                 {"m.room.join_rules", ""}}));
  EXPECT_EQ(upgrade.report.left_behind.count(), 5);
}

TEST(UpgradePlanTest, MembersOfAPublicRoomJoin) {
  TestRoom room(Version("9"));
  room.Populate();
  room.Set("m.room.join_rules", "", {{"join_rule", "public"}});
  const Upgrade upgrade = UpgradeAndJudge(room, Version("12"));
  EXPECT_THAT(Names(upgrade.new_events),
              ElementsAre("m.room.create", "@alice:example.org join", "m.room.power_levels",
                          "m.room.join_rules", "@bob:example.org join", "@carol:elsewhere invite",
                          "@dave:example.org invite", "@erin:elsewhere invite",
                          "@fay:example.org ban", "@gus:elsewhere ban"));
  EXPECT_EQ(upgrade.summary.joined_member_count, 2);
  EXPECT_EQ(upgrade.summary.invited_member_count, 3);
  EXPECT_THAT(upgrade.report.joined.items(), ElementsAre(kAlice, kBob));
  EXPECT_THAT(upgrade.report.invited.items(), ElementsAre(kCarol, kDave, kErin));
  EXPECT_EQ(upgrade.report.banned_count, 2);
}

TEST(UpgradePlanTest, MembersOfARoomThatIsNotPublicJoinWithOneEvent) {
  TestRoom room(Version("9"));
  room.Populate();
  room.Set("m.room.join_rules", "", {{"join_rule", "invite"}});
  const Upgrade upgrade = UpgradeAndJudge(room, Version("11"));
  EXPECT_THAT(Names(upgrade.new_events),
              ElementsAre("m.room.create", "@alice:example.org join", "m.room.power_levels",
                          "m.room.join_rules", "@bob:example.org join", "@carol:elsewhere invite",
                          "@dave:example.org invite", "@erin:elsewhere invite",
                          "@fay:example.org ban", "@gus:elsewhere ban", "m.room.join_rules"));
  const Json members_of_old_room = {{"type", "m.room_membership"}, {"room_id", room.room_id()}};
  EXPECT_EQ(upgrade.new_events[3].content,
            Json({{"join_rule", "restricted"}, {"allow", Json::array({members_of_old_room})}}));
  EXPECT_EQ(StateContent(upgrade.new_state, "m.room.join_rules"), Json({{"join_rule", "invite"}}));
  EXPECT_EQ(
      StateContent(upgrade.new_state, "m.room.member", kBob)["join_authorised_via_users_server"],
      kAlice);
}

TEST(UpgradePlanTest, MembersAreInvitedFirstWhereTheVersionHasNoBetterWay) {
  TestRoom room(Version("9"));
  room.Populate();
  room.Set("m.room.join_rules", "", {{"join_rule", "private"}});
  for (const char* to : {"1", "7", "8"}) {
    const Upgrade upgrade = UpgradeAndJudge(room, Version(to));
    EXPECT_THAT(
        Names(upgrade.new_events),
        ElementsAre("m.room.create", "@alice:example.org join", "m.room.power_levels",
                    "@bob:example.org invite", "@bob:example.org join", "@carol:elsewhere invite",
                    "@dave:example.org invite", "@erin:elsewhere invite", "@fay:example.org ban",
                    "@gus:elsewhere ban", "m.room.join_rules"));
    EXPECT_EQ(upgrade.summary.joined_member_count, 2);
    EXPECT_EQ(upgrade.summary.invited_member_count, 3);
  }
}

TEST(UpgradePlanTest, APassingRuleIsSetOnceForAllWhoComeIn) {
  TestRoom room(Version("11"));
  room.Join(kBob);
  room.Join("@zed:example.org");
  room.Set("m.room.join_rules", "", {{"join_rule", "invite"}});
  EXPECT_THAT(Names(UpgradeAndJudge(room, Version("12"), {.chunk = 1}).new_events),
              ElementsAre("m.room.create", "@alice:example.org join", "m.room.power_levels",
                          "m.room.join_rules", "@bob:example.org join", "@zed:example.org join",
                          "m.room.join_rules"));
}

TEST(UpgradePlanTest, ARestrictedRoomLetsItsMembersInByItsOwnRule) {
  TestRoom room(Version("10"));
  room.Populate();
  const Json club = {{"type", "m.room_membership"}, {"room_id", "!club:x"}};
  const Json rules = {{"join_rule", "restricted"}, {"allow", Json::array({club})}};
  room.Set("m.room.join_rules", "", rules);
  const Upgrade upgrade = UpgradeAndJudge(room, Version("11"));
  const std::vector<std::string> names = Names(upgrade.new_events);
  EXPECT_EQ(std::count(names.begin(), names.end(), "m.room.join_rules"), 1);
  EXPECT_EQ(EventsAbout(upgrade.new_events, kBob).size(), 1u);
  EXPECT_EQ(StateContent(upgrade.new_state, "m.room.join_rules"), rules);
}

TEST(UpgradePlanTest, ARoomWithoutOtherMembersGetsNoPassingRule) {
  TestRoom room(Version("11"));
  room.Set("m.room.join_rules", "", {{"join_rule", "invite"}});
  EXPECT_THAT(Names(UpgradeAndJudge(room, Version("11")).new_events),
              ElementsAre("m.room.create", "@alice:example.org join", "m.room.power_levels",
                          "m.room.join_rules"));
}

TEST(UpgradePlanTest, AJoinRuleThatTheVersionLacksBecomesStricterAndIsReported) {
  TestRoom room(Version("10"));
  room.Set("m.room.join_rules", "",
           {{"join_rule", "knock_restricted"}, {"allow", Json::array({{{"type", "x"}}})}});
  const Upgrade upgrade = UpgradeAndJudge(room, Version("7"));
  EXPECT_EQ(StateContent(upgrade.new_state, "m.room.join_rules"), Json({{"join_rule", "knock"}}));
  EXPECT_THAT(upgrade.report.unmoved.items(),
              ElementsAre(Unmoved{Kind::kJoinRule, "knock_restricted", "", Reason::kRoomVersion}));
}

TEST(UpgradePlanTest, KnocksAreRepeatedOrReported) {
  const std::string kim = "@kim:example.org";
  const std::string lou = "@lou:elsewhere";
  TestRoom room(Version("10"));
  room.Populate();
  room.Set("m.room.join_rules", "", {{"join_rule", "knock"}});
  room.Knock(kim);
  room.Knock(lou);
  for (const RoomVersion& to : AllRoomVersions()) {
    SCOPED_TRACE(to.id);
    const Upgrade upgrade = UpgradeAndJudge(room, to);
    std::vector<Unmoved> unmoved = {{Kind::kKnock, lou, "", Reason::kOtherServer}};
    if (to.knocking) {
      EXPECT_EQ(StateContent(upgrade.new_state, "m.room.member", kim),
                Json({{"membership", "knock"}, {"reason", "Knock, knock"}}));
      EXPECT_EQ(upgrade.report.knock_count, 1);
    } else {
      EXPECT_EQ(FindState(upgrade.new_state, "m.room.member", kim), nullptr);
      unmoved.insert(unmoved.begin(), {Kind::kKnock, kim, "", Reason::kJoinRule});
      unmoved.push_back({Kind::kJoinRule, "knock", "", Reason::kRoomVersion});
      EXPECT_EQ(upgrade.report.knock_count, 0);
    }
    EXPECT_EQ(upgrade.report.unmoved.items(), unmoved);
    EXPECT_EQ(EventsAbout(upgrade.new_events, kBob).size(), to.knock_restricted_joins ? 1u : 2u);
  }
}

TEST(UpgradePlanTest, MemberPoliciesInviteAllOrNobody) {
  TestRoom room(Version("11"));
  room.Populate();
  room.Set("m.room.join_rules", "", {{"join_rule", "invite"}});
  const Upgrade invited = UpgradeAndJudge(room, Version("11"),
                                          {.options = {.member_policy = MemberPolicy::kInviteAll}});
  EXPECT_THAT(invited.report.joined.items(), ElementsAre(kAlice));
  EXPECT_THAT(invited.report.invited.items(), ElementsAre(kBob, kCarol, kDave, kErin));
  EXPECT_EQ(invited.report.banned_count, 2);
  EXPECT_EQ(Membership(invited.new_state, kBob), "invite");

  const Upgrade alone =
      UpgradeAndJudge(room, Version("11"), {.options = {.member_policy = MemberPolicy::kNone}});
  EXPECT_THAT(Names(alone.new_events),
              ElementsAre("m.room.create", "@alice:example.org join", "m.room.power_levels",
                          "@fay:example.org ban", "@gus:elsewhere ban", "m.room.join_rules"));
  EXPECT_EQ(alone.report.left_behind_member_count, 4);
  EXPECT_THAT(alone.report.unmoved.items(), IsEmpty());
}

TEST(UpgradePlanTest, MembersKeepHowTheyShowThemselves) {
  TestRoom room(Version("11"));
  room.Populate();
  const RoomState state = UpgradeAndJudge(room, Version("11")).new_state;
  EXPECT_EQ(StateContent(state, "m.room.member", kAlice),
            Json({{"membership", "join"}, {"displayname", "Alice"}}));
  EXPECT_EQ(StateContent(state, "m.room.member", kBob),
            Json({{"membership", "join"},
                  {"displayname", absl::StrCat("I am ", kBob)},
                  {"avatar_url", "mxc://a/b"}}));
  EXPECT_EQ(StateContent(state, "m.room.member", kCarol),
            Json({{"membership", "invite"},
                  {"displayname", absl::StrCat("I am ", kCarol)},
                  {"avatar_url", "mxc://a/b"}}));
  EXPECT_EQ(StateContent(state, "m.room.member", kDave),
            Json({{"membership", "invite"}, {"displayname", "Dave"}, {"is_direct", true}}));
  EXPECT_EQ(StateContent(state, "m.room.member", kFay),
            Json({{"membership", "ban"}, {"reason", "spam"}}));
  EXPECT_EQ(FindState(state, "m.room.member", kHal), nullptr);
}

TEST(UpgradePlanTest, RemoteUsersStayOutOfARoomThatIsNotFederated) {
  TestRoom room(Version("11"), {{"m.federate", false}});
  room.Populate(/*remote=*/false);
  OldRoom old_room = room.Get();
  // Another implementation might have let these in.
  for (const auto& [user, membership] :
       {std::pair(kCarol, "join"), std::pair(kErin, "invite"), std::pair(kGus, "ban")}) {
    old_room.state[{"m.room.member", user}] = {.content = {{"membership", membership}}};
  }
  const Upgrade upgrade = PlanUpgrade(old_room, Version("12")).value();
  AuthChecker checker(Version("12"));
  for (const Event& event : upgrade.new_events) EXPECT_EQ(checker.Check(event), "");
  EXPECT_EQ(StateContent(upgrade.new_state, "m.room.create")["m.federate"], false);
  EXPECT_THAT(upgrade.report.unmoved.items(),
              ElementsAre(Unmoved{Kind::kMember, kCarol, "", Reason::kNotFederated},
                          Unmoved{Kind::kInvite, kErin, "", Reason::kNotFederated},
                          Unmoved{Kind::kBan, kGus, "", Reason::kNotFederated}));
  EXPECT_EQ(upgrade.report.joined.count(), 2);
  EXPECT_EQ(upgrade.report.invited.count(), 1);
  EXPECT_EQ(upgrade.report.banned_count, 1);
}

TEST(UpgradePlanTest, LocalAliasesMoveAndRemoteOnesAreReported) {
  TestRoom room(Version("11"));
  room.Set("m.room.canonical_alias", "",
           {{"alias", "#a:example.org"},
            {"alt_aliases", {"#b:example.org", "#c:elsewhere", "#d:example.org"}},
            {"org.example.x", 1}});
  const Upgrade upgrade = UpgradeAndJudge(room, Version("12"));
  EXPECT_EQ(
      StateContent(upgrade.new_state, "m.room.canonical_alias"),
      Json({{"alias", "#a:example.org"}, {"alt_aliases", {"#b:example.org", "#d:example.org"}}}));
  EXPECT_EQ(upgrade.summary.canonical_alias, "#a:example.org");
  EXPECT_EQ(StateContent(upgrade.old_state, "m.room.canonical_alias"),
            Json({{"alt_aliases", {"#c:elsewhere"}}, {"org.example.x", 1}}));
  EXPECT_THAT(Names(upgrade.old_events),
              ElementsAre("m.room.power_levels", "m.room.canonical_alias", "m.room.tombstone"));
  EXPECT_THAT(upgrade.report.unmoved.items(),
              ElementsAre(Unmoved{Kind::kAlias, "#c:elsewhere", "", Reason::kOtherServer}));
}

TEST(UpgradePlanTest, RemoteAliasesAloneStayWhereTheyAre) {
  TestRoom room(Version("11"));
  const Json content = {{"alias", "#a:elsewhere"}};
  room.Set("m.room.canonical_alias", "", content);
  const Upgrade upgrade = UpgradeAndJudge(room, Version("11"));
  EXPECT_EQ(FindState(upgrade.new_state, "m.room.canonical_alias"), nullptr);
  EXPECT_EQ(StateContent(upgrade.old_state, "m.room.canonical_alias"), content);
  EXPECT_THAT(Names(upgrade.old_events), Not(Contains("m.room.canonical_alias")));
}

TEST(UpgradePlanTest, TheOldRoomIsLocked) {
  const auto locked = [](const RoomVersion& version, Json levels) {
    TestRoom room(version);
    if (!levels.is_null()) room.Set("m.room.power_levels", "", std::move(levels));
    const Upgrade upgrade = UpgradeAndJudge(room, Version("11"));
    EXPECT_EQ(Names(upgrade.old_events).back(), "m.room.tombstone");
    EXPECT_THAT(upgrade.report.unmoved.items(), IsEmpty());
    EXPECT_EQ(upgrade.report.old_power_levels, StateContent(room.state(), "m.room.power_levels"));
    return StateContent(upgrade.old_state, "m.room.power_levels");
  };
  const Json users = {{kAlice, 100}};
  EXPECT_EQ(locked(Version("11"), {{"users", users}, {"ban", 7}, {"events_default", 51}}),
            Json({{"users", users}, {"ban", 7}, {"events_default", 51}, {"invite", 50}}));
  EXPECT_EQ(
      locked(Version("11"), {{"users", users}, {"users_default", 70}}),
      Json({{"users", users}, {"users_default", 70}, {"events_default", 71}, {"invite", 71}}));
  EXPECT_EQ(
      locked(Version("9"), {{"users", {{kAlice, "100"}}}, {"invite", "49"}, {"ban", "9"}}),
      Json({{"users", {{kAlice, "100"}}}, {"invite", 50}, {"events_default", 50}, {"ban", "9"}}));
  EXPECT_EQ(locked(Version("11"), nullptr),
            Json({{"users", users}, {"events_default", 50}, {"invite", 50}}));
  EXPECT_EQ(locked(Version("12"), nullptr), Json({{"events_default", 50}, {"invite", 50}}));
}

TEST(UpgradePlanTest, ALockedRoomIsNotLockedAgain) {
  TestRoom room(Version("11"));
  room.Set("m.room.power_levels", "",
           {{"users", {{kAlice, 100}}}, {"events_default", 50}, {"invite", 60}});
  EXPECT_THAT(Names(UpgradeAndJudge(room, Version("11")).old_events),
              ElementsAre("m.room.tombstone"));
}

TEST(UpgradePlanTest, WhatTheSenderMayNotDoInTheOldRoomIsReported) {
  const auto check = [](Json levels) {
    TestRoom room(Version("11"));
    room.Set("m.room.canonical_alias", "", {{"alias", "#a:example.org"}});
    room.Join(kBob);
    room.Set("m.room.power_levels", "", std::move(levels));
    const Upgrade upgrade = UpgradeAndJudge(room, Version("11"), {.sender = kBob});
    EXPECT_THAT(Names(upgrade.old_events), ElementsAre("m.room.tombstone"));
    EXPECT_EQ(StateContent(upgrade.new_state, "m.room.canonical_alias")["alias"], "#a:example.org");
    EXPECT_THAT(
        upgrade.report.unmoved.items(),
        ElementsAre(
            Unmoved{Kind::kOldRoomPowerLevels, room.room_id(), "", Reason::kInsufficientPower},
            Unmoved{Kind::kOldRoomAlias, room.room_id(), "", Reason::kInsufficientPower}));
  };
  const Json tombstone_only = {
      {"m.room.canonical_alias", 51}, {"m.room.tombstone", 40}, {"m.room.power_levels", 40}};
  // May change levels, but not to 50.
  check({{"users", {{kAlice, 100}, {kBob, 40}}}, {"events", tombstone_only}});
  // May reach the level, but not change levels.
  check(
      {{"users", {{kAlice, 100}, {kBob, 50}}},
       {"events",
        {{"m.room.canonical_alias", 51}, {"m.room.tombstone", 50}, {"m.room.power_levels", 51}}}});
}

TEST(UpgradePlanTest, ARoomWhereAllHaveTheHighestLevelCannotBeLocked) {
  TestRoom room(Version("11"));
  room.Set("m.room.power_levels", "", {{"users", {{kAlice, kMax}}}, {"users_default", kMax}});
  EXPECT_THAT(UpgradeAndJudge(room, Version("11")).report.unmoved.items(),
              ElementsAre(AllOf(Field(&Unmoved::kind, Kind::kOldRoomPowerLevels),
                                Field(&Unmoved::reason, Reason::kInsufficientPower))));
}

TEST(UpgradePlanTest, LevelsComeLastWhereTheyWouldNotCarryTheRest) {
  const std::string zed = "@zed:example.org";
  const auto levels_third = [&](Json levels, bool populate, absl::string_view to = "11") {
    TestRoom room(Version("11"));
    if (populate) room.Populate();
    room.Join(zed);
    room.Set("m.room.name", "", {{"name", "x"}});
    Json events = {{"m.room.tombstone", 50}};
    events.update(levels.value("events", Json::object()));
    levels["events"] = events;
    Json users = {{kAlice, 100}, {zed, 50}};
    users.update(levels.value("users", Json::object()));
    levels["users"] = users;
    room.Set("m.room.power_levels", "", levels);
    const Upgrade upgrade = UpgradeAndJudge(room, Version(to), {.sender = zed});
    const std::vector<std::string> names = Names(upgrade.new_events);
    EXPECT_EQ(std::count(names.begin(), names.end(), "m.room.power_levels"), 1);
    const bool third = HasLevelsThird(upgrade);
    EXPECT_TRUE(third || names.back() == "m.room.power_levels");
    return third;
  };
  EXPECT_TRUE(levels_third(Json::object(), true));
  EXPECT_FALSE(levels_third({{"ban", 51}}, true));
  EXPECT_FALSE(levels_third({{"invite", 51}}, true));
  EXPECT_FALSE(levels_third({{"events", {{"m.room.name", 51}}}}, true));
  EXPECT_TRUE(levels_third({{"events", {{"m.room.topic", 51}}}}, true)) << "there is none";
  EXPECT_FALSE(levels_third({{"users_default", 50}}, true));
  EXPECT_FALSE(levels_third({{"users", {{kFay, 50}}}}, true)) << "who is banned";
  EXPECT_TRUE(levels_third({{"users", {{kFay, 49}}}}, true));
  EXPECT_TRUE(levels_third({{"users", {{kBob, 70}}}}, true)) << "who is not";
  EXPECT_TRUE(levels_third({{"users", {{kFay, 50}}}}, false)) << "who is not here";
  EXPECT_TRUE(levels_third({{"ban", 51}, {"users_default", 50}}, true, "12"));
}

TEST(UpgradePlanTest, RulesAndAliasesThatLevelsForbidComeBeforeThem) {
  for (const char* type : {"m.room.join_rules", "m.room.canonical_alias"}) {
    TestRoom room(Version("11"));
    room.Join(kBob);
    room.Set("m.room.join_rules", "", {{"join_rule", "invite"}});
    room.Set("m.room.canonical_alias", "", {{"alias", "#a:example.org"}});
    room.Set("m.room.power_levels", "",
             {{"users", {{kAlice, 100}, {kBob, 50}}},
              {"events", {{"m.room.tombstone", 50}, {type, 51}}}});
    EXPECT_FALSE(HasLevelsThird(UpgradeAndJudge(room, Version("11"), {.sender = kBob}))) << type;
  }
}

TEST(UpgradePlanTest, AdditionalCreatorsStandInTheFirstEventAndInNoMap) {
  TestRoom room(Version("11"));
  room.Populate();
  room.Set("m.room.power_levels", "",
           {{"users", {{kAlice, 100}, {kBob, 70}, {kHal, 60}, {kCarol, 90}}}});
  const Upgrade upgrade = UpgradeAndJudge(
      room, Version("12"), {.options = {.additional_creators = {kCarol, kBob, kAlice, kCarol}}});
  EXPECT_EQ(StateContent(upgrade.new_state, "m.room.create")["additional_creators"],
            Json({kBob, kCarol}));
  EXPECT_EQ(StateContent(upgrade.new_state, "m.room.power_levels"),
            Json({{"users", {{kHal, 60}}}, {"events", {{"m.room.tombstone", 150}}}}));
  EXPECT_EQ(upgrade.report.new_power_levels,
            StateContent(upgrade.new_state, "m.room.power_levels"));
  EXPECT_EQ(Membership(upgrade.new_state, kCarol), "invite");
}

TEST(UpgradePlanTest, AnEntryThatIsTooLargeInTheNewRoomIsReported) {
  TestRoom room(Version("12"));
  room.Set("m.room.topic", "", {{"topic", std::string(64'600, 't')}});
  room.Set("m.room.member", kBob, {{"membership", "invite"}});
  room.Set("m.room.member", kBob,
           {{"membership", "join"}, {"displayname", std::string(64'500, 'b')}}, kBob);
  const Upgrade upgrade = UpgradeAndJudge(room, Version("1"));
  EXPECT_EQ(FindState(upgrade.new_state, "m.room.topic"), nullptr);
  EXPECT_THAT(upgrade.report.copied.items(), IsEmpty());
  EXPECT_THAT(upgrade.report.joined.items(), ElementsAre(kAlice));
  EXPECT_THAT(upgrade.report.unmoved.items(),
              ElementsAre(Unmoved{Kind::kStateEvent, "m.room.topic", "", Reason::kTooLarge},
                          Unmoved{Kind::kMember, kBob, "", Reason::kTooLarge}));
}

TEST(UpgradePlanTest, NumbersThatTheNewVersionDoesNotTakeAreReported) {
  OldRoom room = TestRoom(Version("5")).Get();
  room.state[{"m.room.topic", ""}] = {.sender = kAlice,
                                      .content = {{"topic", "x"}, {"share", 0.5}}};
  EXPECT_THAT(PlanUpgrade(room, Version("4")).value().report.unmoved.items(), IsEmpty());
  const Upgrade upgrade = PlanUpgrade(room, Version("6")).value();
  EXPECT_EQ(FindState(upgrade.new_state, "m.room.topic"), nullptr);
  EXPECT_THAT(upgrade.report.unmoved.items(),
              ElementsAre(Unmoved{Kind::kStateEvent, "m.room.topic", "", Reason::kRoomVersion}));

  room.state[{"m.room.server_acl", ""}] = {.sender = kAlice, .content = {{"share", 0.5}}};
  const auto refused = PlanUpgrade(room, Version("6"));
  EXPECT_THAT(ViolatedFields(refused.status()), ElementsAre("room_id.share"));
}

TEST(UpgradePlanTest, AGuardThatIsTooLargeInTheNewRoomIsAnError) {
  TestRoom room(Version("12"));
  room.Set("m.room.server_acl", "", {{"deny", {std::string(64'600, 't')}}});
  const auto upgrade = PlanUpgrade(room.Get(), Version("1"));
  EXPECT_EQ(upgrade.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(ViolatedFields(upgrade.status()), ElementsAre("room_id"));
}

TEST(UpgradePlanTest, ALockThatIsTooLargeForTheOldRoomIsReported) {
  OldRoom room = TestRoom(Version("1")).Get();
  const Json levels = {{"users", {{kAlice, 100}}}, {"org.example.x", std::string(64'400, 'x')}};
  room.state[{"m.room.power_levels", ""}] = {.sender = kAlice, .content = levels};
  const Upgrade upgrade = PlanUpgrade(room, Version("12")).value();
  EXPECT_THAT(Names(upgrade.old_events), ElementsAre("m.room.tombstone"));
  EXPECT_THAT(upgrade.report.unmoved.items(),
              ElementsAre(AllOf(Field(&Unmoved::kind, Kind::kOldRoomPowerLevels),
                                Field(&Unmoved::reason, Reason::kTooLarge))));
}

TEST(UpgradePlanTest, ListsInTheReportAreBoundedAndCountsAreNot) {
  OldRoom room = TestRoom(Version("11")).Get();
  constexpr int kUsers = 1100;
  for (int i = 0; i < kUsers; ++i) {
    room.state[{"org.example.state", absl::StrCat(i)}] = {.content = {{"a", 1}}};
    for (const char* membership : {"join", "invite", "knock"}) {
      room.state[{"m.room.member", absl::StrCat("@", membership, i, ":example.org")}] = {
          .content = {{"membership", membership}}};
    }
  }
  const UpgradeReport report = PlanUpgrade(room, Version("6")).value().report;
  EXPECT_EQ(report.joined.count(), kUsers + 1);
  EXPECT_EQ(report.joined.items().size(), kMaxListed);
  EXPECT_EQ(report.invited.count(), kUsers);
  EXPECT_EQ(report.invited.items().size(), kMaxListed);
  EXPECT_EQ(report.left_behind.count(), kUsers);
  EXPECT_EQ(report.left_behind.items().size(), kMaxListed);
  EXPECT_EQ(report.unmoved.count(), kUsers);
  EXPECT_EQ(report.unmoved.items().size(), kMaxListed);
}

TEST(UpgradePlanTest, RepeatsExactlyHoweverMembersAreDividedAndDiffersByNonce) {
  TestRoom room(Version("1"));
  room.Populate();
  room.Set("m.room.join_rules", "", {{"join_rule", "invite"}});
  for (const char* to : {"1", "11", "12"}) {
    const auto ids = [&](const UpgradeSpec& spec) {
      const Upgrade upgrade = PlanUpgrade(room.Get(), Version(to), spec).value();
      std::vector<std::string> result = {upgrade.new_room_id};
      for (const auto* events : {&upgrade.new_events, &upgrade.old_events}) {
        for (const Event& event : *events) result.push_back(event.event_id);
      }
      return result;
    };
    const std::vector<std::string> once = ids({.chunk = 1});
    EXPECT_EQ(std::set<std::string>(once.begin(), once.end()).size(), once.size());
    for (const size_t chunk : {2, 3, 100}) EXPECT_EQ(ids({.chunk = chunk}), once);
    EXPECT_NE(ids({.nonce = "another, 16 bytes"})[0], once[0]);
  }
}

TEST(UpgradePlanTest, TakesTheStateOfAnEarlierUpgradeAlong) {
  TestRoom room(Version("5"));
  room.Populate();
  room.Set("m.room.join_rules", "", {{"join_rule", "invite"}});
  OldRoom old_room = room.Get();
  for (const RoomVersion& to : AllRoomVersions()) {
    Upgrade upgrade = PlanUpgrade(old_room, to, {.nonce = absl::StrCat("nonce ", to.id)}).value();
    AuthChecker checker(to);
    for (const Event& event : upgrade.new_events) ASSERT_EQ(checker.Check(event), "");
    EXPECT_EQ(upgrade.report.joined.count(), 2);
    EXPECT_EQ(upgrade.report.banned_count, 2);
    EXPECT_THAT(Names(upgrade.new_events), Not(Contains("m.room.tombstone")));
    const Event& latest = upgrade.new_events.back();
    old_room = {.version = &to,
                .tip = {.room_id = upgrade.new_room_id,
                        .depth = latest.depth,
                        .latest_events = {ReferenceTo(to, latest)}},
                .state = std::move(upgrade.new_state)};
  }
}

// The ways in which rooms stand in the way of their own upgrade.
struct Variant {
  std::string name;
  std::string sender = kAlice;
  std::string join_rule = "invite";
  bool has_levels = true;
  Json levels = Json::object();  // merged into the defaults
  Json creation = Json::object();
  bool remote_members = true;
};

std::vector<Variant> Variants(const RoomVersion& version) {
  std::vector<Variant> variants = {
      {.name = "no levels", .has_levels = false},
      {.name = "not federated", .creation = {{"m.federate", false}}, .remote_members = false},
      {.name = "anybody may upgrade",
       .sender = kBob,
       .levels = {{"events", {{"m.room.tombstone", 0}}}}},
      {.name = "banned user above sender",
       .sender = kBob,
       .levels = {{"users", {{kBob, 50}, {kFay, 99}}}, {"events", {{"m.room.tombstone", 50}}}}},
      {.name = "everybody is an admin",
       .sender = kBob,
       .levels = {{"users_default", 100}, {"events", {{"m.room.tombstone", 100}}}}},
      {.name = "high demands",
       .sender = kBob,
       .levels = {{"users", {{kBob, 60}}},
                  {"events", {{"m.room.tombstone", 60}, {"m.room.name", 100}}},
                  {"invite", 100},
                  {"ban", 100},
                  {"state_default", 100},
                  {"notifications", {{"room", 100}}}}},
  };
  for (const char* rule :
       {"public", "private", "knock", "restricted", "knock_restricted", "org.example.unheard_of"}) {
    variants.push_back({.name = absl::StrCat("join rule ", rule), .join_rule = rule});
  }
  if (!version.integer_power_levels) {
    variants.push_back({.name = "string levels",
                        .sender = kBob,
                        .levels = {{"users", {{kBob, " 50"}, {kFay, "70"}}},
                                   {"events", {{"m.room.tombstone", "050"}}},
                                   {"ban", "60"}}});
  }
  if (version.creators_have_unbounded_power) {
    variants.push_back(
        {.name = "additional creator",
         .sender = kBob,
         .levels = {{"users", {{kFay, kMax}, {kCarol, kMax}}}, {"users_default", kMax}},
         .creation = {{"additional_creators", {kBob, "@yves:elsewhere"}}}});
  }
  return variants;
}

TestRoom RoomOf(const RoomVersion& version, const Variant& variant) {
  TestRoom room(version, variant.creation);
  room.Populate(variant.remote_members);
  room.Set("m.room.join_rules", "", {{"join_rule", variant.join_rule}});
  room.Set("m.room.name", "", {{"name", "Lobby"}});
  room.Set("m.room.encryption", "", {{"algorithm", "m.megolm.v1.aes-sha2"}});
  room.Set("m.room.canonical_alias", "", {{"alias", "#a:example.org"}});
  room.Set("org.example.state", "key", {{"a", 1}});
  if (variant.has_levels) {
    room.Set("m.room.power_levels", "",
             MergePowerLevels(DefaultPowerLevels(version, kAlice), variant.levels));
  }
  return room;
}

// Expects that the new room is what the old one was, and returns how many events it
// took.
size_t CheckUpgrade(const TestRoom& room, const Variant& variant, const RoomVersion& to) {
  UpgradeSpec spec{.sender = variant.sender};
  if (to.creators_have_unbounded_power) spec.options.additional_creators = {kCarol};
  const Upgrade upgrade = UpgradeAndJudge(room, to, spec);
  const RoomState& state = upgrade.new_state;
  EXPECT_EQ(StateContent(state, "m.room.power_levels"),
            UpgradedPowerLevels(room.version(), room.state(), to,
                                NewCreators(spec.sender, spec.options)));
  EXPECT_EQ(StateContent(state, "m.room.join_rules"),
            JoinRulesFor(to, StateContent(room.state(), "m.room.join_rules")));
  for (const char* type : {"m.room.name", "m.room.encryption"}) {
    EXPECT_EQ(StateContent(state, type), StateContent(room.state(), type));
  }
  EXPECT_EQ(Membership(state, kBob), "join");
  EXPECT_EQ(Membership(state, kDave), "invite");
  EXPECT_EQ(Membership(state, kFay), "ban");
  EXPECT_EQ(Membership(state, kHal), "leave");
  EXPECT_EQ(Membership(state, kCarol), variant.remote_members ? "invite" : "leave");
  const RoomSummary summary = Summarise(state);
  EXPECT_EQ(upgrade.summary.name, summary.name);
  EXPECT_EQ(upgrade.summary.canonical_alias, summary.canonical_alias);
  EXPECT_EQ(upgrade.summary.encryption_algorithm, summary.encryption_algorithm);
  EXPECT_EQ(upgrade.summary.predecessor_room_id, room.room_id());
  EXPECT_EQ(upgrade.summary.joined_member_count, summary.joined_member_count);
  EXPECT_EQ(upgrade.summary.invited_member_count, summary.invited_member_count);
  return upgrade.new_events.size() + upgrade.old_events.size();
}

TEST(UpgradePlanTest, EveryEventIsAllowedByTheAuthRules) {
  size_t events = 0;
  for (const RoomVersion& from : AllRoomVersions()) {
    for (const Variant& variant : Variants(from)) {
      const TestRoom room = RoomOf(from, variant);
      for (const RoomVersion& to : AllRoomVersions()) {
        SCOPED_TRACE(absl::StrCat(from.id, " to ", to.id, ", ", variant.name));
        events += CheckUpgrade(room, variant, to);
        ASSERT_FALSE(HasFailure());
      }
    }
  }
  EXPECT_GT(events, 12u * 12 * 12 * 14);
}

// Random rooms with all kinds of members and state, upgraded in random ways.
class Dice {
 public:
  explicit Dice(uint32_t seed) : random_(seed) {}

  size_t Below(size_t bound) { return random_() % bound; }

  template <typename Items>
  auto OneOf(const Items& items) {
    return *(std::begin(items) + Below(std::size(items)));
  }

  TestRoom Room(const RoomVersion& version) {
    const char* const kinds[] = {"", "m.space"};
    Json creation = Json::object();
    if (Below(2) == 0) creation["type"] = OneOf(kinds);
    TestRoom room(version, creation);
    const char* const rules[] = {"public", "invite", "knock", "restricted", "knock_restricted"};
    const size_t users = Below(8);
    for (size_t i = 0; i < users; ++i) AddMember(room, User(i));
    const std::string rule = OneOf(rules);
    room.Set("m.room.join_rules", "", {{"join_rule", rule}});
    const bool takes_knocks = rule == "knock"
                                  ? version.knocking
                                  : rule == "knock_restricted" && version.knock_restricted_joins;
    const size_t knocks = takes_knocks ? Below(3) : 0;
    for (size_t i = 0; i < knocks; ++i) room.Knock(User(users + i));
    const char* const types[] = {"m.room.name",         "m.room.topic",    "m.room.encryption",
                                 "org.example.a",       "m.space.child",   "m.space.parent",
                                 "m.room.server_acl",   "m.room.aliases",  "m.room.avatar",
                                 "m.room.power_levels", "m.room.tombstone"};
    const std::string keys[] = {"", "x", kServer, kAlice};
    const size_t entries = Below(12);
    for (size_t i = 0; i < entries; ++i) {
      const std::string type = OneOf(types);
      const std::string key = type == "m.room.aliases" ? kServer : OneOf(keys);
      if (key.empty() && (type == "m.room.power_levels" || type == "m.room.tombstone")) continue;
      room.Set(type, key, Below(4) == 0 ? Json::object() : Json({{"a", i}}));
    }
    return room;
  }

  UpgradeSpec Spec() {
    const CopyPolicy copies[] = {CopyPolicy::kRecommended, CopyPolicy::kEverything,
                                 CopyPolicy::kListed};
    const MemberPolicy members[] = {MemberPolicy::kJoinLocal, MemberPolicy::kInviteAll,
                                    MemberPolicy::kNone};
    UpgradeSpec spec{.chunk = Below(4) + 1};
    spec.options.copy_policy = OneOf(copies);
    if (spec.options.copy_policy == CopyPolicy::kListed) {
      spec.options.copy_types = {"org.example.a"};
    }
    spec.options.member_policy = OneOf(members);
    return spec;
  }

 private:
  std::string User(size_t number) {
    return absl::StrCat("@u", number, Below(2) == 0 ? ":example.org" : ":elsewhere");
  }

  void AddMember(TestRoom& room, const std::string& user) {
    switch (Below(4)) {
      case 0:
        return room.Join(user);
      case 1:
        return room.Set("m.room.member", user, {{"membership", "invite"}});
      case 2:
        return room.Set("m.room.member", user, {{"membership", "ban"}});
      default:
        room.Join(user);
        return room.Set("m.room.member", user, {{"membership", "leave"}}, user);
    }
  }

  std::mt19937 random_;
};

template <typename Item>
bool IsIn(const BoundedList<Item>& list, const Item& item) {
  return std::find(list.items().begin(), list.items().end(), item) != list.items().end();
}

// Expects that every entry of the old room's state is in the new room, or listed.
void ExpectStateIsAccountedFor(const TestRoom& room, const Upgrade& upgrade) {
  for (const auto& [key, entry] : room.state()) {
    const bool has_own_rule = key.state_key.empty() && !MayBeCopied(key.type);
    if (key.type == "m.room.member" || has_own_rule) continue;
    const bool unmoved =
        std::any_of(upgrade.report.unmoved.items().begin(), upgrade.report.unmoved.items().end(),
                    [&](const Unmoved& item) {
                      return item.kind == Kind::kStateEvent && item.name == key.type &&
                             item.state_key == key.state_key;
                    });
    const bool left = IsIn(upgrade.report.left_behind, key);
    const bool copied = IsIn(upgrade.report.copied, key);
    const StateEntry* const copy = FindState(upgrade.new_state, key.type, key.state_key);
    ASSERT_EQ(copied, copy != nullptr) << key.type << " " << key.state_key;
    if (copied) {
      ASSERT_EQ(copy->content, entry.content);
    }
    const bool nothing = entry.content.empty() && !copied;
    ASSERT_EQ(int{copied} + int{left} + int{unmoved} + int{nothing}, 1)
        << key.type << " " << key.state_key;
  }
}

// Expects that every member of the old room is in the new one as the policy has it,
// or listed.
void ExpectMembersAreAccountedFor(const TestRoom& room, const Upgrade& upgrade,
                                  MemberPolicy policy) {
  int64_t left_behind = 0;
  for (const auto& [key, entry] : room.state()) {
    if (key.type != "m.room.member" || key.state_key == kAlice) continue;
    const std::string before = Membership(room.state(), key.state_key);
    const std::string after = Membership(upgrade.new_state, key.state_key);
    const bool unmoved =
        std::any_of(upgrade.report.unmoved.items().begin(), upgrade.report.unmoved.items().end(),
                    [&](const Unmoved& item) { return item.name == key.state_key; });
    const bool left = policy == MemberPolicy::kNone && (before == "join" || before == "invite");
    if (left) ++left_behind;
    if (left || unmoved || before == "leave") {
      ASSERT_EQ(after, "leave");
      ASSERT_TRUE(!unmoved || before == "knock");
    } else {
      const bool becomes_invite =
          before == "join" &&
          (policy == MemberPolicy::kInviteAll || key.state_key.find(kServer) == std::string::npos);
      ASSERT_EQ(after, becomes_invite ? "invite" : before);
    }
  }
  ASSERT_EQ(upgrade.report.left_behind_member_count, left_behind);
}

TEST(UpgradePlanPropertyTest, NothingIsLostInSilenceNorAdded) {
  Dice dice(42);
  for (const RoomVersion& from : AllRoomVersions()) {
    for (const RoomVersion& to : AllRoomVersions()) {
      for (int round = 0; round < 4; ++round) {
        SCOPED_TRACE(absl::StrCat(from.id, " to ", to.id, ", round ", round));
        const TestRoom room = dice.Room(from);
        const UpgradeSpec spec = dice.Spec();
        const Upgrade upgrade = UpgradeAndJudge(room, to, spec);
        ExpectStateIsAccountedFor(room, upgrade);
        ExpectMembersAreAccountedFor(room, upgrade, spec.options.member_policy);
        for (const auto& [key, entry] : upgrade.new_state) {
          ASSERT_TRUE(key.type == "m.room.power_levels" ||
                      FindState(room.state(), key.type, key.state_key) != nullptr)
              << key.type << " " << key.state_key << " was added";
        }
        ASSERT_FALSE(HasFailure());
      }
    }
  }
}

}  // namespace
}  // namespace innkeeper::rooms
