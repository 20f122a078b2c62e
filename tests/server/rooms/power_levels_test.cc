#include "server/rooms/power_levels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/server/rooms/version.h"
#include "tests/server/rooms/violations.h"
#include "tests/support/people.h"

namespace innkeeper::rooms {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kCarol[] = "@carol:example.org";
constexpr int64_t kMax = kMaxCanonicalInteger;

// Levels around those that mean something.
constexpr int64_t kLevels[] = {0,   1,   49,   50,       51,   99, 100,  101,
                               149, 150, 9001, kMax - 1, kMax, -1, -kMax};

// A room that alice created, with `levels` as m.room.power_levels unless null.
RoomState Room(const RoomVersion& version, Json levels,
               const std::vector<std::string>& additional_creators = {}) {
  RoomState state;
  Json create = Json::object();
  if (version.creator_in_create_content) create["creator"] = kAlice;
  if (!additional_creators.empty()) create["additional_creators"] = additional_creators;
  state[{"m.room.create", ""}] = {.sender = kAlice, .content = std::move(create)};
  if (!levels.is_null()) state[{"m.room.power_levels", ""}] = {.content = std::move(levels)};
  return state;
}

TEST(PowerLevelsTest, AreImpliedWithoutAnEvent) {
  for (const RoomVersion& version : AllRoomVersions()) {
    SCOPED_TRACE(version.id);
    const PowerLevels levels(version, Room(version, nullptr));
    EXPECT_EQ(levels.OfUser(kAlice), version.creators_have_unbounded_power ? kUnboundedPower : 100);
    EXPECT_EQ(levels.OfUser(kBob), 0);
    EXPECT_EQ(levels.ForStateEvent("m.room.name"), 50);
    EXPECT_EQ(levels.ForMessage("m.room.message"), 0);
    EXPECT_EQ(levels.ForAction("invite"), 0);
    EXPECT_EQ(levels.ForAction("kick"), 50);
    EXPECT_EQ(levels.ForAction("ban"), 50);
    EXPECT_EQ(levels.ForAction("redact"), 50);
  }
}

TEST(PowerLevelsTest, AreImpliedByAnEmptyEventWhichGivesTheCreatorNothing) {
  for (const RoomVersion& version : AllRoomVersions()) {
    const PowerLevels levels(version, Room(version, Json::object()));
    EXPECT_EQ(levels.OfUser(kAlice), version.creators_have_unbounded_power ? kUnboundedPower : 0)
        << version.id;
    EXPECT_EQ(levels.ForStateEvent("m.room.name"), 50);
    EXPECT_EQ(levels.ForAction("invite"), 0);
  }
}

TEST(PowerLevelsTest, AreReadFromTheEvent) {
  const Json content = {{"users", {{kAlice, 100}, {kBob, -5}}},
                        {"users_default", 7},
                        {"events", {{"m.room.name", 1}, {"m.room.message", 2}}},
                        {"events_default", 3},
                        {"state_default", 4},
                        {"invite", 5},
                        {"kick", 6},
                        {"ban", 8},
                        {"redact", 9}};
  for (const RoomVersion& version : AllRoomVersions()) {
    const PowerLevels levels(version, Room(version, content));
    EXPECT_EQ(levels.OfUser(kBob), -5);
    EXPECT_EQ(levels.OfUser(kCarol), 7);
    EXPECT_EQ(levels.ForStateEvent("m.room.name"), 1);
    EXPECT_EQ(levels.ForStateEvent("m.room.topic"), 4);
    EXPECT_EQ(levels.ForMessage("m.room.message"), 2);
    EXPECT_EQ(levels.ForMessage("m.reaction"), 3);
    EXPECT_EQ(levels.ForAction("invite"), 5);
    EXPECT_EQ(levels.ForAction("kick"), 6);
    EXPECT_EQ(levels.ForAction("ban"), 8);
    EXPECT_EQ(levels.ForAction("redact"), 9);
  }
}

TEST(PowerLevelsTest, StringsCountUpToVersion9AndFractionsUpTo5) {
  const std::vector<std::pair<Json, int64_t>> readings = {{"42", 42},
                                                          {" +042\n", 42},
                                                          {"-7", -7},
                                                          {2.9, 2},
                                                          {-2.9, -2},
                                                          {"", 50},
                                                          {"4x", 50},
                                                          {"1.5", 50},
                                                          {true, 50},
                                                          {nullptr, 50},
                                                          {1e300, 50},
                                                          {Json::array(), 50},
                                                          {uint64_t{1} << 63, kUnboundedPower - 1},
                                                          {INT64_MAX, kUnboundedPower - 1},
                                                          {INT64_MIN, 1 - kUnboundedPower}};
  for (const RoomVersion& version : AllRoomVersions()) {
    for (const auto& [written, read] : readings) {
      const PowerLevels levels(version, Room(version, {{"ban", written}}));
      const bool counts = written.is_number_integer() ||
                          (!version.integer_power_levels && written.is_string()) ||
                          (!version.strict_canonical_json && written.is_number_float());
      EXPECT_EQ(levels.ForAction("ban"), counts ? read : 50) << version.id << " " << written;
    }
  }
}

TEST(PowerLevelsTest, SurviveContentOfAnyShape) {
  for (const Json& content : {Json({{"users", 1}, {"events", "x"}}), Json({{"users", {1}}})}) {
    const PowerLevels levels(Version("1"), Room(Version("1"), content));
    EXPECT_EQ(levels.OfUser(kAlice), 0);
    EXPECT_EQ(levels.ForStateEvent("m.room.name"), 50);
  }
}

TEST(CreatorsTest, AreNamedAsTheVersionHasIt) {
  for (const RoomVersion& version : AllRoomVersions()) {
    RoomState state = Room(version, nullptr, {kBob, kAlice});
    if (version.creators_have_unbounded_power) {
      EXPECT_THAT(Creators(version, state), ElementsAre(kAlice, kBob));
      const PowerLevels levels(version, state);
      EXPECT_EQ(levels.OfUser(kBob), kUnboundedPower);
    } else {
      EXPECT_THAT(Creators(version, state), ElementsAre(kAlice)) << version.id;
    }
    state[{"m.room.create", ""}].sender = kCarol;
    EXPECT_EQ(Creators(version, state)[0], version.creator_in_create_content ? kAlice : kCarol)
        << version.id;
  }
}

TEST(DefaultPowerLevelsTest, AreThoseOfTheSpecification) {
  const std::string up_to_11 =
      R"({"ban":50,"events":{"m.room.avatar":50,"m.room.canonical_alias":50,)"
      R"("m.room.encryption":100,"m.room.history_visibility":100,"m.room.name":50,)"
      R"("m.room.power_levels":100,"m.room.server_acl":100,"m.room.tombstone":100},)"
      R"("events_default":0,"invite":50,"kick":50,"redact":50,"state_default":50,)"
      R"("users":{"@alice:example.org":100},"users_default":0})";
  for (const RoomVersion& version : AllRoomVersions()) {
    Json expected = ParseJson(up_to_11).value();
    if (version.creators_have_unbounded_power) {
      expected["users"] = Json::object();
      expected["events"]["m.room.tombstone"] = 150;
    }
    EXPECT_EQ(DefaultPowerLevels(version, kAlice), expected) << version.id;
  }
}

TEST(MergePowerLevelsTest, MergesMapsAndReplacesTheRest) {
  const Json base = {{"users", {{kAlice, 100}, {kBob, 1}}},
                     {"events", {{"m.room.name", 50}}},
                     {"ban", 50},
                     {"org.example.x", {{"a", 1}}}};
  const Json override = {{"users", {{kBob, 2}, {kCarol, 3}}},
                         {"events", {{"m.room.topic", 0}}},
                         {"notifications", {{"room", 20}}},
                         {"ban", 60},
                         {"org.example.x", {{"b", 2}}}};
  const Json expected = {{"users", {{kAlice, 100}, {kBob, 2}, {kCarol, 3}}},
                         {"events", {{"m.room.name", 50}, {"m.room.topic", 0}}},
                         {"notifications", {{"room", 20}}},
                         {"ban", 60},
                         {"org.example.x", {{"b", 2}}}};
  EXPECT_EQ(MergePowerLevels(base, override), expected);
  EXPECT_EQ(MergePowerLevels(base, Json::object()), base);
}

TEST(CheckPowerLevelsTest, NamesEveryWrongPlace) {
  const Json content = {{"ban", "50"},
                        {"kick", 101},
                        {"invite", 100},
                        {"events", {{"m.room.name", true}, {"m.room.topic", 5}}},
                        {"notifications", 5},
                        {"users", {{"alice", 1}, {kBob, nullptr}, {kCarol, 200}}},
                        {"org.example.x", "anything"}};
  EXPECT_THAT(Violations(CheckPowerLevels(content, "f", 100)),
              ElementsAre("f.ban: must be an integer", "f.events.m.room.name: must be an integer",
                          HasSubstr("f.kick: must be at most 100"),
                          HasSubstr("f.notifications: must be an"),
                          "f.users.@bob:example.org: must be an integer",
                          HasSubstr("f.users.@carol:example.org: must be at most 100"),
                          HasSubstr("f.users.alice: must start with '@'")));
  EXPECT_THAT(Violations(CheckPowerLevels(Json::array(), "f")),
              ElementsAre("f: must be an object"));
  EXPECT_THAT(Violations(CheckPowerLevels({{"x", {{"y", 0.5}}}}, "f")),
              ElementsAre(HasSubstr("f.x.y: must be an integer")));
}

TEST(CheckPowerLevelsTest, TakesWhatTheDefaultsAre) {
  for (const RoomVersion& version : AllRoomVersions()) {
    EXPECT_THAT(Violations(CheckPowerLevels(DefaultPowerLevels(version, kAlice), "f")), IsEmpty());
  }
  EXPECT_TRUE(CheckPowerLevels({{"users", {{kBob, kMax}}}, {"ban", -kMax}}, "f").ok());
}

TEST(TombstoneLevelTest, IsAboveStateDefaultAndNeverLowered) {
  const auto raised = [](Json content) {
    return WithRaisedTombstoneLevel(std::move(content))["events"]["m.room.tombstone"]
        .get<int64_t>();
  };
  EXPECT_EQ(raised(Json::object()), 150);
  EXPECT_EQ(raised({{"events", {{"m.room.tombstone", 100}}}}), 150);
  EXPECT_EQ(raised({{"events", {{"m.room.tombstone", 200}}}}), 200);
  EXPECT_EQ(raised({{"state_default", 150}}), 151);
  EXPECT_EQ(raised({{"state_default", 300}, {"events", {{"m.room.tombstone", 200}}}}), 301);
  EXPECT_EQ(raised({{"state_default", kMax}}), kMax);
}

Json Upgraded(absl::string_view from, absl::string_view to, Json levels,
              const std::vector<std::string>& additional_creators = {},
              const std::string& requester = kAlice) {
  return UpgradedPowerLevels(Version(from),
                             Room(Version(from), std::move(levels), additional_creators),
                             Version(to), {requester});
}

TEST(UpgradedPowerLevelsTest, CopiesWhatThereIsAndAddsNothing) {
  const Json content = {{"users", {{kAlice, 100}, {kBob, 9001}}},
                        {"users_default", -1},
                        {"events", {{"m.room.name", 0}}},
                        {"notifications", {{"room", 20}}},
                        {"historical", 100},
                        {"org.example.x", {{"a", "b"}}}};
  EXPECT_EQ(Upgraded("6", "11", content), content);
  EXPECT_EQ(Upgraded("11", "1", content), content);
}

TEST(UpgradedPowerLevelsTest, WritesLevelsAsIntegers) {
  const Json content = {{"users", {{kAlice, "100"}, {kBob, " 50 "}, {kCarol, "x"}, {"bob", 5}}},
                        {"ban", "+60"},
                        {"kick", "often"},
                        {"events", {{"m.room.name", 1.9}}},
                        {"notifications", "none"},
                        {"invite", int64_t{1} << 60},
                        {"unknown", 0.5}};
  const Json expected = {{"users", {{kAlice, 100}, {kBob, 50}}},
                         {"ban", 60},
                         {"events", {{"m.room.name", 1}}},
                         {"notifications", Json::object()},
                         {"invite", kMax}};
  EXPECT_EQ(Upgraded("1", "10", content), expected);
}

TEST(UpgradedPowerLevelsTest, AMissingEventLeavesTheCreatorInPower) {
  EXPECT_EQ(Upgraded("5", "11", nullptr), Json({{"users", {{kAlice, 100}}}}));
  EXPECT_EQ(Upgraded("5", "12", nullptr),
            Json({{"users", Json::object()}, {"events", {{"m.room.tombstone", 150}}}}));
  EXPECT_EQ(Upgraded("12", "11", nullptr, {kBob}),
            Json({{"users", {{kAlice, kMax}, {kBob, kMax}}}}));
}

TEST(UpgradedPowerLevelsTest, CreatorsLeaveTheMapInVersion12) {
  const Json content = {{"users", {{kAlice, 100}, {kBob, 100}}},
                        {"events", {{"m.room.tombstone", 100}}}};
  EXPECT_EQ(Upgraded("11", "12", content),
            Json({{"users", {{kBob, 100}}}, {"events", {{"m.room.tombstone", 150}}}}));
  EXPECT_EQ(Upgraded("11", "12", content, {}, kBob),
            Json({{"users", {{kAlice, 100}}}, {"events", {{"m.room.tombstone", 150}}}}));
}

TEST(UpgradedPowerLevelsTest, CreatorsComeOutOfVersion12AboveEverybody) {
  const Json content = {{"users", {{kCarol, kMax}, {"@dave:example.org", 50}}},
                        {"users_default", kMax}};
  const Json expected = {
      {"users", {{kAlice, kMax}, {kBob, kMax}, {kCarol, kMax - 1}, {"@dave:example.org", 50}}},
      {"users_default", kMax - 1}};
  EXPECT_EQ(Upgraded("12", "11", content, {kBob}), expected);
  EXPECT_EQ(Upgraded("12", "3", content, {kBob}, "@dave:example.org"), expected);
}

TEST(UpgradedPowerLevelsTest, NoneOfTheNewCreatorsIsInTheMap) {
  const auto upgraded = [](absl::string_view from, Json users,
                           const std::vector<std::string>& old_creators) {
    const RoomState room = Room(Version(from), {{"users", std::move(users)}}, old_creators);
    return UpgradedPowerLevels(Version(from), room, Version("12"), {kAlice, kBob})["users"];
  };
  EXPECT_EQ(upgraded("11", {{kAlice, 100}, {kBob, 100}, {kCarol, 100}}, {}), Json({{kCarol, 100}}));
  EXPECT_EQ(upgraded("12", {{"@dave:example.org", kMax}}, {kBob, kCarol}),
            Json({{kCarol, kMax}, {"@dave:example.org", kMax - 1}}));
  EXPECT_EQ(upgraded("12", {{"@dave:example.org", kMax}}, {kBob}),
            Json({{"@dave:example.org", kMax}}));
}

TEST(UpgradedPowerLevelsTest, AMissingMapOfEventsStaysMissing) {
  const Json content = {{"users", {{kAlice, 100}}}, {"state_default", 20}};
  EXPECT_EQ(Upgraded("6", "11", content), content);
  EXPECT_EQ(Upgraded("6", "12", content)["events"], Json({{"m.room.tombstone", 150}}));
}

TEST(UpgradedPowerLevelsTest, From12To12OnlyCreatorsLeftBehindAreWrittenDown) {
  const Json content = {{"users", {{kCarol, 150}}}, {"events", {{"m.room.tombstone", 150}}}};
  EXPECT_EQ(Upgraded("12", "12", content), content);
  EXPECT_EQ(Upgraded("12", "12", content, {kBob}), Json({{"users", {{kBob, kMax}, {kCarol, 150}}},
                                                         {"events", {{"m.room.tombstone", 150}}}}));
  EXPECT_EQ(Upgraded("12", "12", content, {}, kCarol),
            Json({{"users", {{kAlice, kMax}}}, {"events", {{"m.room.tombstone", 150}}}}));
}

TEST(LockedPowerLevelsTest, RaisesWhatIsBelowAndNothingElse) {
  const auto locked = [](absl::string_view version, Json levels) {
    return LockedPowerLevels(Version(version), Room(Version(version), std::move(levels))).value();
  };
  const auto at = [&](absl::string_view version, Json users_default) {
    return locked(version, {{"users_default", std::move(users_default)}})["invite"];
  };
  EXPECT_EQ(at("11", 49), 50);
  EXPECT_EQ(at("11", 50), 51);
  EXPECT_EQ(at("11", -5), 50);
  EXPECT_EQ(at("11", kMax - 1), kMax);
  EXPECT_EQ(at("9", "70"), 71);
  EXPECT_EQ(locked("11", Json::object()), Json({{"events_default", 50}, {"invite", 50}}));
  const Json raised = {{"events_default", 50}, {"invite", 51}, {"events", {{"m.room.message", 0}}}};
  EXPECT_EQ(locked("11", raised), raised);
  const Json strings = {{"events_default", "50"}, {"invite", "49"}};
  EXPECT_EQ(locked("9", strings), Json({{"events_default", "50"}, {"invite", 50}}));
}

TEST(LockedPowerLevelsTest, ARoomWithoutLevelsKeepsItsCreatorsInPower) {
  for (const RoomVersion& version : AllRoomVersions()) {
    Json expected = {{"events_default", 50}, {"invite", 50}};
    if (!version.creators_have_unbounded_power) expected["users"] = {{kAlice, 100}};
    EXPECT_EQ(LockedPowerLevels(version, Room(version, nullptr)), expected) << version.id;
  }
}

TEST(LockedPowerLevelsTest, ThereAreNoneAboveTheHighestLevel) {
  const RoomState room = Room(Version("11"), {{"users_default", kMax}});
  EXPECT_FALSE(LockedPowerLevels(Version("11"), room).has_value());
}

// Random rooms, upgraded between all pairs of versions.
class RandomRoom {
 public:
  explicit RandomRoom(uint32_t seed) : random_(seed) {}

