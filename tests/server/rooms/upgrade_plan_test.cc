#include "server/rooms/upgrade_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "server/errors/errors.h"
#include "server/rooms/power_levels.h"
#include "tests/server/rooms/auth_checker.h"
#include "tests/server/rooms/violations.h"

namespace innkeeper::rooms {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Not;

constexpr char kServer[] = "example.org";
constexpr char kAlice[] = "@alice:example.org";  // the creator
constexpr char kBob[] = "@bob:example.org";      // joined
constexpr char kCarol[] = "@carol:elsewhere";    // joined
constexpr char kDave[] = "@dave:example.org";    // invited
constexpr char kErin[] = "@erin:elsewhere";      // invited
constexpr char kFay[] = "@fay:example.org";      // banned
constexpr char kGus[] = "@gus:elsewhere";        // banned
constexpr char kHal[] = "@hal:example.org";      // has left
constexpr int64_t kMax = kMaxCanonicalInteger;

BuildContext Context(const std::string& nonce) {
  return {.server_name = kServer, .origin_server_ts = 1700000000000, .nonce = nonce};
}

// A room that is built event by event, each judged by the auth rules.
class TestRoom {
 public:
  explicit TestRoom(const RoomVersion& version, Json creation_content = Json::object())
      : version_(&version), chain_(version, Context("old room, 16 bytes")), checker_(version) {
    Set("m.room.create", "",
        CreateContent(version, kAlice, std::move(creation_content), Context("old room, 16 bytes")));
    Set("m.room.member", kAlice, {{"membership", "join"}, {"displayname", "Alice"}});
  }

  void Set(const std::string& type, const std::string& state_key, Json content,
           const std::string& sender = kAlice) {
    ASSERT_TRUE(chain_
                    .Append({.type = type,
                             .state_key = state_key,
                             .sender = sender,
                             .content = std::move(content)})
                    .ok());
    ASSERT_EQ(checker_.Check(chain_.events().back()), "");
  }

  void Join(const std::string& user) {
    Set("m.room.member", user, {{"membership", "invite"}});
    Set("m.room.member", user,
        {{"membership", "join"},
         {"displayname", absl::StrCat("I am ", user)},
         {"avatar_url", "mxc://a/b"},
         {"org.example.secret", 1}},
        user);
  }

  // The members in the table above; those of other servers if `remote`.
  void Populate(bool remote = true) {
    Join(kBob);
    Set("m.room.member", kDave,
        {{"membership", "invite"}, {"is_direct", true}, {"displayname", "Dave"}});
    Set("m.room.member", kFay, {{"membership", "ban"}, {"reason", "spam"}});
    Join(kHal);
    Set("m.room.member", kHal, {{"membership", "leave"}}, kHal);
    if (!remote) return;
    Join(kCarol);
    Set("m.room.member", kErin, {{"membership", "invite"}});
    Set("m.room.member", kGus, {{"membership", "ban"}});
  }

  OldRoom Get() const {
    const Event& latest = chain_.events().back();
    return {.version = version_,
            .tip = {.room_id = chain_.room_id(),
                    .depth = latest.depth,
                    .latest_event = ReferenceTo(*version_, latest)},
            .state = chain_.state()};
  }

  const AuthChecker& checker() const { return checker_; }
  const RoomState& state() const { return chain_.state(); }
  const std::string& room_id() const { return chain_.room_id(); }