  size_t Below(size_t bound) { return random_() % bound; }
  bool Sometimes() { return Below(3) == 0; }

  Json Level(const RoomVersion& version) {
    const int64_t level = kLevels[Below(std::size(kLevels))];
    if (version.integer_power_levels || !Sometimes()) return level;
    return absl::StrCat(" ", level);
  }

  Json Levels(const RoomVersion& version, const std::vector<std::string>& users) {
    if (Below(10) == 0) return nullptr;
    Json content = Json::object();
    for (const char* key :
         {"ban", "events_default", "invite", "kick", "redact", "state_default", "users_default"}) {
      if (Sometimes()) content[key] = Level(version);
    }
    for (const char* map : {"events", "notifications", "users"}) {
      if (!Sometimes()) content[map] = Json::object();
    }
    for (const char* type : {"m.room.name", "m.room.tombstone", "m.room.power_levels"}) {
      if (content.contains("events") && Sometimes()) content["events"][type] = Level(version);
    }
    for (const std::string& user : users) {
      if (content.contains("users") && Sometimes()) content["users"][user] = Level(version);
    }
    return content;
  }

 private:
  std::mt19937 random_;
};

// Everything that levels decide about a user alone.
std::vector<bool> Abilities(const PowerLevels& levels, const std::string& user) {
  const int64_t own = levels.OfUser(user);
  std::vector<bool> abilities;
  for (const char* action : {"invite", "kick", "ban", "redact"}) {
    abilities.push_back(own >= levels.ForAction(action));
  }
  for (const char* type : {"m.room.name", "m.room.power_levels", "m.room.topic"}) {
    abilities.push_back(own >= levels.ForStateEvent(type));
    abilities.push_back(own >= levels.ForMessage(type));
  }
  return abilities;
}

bool IsIn(const std::vector<std::string>& users, const std::string& user) {
  return std::find(users.begin(), users.end(), user) != users.end();
}

TEST(UpgradedPowerLevelsPropertyTest, NobodyButCreatorsGainsOrLosesPower) {
  const std::vector<std::string> users = {kAlice, kBob, kCarol, "@dave:example.org",
                                          "@erin:example.org"};
  RandomRoom random(42);
  for (int round = 0; round < 30; ++round) {
    for (const RoomVersion& from : AllRoomVersions()) {
      for (const RoomVersion& to : AllRoomVersions()) {
        std::vector<std::string> additional;
        if (from.creators_have_unbounded_power && random.Sometimes()) additional = {kBob};
        std::vector<std::string> levelled = users;
        if (from.creators_have_unbounded_power) {
          levelled.erase(levelled.begin(), levelled.begin() + 2);
        }
        const RoomState old_room = Room(from, random.Levels(from, levelled), additional);
        std::vector<std::string> new_creators = {users[random.Below(users.size())]};
        if (to.creators_have_unbounded_power && random.Sometimes()) new_creators.push_back(kCarol);
        const Json content = UpgradedPowerLevels(from, old_room, to, new_creators);
        SCOPED_TRACE(absl::StrCat(from.id, " to ", to.id, " by ", new_creators[0], "\n",
                                  StateContent(old_room, "m.room.power_levels").dump(), "\n",
                                  content.dump()));

        ASSERT_TRUE(CheckPowerLevels(content, "levels").ok());
        const PowerLevels before(from, old_room);
        const PowerLevels after(to, new_creators, content);
        const std::vector<std::string> old_creators = Creators(from, old_room);
        if (to.creators_have_unbounded_power) {
          for (const std::string& user : new_creators)
            ASSERT_FALSE(content["users"].contains(user));
          ASSERT_GE(after.ForStateEvent("m.room.tombstone"), 150);
        }
        for (const std::string& user : users) {
          const bool was_unbounded = from.creators_have_unbounded_power && IsIn(old_creators, user);
          const bool is_unbounded = to.creators_have_unbounded_power && IsIn(new_creators, user);
          if (is_unbounded) continue;
          if (was_unbounded) {
            ASSERT_EQ(after.OfUser(user), kMax);
            continue;
          }
          // Those at the very top may have made room for creators.
          const bool capped = before.OfUser(user) == kMax && after.OfUser(user) == kMax - 1;
          ASSERT_TRUE(capped || after.OfUser(user) == before.OfUser(user)) << user;
          ASSERT_TRUE(!capped || from.creators_have_unbounded_power);
          if (!capped) {
            ASSERT_EQ(Abilities(after, user), Abilities(before, user)) << user;
          }
          ASSERT_TRUE(after.OfUser(user) < after.ForStateEvent("m.room.tombstone") ||
                      before.OfUser(user) >= before.ForStateEvent("m.room.tombstone"))
              << user << " gained the tombstone";
          for (const std::string& other : users) {
            if (IsIn(old_creators, other) || IsIn(new_creators, other)) continue;
            ASSERT_TRUE(before.OfUser(user) > before.OfUser(other) ||
                        after.OfUser(user) <= after.OfUser(other))
                << user << " rose above " << other;
          }
        }
      }
    }
  }
}

TEST(UpgradedPowerLevelsPropertyTest, UpgradingTwiceChangesNothingMore) {
  RandomRoom random(43);
  for (int round = 0; round < 60; ++round) {
    for (const RoomVersion& from : AllRoomVersions()) {
      for (const RoomVersion& to : AllRoomVersions()) {
        if (from.creators_have_unbounded_power && !to.creators_have_unbounded_power) continue;
        const Json levels = random.Levels(from, {kBob, kCarol});
        const Json once = UpgradedPowerLevels(from, Room(from, levels), to, {kAlice});
        ASSERT_EQ(UpgradedPowerLevels(to, Room(to, once), to, {kAlice}), once)
            << from.id << " to " << to.id;
        if (to.creators_have_unbounded_power) continue;
        // There and back again.
        ASSERT_EQ(UpgradedPowerLevels(to, Room(to, once), from, {kAlice}), once);
      }
    }
  }
}

}  // namespace
}  // namespace innkeeper::rooms