 private:
  const RoomVersion* version_;
  EventChain chain_;
  AuthChecker checker_;
};

const RoomVersion& Version(absl::string_view id) { return *FindRoomVersion(id); }

// Plans the upgrade and has both rooms judged.
UpgradePlan Plan(const TestRoom& room, const std::string& requester, const RoomVersion& to) {
  EXPECT_TRUE(CheckMayUpgrade(room.Get(), requester).ok()) << requester;
  UpgradePlan plan = PlanUpgrade(room.Get(), requester, to, Context("new room, 16 bytes")).value();
  AuthChecker new_room(to);
  for (const Event& event : plan.new_room.events) EXPECT_EQ(new_room.Check(event), "");
  AuthChecker old_room = room.checker();
  for (const Event& event : plan.old_room_events) EXPECT_EQ(old_room.Check(event), "");
  return plan;
}

// "type" or "type|state_key|membership" of each event.
std::vector<std::string> Names(const std::vector<Event>& events) {
  std::vector<std::string> names;
  names.reserve(events.size());
  for (const Event& event : events) {
    names.push_back(
        event.type == "m.room.member"
            ? absl::StrCat(*event.state_key, " ", StringOrEmpty(event.content, "membership"))
            : event.type);
  }
  return names;
}

TEST(CheckMayUpgradeTest, NeedsTheTombstoneLevelAndMembership) {
  TestRoom room(Version("11"));
  room.Set("m.room.power_levels", "",
           {{"users", {{kAlice, 100}, {kBob, 60}, {kDave, 100}}},
            {"events", {{"m.room.tombstone", 70}}}});
  room.Populate();
  EXPECT_TRUE(CheckMayUpgrade(room.Get(), kAlice).ok());

  const absl::Status weak = CheckMayUpgrade(room.Get(), kBob);
  EXPECT_EQ(weak.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(ReasonOf(weak), v1::ERROR_REASON_INSUFFICIENT_POWER);
  google::rpc::ErrorInfo info;
  info.ParseFromString(
      std::string(weak.GetPayload("type.googleapis.com/google.rpc.ErrorInfo").value()));
  EXPECT_EQ(info.metadata().at("required"), "70");
  EXPECT_EQ(info.metadata().at("actual"), "60");

  const absl::Status outside = CheckMayUpgrade(room.Get(), kDave);
  EXPECT_EQ(ReasonOf(outside), v1::ERROR_REASON_INSUFFICIENT_POWER);
  EXPECT_TRUE(absl::StrContains(outside.message(), "joined"));
}

TEST(CheckMayUpgradeTest, CreatorsOfVersion12Always) {
  TestRoom room(Version("12"), {{"additional_creators", {kBob}}});
  room.Set("m.room.power_levels", "",
           {{"users", {{kCarol, 149}}}, {"events", {{"m.room.tombstone", 150}}}});
  room.Populate();
  EXPECT_TRUE(CheckMayUpgrade(room.Get(), kAlice).ok());
  EXPECT_TRUE(CheckMayUpgrade(room.Get(), kBob).ok());
  EXPECT_FALSE(CheckMayUpgrade(room.Get(), kCarol).ok());
}

TEST(PlanUpgradeTest, RoomsReferToEachOther) {
  for (const RoomVersion& from : AllRoomVersions()) {
    for (const RoomVersion& to : AllRoomVersions()) {
      SCOPED_TRACE(absl::StrCat(from.id, " to ", to.id));
      TestRoom room(from);
      const UpgradePlan plan = Plan(room, kAlice, to);
      const Event& tombstone = plan.old_room_events.back();
      EXPECT_EQ(tombstone.type, "m.room.tombstone");
      EXPECT_EQ(tombstone.content["replacement_room"], plan.new_room.room_id);
      EXPECT_FALSE(StringOrEmpty(tombstone.content, "body").empty());
      EXPECT_EQ(StateContent(plan.old_room_state, "m.room.tombstone"), tombstone.content);
      Json predecessor = {{"room_id", room.room_id()}};
      if (to.predecessor_has_event_id) predecessor["event_id"] = tombstone.event_id;
      const Json& create = StateContent(plan.new_room.state, "m.room.create");
      EXPECT_EQ(create["predecessor"], predecessor);
      EXPECT_EQ(create["room_version"], std::string(to.id));
      EXPECT_NE(plan.new_room.room_id, room.room_id());
    }
  }
}

TEST(PlanUpgradeTest, CopiesWhatIsListedAndNothingElse) {
  TestRoom room(Version("10"), {{"type", "m.space"}, {"org.example.x", 1}});
  room.Set("m.room.power_levels", "", DefaultPowerLevels(Version("10"), kAlice));
  const std::vector<std::string> copied = {"m.room.server_acl",
                                           "m.room.encryption",
                                           "m.room.name",
                                           "m.room.avatar",
                                           "m.room.topic",
                                           "m.room.guest_access",
                                           "m.room.history_visibility"};
  for (const std::string& type : copied) room.Set(type, "", {{"of", type}});
  room.Set("m.room.join_rules", "", {{"join_rule", "public"}});
  for (const char* type : {"m.room.pinned_events", "org.example.widget", "m.space.child"}) {
    room.Set(type, "", {{"not", "copied"}});
  }
  room.Set("m.room.name", "keyed", {{"not", "copied"}});
  const UpgradePlan plan = Plan(room, kAlice, Version("11"));
  std::vector<std::string> expected = {"m.room.create", absl::StrCat(kAlice, " join"),
                                       "m.room.power_levels"};
  expected.insert(expected.end(), copied.begin(), copied.end());
  expected.push_back("m.room.join_rules");
  EXPECT_EQ(Names(plan.new_room.events), expected);
  for (const std::string& type : copied) {
    EXPECT_EQ(StateContent(plan.new_room.state, type), Json({{"of", type}}));
  }
  Json create = StateContent(plan.new_room.state, "m.room.create");
  create.erase("predecessor");
  EXPECT_EQ(create, Json({{"type", "m.space"}, {"room_version", "11"}}));
  EXPECT_THAT(Names(plan.old_room_events), ElementsAre("m.room.tombstone"));
}

TEST(PlanUpgradeTest, InjectsNothingThatTheOldRoomLacked) {
  for (const RoomVersion& to : AllRoomVersions()) {
    const UpgradePlan plan = Plan(TestRoom(Version("6")), kAlice, to);
    EXPECT_THAT(Names(plan.new_room.events),
                ElementsAre("m.room.create", absl::StrCat(kAlice, " join"), "m.room.power_levels"));
  }
}

TEST(PlanUpgradeTest, MovesMembersOfAnInviteOnlyRoom) {
  TestRoom room(Version("9"));
  room.Populate();
  room.Set("m.room.join_rules", "", {{"join_rule", "knock"}});
  const std::string knocker = "@kim:example.org";
  room.Set("m.room.member", knocker, {{"membership", "knock"}}, knocker);
  const UpgradePlan plan = Plan(room, kAlice, Version("11"));
  EXPECT_THAT(
      Names(plan.new_room.events),
      ElementsAre("m.room.create", "@alice:example.org join", "m.room.power_levels",
                  "@fay:example.org ban", "@gus:elsewhere ban", "@bob:example.org invite",
                  "@bob:example.org join", "@carol:elsewhere invite", "@dave:example.org invite",
                  "@erin:elsewhere invite", "m.room.join_rules"));
  EXPECT_EQ(plan.joined_member_count, 2);
  EXPECT_EQ(plan.invited_member_count, 3);
  EXPECT_EQ(plan.banned_member_count, 2);
  const RoomSummary summary = Summarise(plan.new_room.state);
  EXPECT_EQ(summary.joined_member_count, 2);
  EXPECT_EQ(summary.invited_member_count, 3);
}

TEST(PlanUpgradeTest, MembersOfAPublicRoomJoinWithoutInvite) {
  TestRoom room(Version("9"));
  room.Populate();
  room.Set("m.room.join_rules", "", {{"join_rule", "public"}});
  EXPECT_THAT(Names(Plan(room, kAlice, Version("12")).new_room.events),
              ElementsAre("m.room.create", "@alice:example.org join", "m.room.power_levels",
                          "m.room.join_rules", "@fay:example.org ban", "@gus:elsewhere ban",
                          "@bob:example.org join", "@carol:elsewhere invite",
                          "@dave:example.org invite", "@erin:elsewhere invite"));
}

TEST(PlanUpgradeTest, MembersKeepHowTheyShowThemselves) {
  TestRoom room(Version("11"));
  room.Populate();
  const RoomState state = Plan(room, kAlice, Version("11")).new_room.state;
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

TEST(PlanUpgradeTest, RemoteUsersStayOutOfARoomThatIsNotFederated) {
  TestRoom room(Version("11"), {{"m.federate", false}});
  room.Populate(/*remote=*/false);
  OldRoom old_room = room.Get();
  // Another implementation might have let these in.
  for (const auto& [user, membership] :
       {std::pair(kErin, "invite"), std::pair(kGus, "ban"), std::pair(kCarol, "join")}) {
    old_room.state[{"m.room.member", user}] = {.content = {{"membership", membership}}};
  }
  const UpgradePlan plan =
      PlanUpgrade(old_room, kAlice, Version("12"), Context("new room, 16 bytes")).value();
  AuthChecker checker(Version("12"));
  for (const Event& event : plan.new_room.events) EXPECT_EQ(checker.Check(event), "");
  EXPECT_EQ(StateContent(plan.new_room.state, "m.room.create")["m.federate"], false);
  EXPECT_EQ(plan.joined_member_count, 2);
  EXPECT_EQ(plan.invited_member_count, 1);
  EXPECT_EQ(plan.banned_member_count, 1);
}

TEST(PlanUpgradeTest, LocalAliasesMoveAndRemoteOnesStay) {
  TestRoom room(Version("11"));
  room.Set("m.room.canonical_alias", "",
           {{"alias", "#a:example.org"},
            {"alt_aliases", {"#b:example.org", "#c:elsewhere", "#d:example.org"}},
            {"org.example.x", 1}});
  const UpgradePlan plan = Plan(room, kAlice, Version("12"));
  EXPECT_EQ(
      StateContent(plan.new_room.state, "m.room.canonical_alias"),
      Json({{"alias", "#a:example.org"}, {"alt_aliases", {"#b:example.org", "#d:example.org"}}}));
  EXPECT_EQ(StateContent(plan.old_room_state, "m.room.canonical_alias"),
            Json({{"alt_aliases", {"#c:elsewhere"}}, {"org.example.x", 1}}));
  EXPECT_THAT(Names(plan.old_room_events),
              ElementsAre("m.room.canonical_alias", "m.room.tombstone"));
}

TEST(PlanUpgradeTest, RemoteAliasesAloneAreLeftInPeace) {
  TestRoom room(Version("11"));
  const Json content = {{"alias", "#a:elsewhere"}, {"alt_aliases", {"#c:elsewhere"}}};
  room.Set("m.room.canonical_alias", "", content);
  const UpgradePlan plan = Plan(room, kAlice, Version("11"));
  EXPECT_EQ(FindState(plan.new_room.state, "m.room.canonical_alias"), nullptr);
  EXPECT_EQ(StateContent(plan.old_room_state, "m.room.canonical_alias"), content);
  EXPECT_THAT(Names(plan.old_room_events), ElementsAre("m.room.tombstone"));
}

TEST(PlanUpgradeTest, TheOldAliasStaysWhereTheRequesterMayNotChangeIt) {
  TestRoom room(Version("11"));
  room.Set("m.room.canonical_alias", "", {{"alias", "#a:example.org"}});
  room.Join(kBob);
  room.Set("m.room.power_levels", "",
           {{"users", {{kAlice, 100}, {kBob, 50}}},
            {"events", {{"m.room.canonical_alias", 51}, {"m.room.tombstone", 50}}}});
  const UpgradePlan plan = Plan(room, kBob, Version("11"));
  EXPECT_THAT(Names(plan.old_room_events), ElementsAre("m.room.tombstone"));
  EXPECT_EQ(StateContent(plan.new_room.state, "m.room.canonical_alias")["alias"], "#a:example.org");
}

TEST(PlanUpgradeTest, ARequesterWithLittlePowerGetsItForTheTimeBeing) {
  TestRoom room(Version("11"));
  room.Join(kBob);
  room.Set("m.room.name", "", {{"name", "x"}});
  const Json levels = {{"users", {{kAlice, 100}, {kBob, 50}}},
                       {"events", {{"m.room.name", 70}, {"m.room.tombstone", 50}}}};
  room.Set("m.room.power_levels", "", levels);
  const UpgradePlan plan = Plan(room, kBob, Version("11"));
  EXPECT_EQ(plan.new_room.events[2].content, Json({{"users", {{kBob, kMax}}}}));
  EXPECT_EQ(plan.new_room.events.back().type, "m.room.power_levels");
  EXPECT_EQ(StateContent(plan.new_room.state, "m.room.power_levels"), levels);
}

TEST(PlanUpgradeTest, WorkingLevelsComeOnlyWhereTheyAreNeeded) {
  const auto count_levels = [](const TestRoom& room, const std::string& requester,
                               absl::string_view to) {
    const std::vector<std::string> names =
        Names(Plan(room, requester, Version(to)).new_room.events);
    return std::count(names.begin(), names.end(), "m.room.power_levels");
  };
  const auto room_with = [](Json levels, bool populate) {
    TestRoom room(Version("11"));
    if (populate) room.Populate();
    room.Join("@zed:example.org");
    levels["events"] = {{"m.room.tombstone", 50}, {"m.room.power_levels", 50}};
    levels["users"] = {{kAlice, 100}, {"@zed:example.org", 50}};
    room.Set("m.room.power_levels", "", levels);
    return room;
  };
  const std::string zed = "@zed:example.org";
  EXPECT_EQ(count_levels(room_with({}, false), zed, "11"), 1);
  EXPECT_EQ(count_levels(room_with({}, true), zed, "11"), 1);
  EXPECT_EQ(count_levels(room_with({{"ban", 51}}, false), zed, "11"), 1);
  EXPECT_EQ(count_levels(room_with({{"ban", 51}}, true), zed, "11"), 2);
  EXPECT_EQ(count_levels(room_with({{"users_default", 50}}, true), zed, "11"), 2);
  EXPECT_EQ(count_levels(room_with({{"ban", 51}}, true), zed, "12"), 1);
  EXPECT_EQ(count_levels(room_with({{"invite", 51}}, true), zed, "11"), 2);
  EXPECT_EQ(count_levels(room_with({{"state_default", 51}}, true), zed, "11"), 1);
}

TEST(PlanUpgradeTest, ABanThatNamesAnAuthorisingUserLosesIt) {
  TestRoom room(Version("7"));
  room.Set("m.room.member", kFay,
           {{"membership", "ban"}, {"join_authorised_via_users_server", kCarol}});
  const UpgradePlan plan = Plan(room, kAlice, Version("11"));
  EXPECT_EQ(StateContent(plan.new_room.state, "m.room.member", kFay),
            Json({{"membership", "ban"}}));
}

TEST(PlanUpgradeTest, WhatDoesNotFitIntoTheNewRoomIsAnError) {
  TestRoom room(Version("12"));
  room.Set("m.room.topic", "", {{"topic", std::string(64'600, 't')}});
  const auto plan = PlanUpgrade(room.Get(), kAlice, Version("1"), Context("new room, 16 bytes"));
  EXPECT_EQ(plan.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(ViolatedFields(plan.status()), ElementsAre("room_id"));
}

TEST(PlanUpgradeTest, RepeatsExactlyAndDiffersByNonce) {
  TestRoom room(Version("1"));
  room.Populate();
  for (const char* to : {"1", "11", "12"}) {
    const auto plan = [&](const std::string& nonce) {
      return PlanUpgrade(room.Get(), kAlice, Version(to), Context(nonce)).value();
    };
    const UpgradePlan one = plan("nonce 1, 16 bytes");
    EXPECT_EQ(one.new_room.room_id, plan("nonce 1, 16 bytes").new_room.room_id);
    EXPECT_NE(one.new_room.room_id, plan("nonce 2, 16 bytes").new_room.room_id);
    for (const Event& event : one.old_room_events) {
      for (const Event& other : one.new_room.events) EXPECT_NE(event.event_id, other.event_id);
    }
  }
}

// The ways in which rooms stand in the way of their own upgrade.
struct Variant {
  std::string name;
  std::string requester = kAlice;
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
       .requester = kBob,
       .levels = {{"events", {{"m.room.tombstone", 0}}}}},
      {.name = "banned user above requester",
       .requester = kBob,
       .levels = {{"users", {{kBob, 50}, {kFay, 99}}}, {"events", {{"m.room.tombstone", 50}}}}},
      {.name = "everybody is an admin",
       .requester = kBob,
       .levels = {{"users_default", 100}, {"events", {{"m.room.tombstone", 100}}}}},
      {.name = "high demands",
       .requester = kBob,
       .levels = {{"users", {{kBob, 60}}},
                  {"events", {{"m.room.tombstone", 60}, {"m.room.name", 100}}},
                  {"invite", 100},
                  {"ban", 100},
                  {"state_default", 100},
                  {"notifications", {{"room", 100}}}}},
  };
  for (const char* rule : {"public", "invite", "private", "knock", "restricted", "knock_restricted",
                           "org.example.unheard_of"}) {
    variants.push_back({.name = absl::StrCat("join rule ", rule), .join_rule = rule});
  }
  if (!version.integer_power_levels) {
    variants.push_back({.name = "string levels",
                        .requester = kBob,
                        .levels = {{"users", {{kBob, " 50"}, {kFay, "70"}}},
                                   {"events", {{"m.room.tombstone", "050"}}},
                                   {"ban", "60"}}});
  }
  if (version.creators_have_unbounded_power) {
    variants.push_back(
        {.name = "additional creator",
         .requester = kBob,
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
  if (variant.has_levels) {
    room.Set("m.room.power_levels", "",
             MergePowerLevels(DefaultPowerLevels(version, kAlice), variant.levels));
  }
  return room;
}

TEST(PlanUpgradeTest, EveryEventIsAllowedByTheAuthRules) {
  size_t events = 0;
  for (const RoomVersion& from : AllRoomVersions()) {
    for (const Variant& variant : Variants(from)) {
      const TestRoom room = RoomOf(from, variant);
      for (const RoomVersion& to : AllRoomVersions()) {
        SCOPED_TRACE(absl::StrCat(from.id, " to ", to.id, ", ", variant.name));
        const UpgradePlan plan = Plan(room, variant.requester, to);
        ASSERT_FALSE(HasFailure());
        events += plan.new_room.events.size() + plan.old_room_events.size();

        const RoomState& state = plan.new_room.state;
        ASSERT_EQ(StateContent(state, "m.room.power_levels"),
                  UpgradedPowerLevels(from, room.state(), to, variant.requester));
        for (const char* type : {"m.room.join_rules", "m.room.name", "m.room.encryption"}) {
          ASSERT_EQ(StateContent(state, type), StateContent(room.state(), type));
        }
        ASSERT_EQ(Membership(state, kBob), "join");
        ASSERT_EQ(Membership(state, kDave), "invite");
        ASSERT_EQ(Membership(state, kFay), "ban");
        ASSERT_EQ(Membership(state, kHal), "leave");
        ASSERT_EQ(Membership(state, kCarol), variant.remote_members ? "invite" : "leave");
      }
    }
  }
  EXPECT_GT(events, 12u * 12 * 13 * 15);
}

TEST(PlanUpgradeTest, TakesTheStateOfAnEarlierUpgradeAlong) {
  TestRoom room(Version("5"));
  room.Populate();
  OldRoom old_room = room.Get();
  for (const RoomVersion& to : AllRoomVersions()) {
    UpgradePlan plan =
        PlanUpgrade(std::move(old_room), kAlice, to, Context(absl::StrCat("nonce ", to.id)))
            .value();
    EXPECT_EQ(plan.joined_member_count, 2);
    EXPECT_EQ(plan.banned_member_count, 2);
    EXPECT_THAT(Names(plan.new_room.events), Not(Contains("m.room.tombstone")));
    const Event& latest = plan.new_room.events.back();
    old_room = {.version = &to,
                .tip = {.room_id = plan.new_room.room_id,
                        .depth = latest.depth,
                        .latest_event = ReferenceTo(to, latest)},
                .state = std::move(plan.new_room.state)};
  }
}

}  // namespace
}  // namespace innkeeper::rooms
