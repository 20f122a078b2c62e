#include "server/rooms/room_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/errors/errors.h"
#include "tests/server/rooms/build_context.h"
#include "tests/server/rooms/plain_room.h"
#include "tests/server/rooms/violations.h"
#include "tests/support/people.h"

namespace innkeeper::rooms {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

absl::Status Check(const RoomSpec& spec) { return CheckRoomSpec(spec, RoomLimits(), kServer); }

struct Case {
  std::string name;
  std::function<void(RoomSpec&)> change;
  std::vector<std::string> violations;  // "field: part of the description"
};

void ExpectViolations(const std::vector<Case>& cases, absl::string_view version = "11") {
  for (const auto& [name, change, expected] : cases) {
    SCOPED_TRACE(absl::StrCat(name, " in version ", version));
    RoomSpec spec = Plain(version);
    change(spec);
    const absl::Status status = Check(spec);
    const std::vector<std::string> violations = Violations(status);
    ASSERT_EQ(violations.size(), expected.size()) << testing::PrintToString(violations);
    for (size_t i = 0; i < expected.size(); ++i) {
      EXPECT_THAT(violations[i], testing::StartsWith(expected[i]));
    }
    EXPECT_EQ(ReasonOf(status),
              expected.empty() ? v1::ERROR_REASON_UNSPECIFIED : v1::ERROR_REASON_INVALID_REQUEST);
  }
}

TEST(RoomSpecTest, APlainRoomIsFineInEveryVersion) {
  for (const RoomVersion& version : AllRoomVersions()) {
    EXPECT_TRUE(Check(Plain(version.id)).ok()) << version.id;
  }
}

TEST(RoomSpecTest, AFullRoomIsFineInEveryVersion) {
  for (const RoomVersion& version : AllRoomVersions()) {
    RoomSpec spec = Plain(version.id);
    spec.preset = Preset::kTrustedPrivateChat;
    spec.initial_state = {{"m.room.encryption", "", {{"algorithm", kMegolm}}},
                          {"m.room.join_rules", "", {{"join_rule", "knock"}}},
                          {"m.room.server_acl", "", {{"allow", {"*"}}}},
                          {"org.example.mine", kAlice, {{"a", nullptr}}},
                          {"m.space.child", "!a:b", Json::object()}};
    spec.creation_content = {{"type", "m.space"},
                             {"m.federate", true},
                             {"org.example.a", {1, 2}},
                             {"room_version", "1"},
                             {"creator", 5}};
    spec.power_level_content_override = {{"users", {{kBob, 50}}},
                                         {"events", {{"m.room.name", 0}}},
                                         {"invite", 100},
                                         {"notifications", {{"room", 99}}}};
    if (version.creators_have_unbounded_power) {
      spec.power_level_content_override["users"] = {{"@dave:example.org", kMaxCanonicalInteger}};
      spec.creation_content["additional_creators"] = {kAlice, "@erin:elsewhere"};
    }
    spec.name = std::string(255, 'n');
    spec.topic = std::string(32768, 't');
    spec.alias = "#lobby:example.org";
    spec.invites = {kBob, "@carol:elsewhere"};
    spec.is_direct = true;
    spec.encryption_algorithm = kMegolm;
    EXPECT_THAT(Violations(Check(spec)), IsEmpty()) << version.id;
  }
}

TEST(RoomSpecTest, Creator) {
  ExpectViolations({
      {"none", [](RoomSpec& s) { s.creator = ""; }, {"creator: must not be empty"}},
      {"malformed", [](RoomSpec& s) { s.creator = "alice"; }, {"creator: must start with '@'"}},
      {"remote",
       [](RoomSpec& s) { s.creator = "@a:elsewhere"; },
       {"creator: must be a user of this server, example.org"}},
  });
}

TEST(RoomSpecTest, InitialState) {
  const auto set = [](std::string type, std::string key, Json content) {
    return [=](RoomSpec& spec) { spec.initial_state = {{type, key, content}}; };
  };
  const Json empty = Json::object();
  ExpectViolations({
      {"no type", set("", "", empty), {"initial_state[0].type: must not be empty"}},
      {"message type", set("m.reaction", "", empty), {"initial_state[0].type: must be a state"}},
      {"create",
       set("m.room.create", "", empty),
       {"initial_state[0].type: cannot be set here: use the field creation_content"}},
      {"member",
       set("m.room.member", kAlice, empty),
       {"initial_state[0].type: cannot be set here: use the field invites"}},
      {"tombstone",
       set("m.room.tombstone", "", empty),
       {"initial_state[0].type: cannot be set here: UpgradeRoom"}},
      {"alias",
       set("m.room.canonical_alias", "", empty),
       {"initial_state[0].type: cannot be set here: use the field alias"}},
      {"long key",
       set("a", std::string(256, 'k'), empty),
       {"initial_state[0].state_key: must be at most 255"}},
      {"broken key", set("a", "\xFF", empty), {"initial_state[0].state_key: must be valid UTF-8"}},
      {"key of another",
       set("a", kBob, empty),
       {"initial_state[0].state_key: must not start with '@'"}},
      {"nameless name",
       set("m.room.name", "", empty),
       {"initial_state[0].content.name: must be a string"}},
      {"server shut out",
       set("m.room.server_acl", "", empty),
       {"initial_state[0].content: must let this server in"}},
      {"keyed levels",
       set("m.room.power_levels", "k", empty),
       {"initial_state[0].state_key: must be empty for m.room.power_levels"}},
      {"no object", set("a", "", Json::array()), {"initial_state[0].content: must be an object"}},
      {"fraction",
       set("a", "", {{"a", {0, 0.5}}}),
       {"initial_state[0].content.a[1]: must be an integer"}},
      {"encryption without algorithm",
       set("m.room.encryption", "", empty),
       {"initial_state[0].content.algorithm: must be 1 to 255"}},
      {"second one wrong",
       [](RoomSpec& s) {
         s.initial_state = {{"a", "", Json::object()}, {"b", "@", {{"x", 0.1}}}};
       },
       {"initial_state[1].state_key: must not start", "initial_state[1].content.x: must be an"}},
      {"too many",
       [](RoomSpec& s) {
         s.initial_state.resize(1001, {"", "", Json::object()});
       },
       {"initial_state: must have at most 1000"}},
  });
}

TEST(RoomSpecTest, CreationContent) {
  const auto set = [](const Json& content) {
    return [=](RoomSpec& spec) { spec.creation_content = content; };
  };
  ExpectViolations({
      {"no object", set(Json::array()), {"creation_content: must be an object"}},
      {"fraction", set({{"a", {{"b", 1.5}}}}), {"creation_content.a.b: must be an integer"}},
      {"federate", set({{"m.federate", "no"}}), {"creation_content.m.federate: must be true or"}},
      {"type", set({{"type", 1}}), {"creation_content.type: must be a string"}},
      {"additional creators",
       set({{"additional_creators", {kBob}}}),
       {"creation_content.additional_creators: is not known in room version 11"}},
  });
  ExpectViolations(
      {
          {"no list",
           set({{"additional_creators", kBob}}),
           {"creation_content.additional_creators: must be a list"}},
          {"wrong entries",
           set({{"additional_creators", {kBob, "bob", 5}}}),
           {"creation_content.additional_creators[1]: must start with '@'",
            "creation_content.additional_creators[2]: must be a user id"}},
          {"fine", set({{"additional_creators", {kBob, kBob, kAlice}}}), {}},
      },
      "12");
}

TEST(RoomSpecTest, PowerLevelOverride) {
  const auto set = [](const Json& content) {
    return [=](RoomSpec& spec) { spec.power_level_content_override = content; };
  };
  const std::string field = "power_level_content_override";
  const std::vector<Case> in_every_version = {
      {"no object", set(Json::array()), {field + ": must be an object"}},
      {"null", set(nullptr), {field + ": must be an object"}},
      {"fraction", set({{"ban", 0.5}}), {field + ".ban: must be an integer"}},
      {"string", set({{"ban", "50"}}), {field + ".ban: must be an integer"}},
      {"map", set({{"events", 5}}), {field + ".events: must be an object"}},
      {"level in map", set({{"events", {{"m.x", "1"}}}}), {field + ".events.m.x: must be an"}},
      {"user id", set({{"users", {{"bob", 1}}}}), {field + ".users.bob: must start with '@'"}},
      {"together with initial state",
       [](RoomSpec& s) {
         s.power_level_content_override = {{"ban", 5}};
         s.initial_state = {
             {"m.room.power_levels",
              "",
              {{"users", s.version->creators_have_unbounded_power ? Json::object()
                                                                  : Json({{kAlice, 100}})}}}};
       },
       {field + ": cannot be given together"}},
  };
  for (const RoomVersion& version : AllRoomVersions()) {
    ExpectViolations(in_every_version, version.id);
  }
  const std::vector<Case> with_bound_creator = {
      {"creator's own",
       set({{"users", {{kAlice, 99}}}}),
       {field + ".users.@alice:example.org: must be at least 100"}},
      {"state_default",
       set({{"state_default", 101}}),
       {field + ".state_default: must be at most 100"}},
      {"encryption",
       set({{"events", {{"m.room.encryption", 101}}}}),
       {field + ".events.m.room.encryption: must be at most 100"}},
      {"levels",
       set({{"events", {{"m.room.power_levels", 101}}}}),
       {field + ".events.m.room.power_levels: must be at most 100"}},
      {"somebody above the creator",
       set({{"users", {{kBob, 101}}}}),
       {field + ".users.@bob:example.org: must be at most 100"}},
      {"everybody above the creator",
       set({{"users_default", 101}}),
       {field + ".users_default: must be at most 100"}},
      {"a higher creator", set({{"users", {{kAlice, 200}, {kBob, 200}}}, {"ban", 200}}), {}},
      {"above a higher creator",
       set({{"users", {{kAlice, 200}}}, {"ban", 201}}),
       {field + ".ban: must be at most 200"}},
      {"others as they like",
       set({{"users", {{kBob, 100}}}, {"users_default", 100}, {"ban", 0}}),
       {}},
  };
  for (const char* version : {"1", "9", "10", "11"}) ExpectViolations(with_bound_creator, version);
  ExpectViolations(
      {
          {"creator",
           set({{"users", {{kAlice, 100}}}}),
           {field + ".users.@alice:example.org: must not be there"}},
          {"additional creator",
           [](RoomSpec& s) {
             s.creation_content = {{"additional_creators", {kBob}}};
             s.power_level_content_override = {{"users", {{kBob, 100}}}};
           },
           {field + ".users.@bob:example.org: must not be there"}},
          {"trusted invitee",
           [](RoomSpec& s) {
             s.preset = Preset::kTrustedPrivateChat;
             s.invites = {kBob};
             s.power_level_content_override = {{"users", {{kBob, 100}}}};
           },
           {field + ".users.@bob:example.org: must not be there"}},
          {"high levels", set({{"state_default", 1000}, {"users", {{kBob, 5000}}}}), {}},
      },
      "12");
}

TEST(RoomSpecTest, PowerLevelsInInitialState) {
  const auto set = [](const Json& content) {
    return [=](RoomSpec& spec) { spec.initial_state = {{"m.room.power_levels", "", content}}; };
  };
  const std::string field = "initial_state[0].content";
  ExpectViolations({
      {"creator left out",
       set(Json::object()),
       {field + ".users.@alice:example.org: must be at least 100"}},
      {"creator by default", set({{"users_default", 100}}), {}},
      {"creator too low",
       set({{"users", {{kAlice, 50}}}}),
       {field + ".users.@alice:example.org: must be at least 100"}},
      {"level too high",
       set({{"users", {{kAlice, 100}}}, {"kick", 101}}),
       {field + ".kick: must be at most 100"}},
      {"malformed",
       set({{"users", {{kAlice, 100}}}, {"kick", "1"}}),
       {field + ".kick: must be an integer"}},
      {"fraction", set({{"x", 0.5}}), {field + ".x: must be an integer"}},
      {"fine", set({{"users", {{kAlice, 100}}}}), {}},
  });
  ExpectViolations({{"creator",
                     set({{"users", {{kAlice, 100}}}}),
                     {field + ".users.@alice:example.org: must not be there"}},
                    {"empty", set(Json::object()), {}}},
                   "12");
}

TEST(RoomSpecTest, OnlyTheLastPowerLevelsInInitialStateMustSuitTheCreator) {
  RoomSpec spec = Plain();
  spec.initial_state = {{"m.room.power_levels", "", {{"users", {{kAlice, 1}}}}},
                        {"m.room.power_levels", "", {{"users", {{kAlice, 100}}}}}};
  EXPECT_TRUE(Check(spec).ok());
  std::swap(spec.initial_state[0], spec.initial_state[1]);
  EXPECT_THAT(ViolatedFields(Check(spec)),
              ElementsAre("initial_state[1].content.users.@alice:example.org"));
}

TEST(RoomSpecTest, NameTopicAndAlias) {
  ExpectViolations({
      {"long name",
       [](RoomSpec& s) { s.name = std::string(256, 'n'); },
       {"name: must be at most 255"}},
      {"blank name", [](RoomSpec& s) { s.name = " \t\n"; }, {"name: must not be only white space"}},
      {"ideographically blank name",
       [](RoomSpec& s) { s.name = "\u3000 \u00a0"; },
       {"name: must not be only white space"}},
      {"NUL in name",
       [](RoomSpec& s) { s.name = std::string("a\0b", 3); },
       {"name: must be valid"}},
      {"broken name", [](RoomSpec& s) { s.name = "\xFF"; }, {"name: must be valid UTF-8"}},
      {"long topic",
       [](RoomSpec& s) { s.topic = std::string(32769, 't'); },
       {"topic: must be at most 32768"}},
      {"NUL in topic",
       [](RoomSpec& s) { s.topic = std::string(1, '\0'); },
       {"topic: must be valid"}},
      {"malformed alias", [](RoomSpec& s) { s.alias = "lobby"; }, {"alias: must start with '#'"}},
      {"alias of another server",
       [](RoomSpec& s) { s.alias = "#lobby:elsewhere"; },
       {"alias: must be an alias of this server, ending in :example.org"}},
  });
}

TEST(RoomSpecTest, Invites) {
  ExpectViolations({
      {"each by its index",
       [](RoomSpec& s) {
         s.invites = {kBob, "bob", kAlice, kBob, "@carol:elsewhere"};
       },
       {"invites[1]: must start with '@'", "invites[2]: must not be the creator",
        "invites[3]: must not be there twice"}},
      {"too many",
       [](RoomSpec& s) { s.invites.assign(10'000, "nonsense"); },
       {"invites: must be at most 1000"}},
      {"remote in a room that is not federated",
       [](RoomSpec& s) {
         s.creation_content = {{"m.federate", false}};
         s.invites = {kBob, "@carol:elsewhere"};
       },
       {"invites[1]: must be a user of this server"}},
  });
}

TEST(RoomSpecTest, EncryptionAlgorithm) {
  const auto with_initial = [](const std::string& initial, const std::string& field) {
    return [=](RoomSpec& s) {
      s.initial_state = {{"m.room.encryption", "", {{"algorithm", initial}}}};
      s.encryption_algorithm = field;
    };
  };
  ExpectViolations({
      {"grammar",
       [](RoomSpec& s) { s.encryption_algorithm = "Megolm!"; },
       {"encryption_algorithm: must be 1 to 255"}},
      {"the same twice", with_initial(kMegolm, kMegolm), {}},
      {"two different",
       with_initial("org.example.other", kMegolm),
       {"encryption_algorithm: must be the algorithm of the m.room.encryption"}},
  });
}

TEST(RoomSpecTest, CollectsEverythingThatIsWrong) {
  RoomSpec spec = Plain();
  spec.creator = "alice";
  spec.initial_state = {{"m.reaction", "", Json::object()}};
  spec.creation_content = {{"type", 1}};
  spec.power_level_content_override = {{"ban", "x"}};
  spec.name = " ";
  spec.topic = std::string(40'000, 't');
  spec.alias = "x";
  spec.invites = {"y"};
  spec.encryption_algorithm = "Z";
  EXPECT_THAT(ViolatedFields(Check(spec)),
              ElementsAre("creator", "initial_state[0].type", "creation_content.type",
                          "power_level_content_override.ban", "name", "topic", "alias",
                          "invites[0]", "encryption_algorithm"));
}

TEST(RoomSpecTest, LimitsAreTheCallers) {
  RoomSpec spec = Plain();
  spec.invites = {kBob};
  spec.initial_state = {{"a", "", Json::object()}};
  const RoomLimits none{.max_initial_state = 0, .max_invites = 0};
  EXPECT_THAT(ViolatedFields(CheckRoomSpec(spec, none, kServer)),
              ElementsAre("initial_state", "invites"));
}

TEST(AdditionalCreatorsTest, AreSortedAndEachThereOnce) {
  RoomSpec spec = Plain("12");
  spec.creation_content = {{"additional_creators", {"@z:x", kBob, "@z:x", kAlice}}};
  spec.invites = {"@m:x", kBob};
  EXPECT_THAT(AdditionalCreators(spec), ElementsAre(kBob, "@z:x"));
  spec.preset = Preset::kTrustedPrivateChat;
  EXPECT_THAT(AdditionalCreators(spec), ElementsAre(kBob, "@m:x", "@z:x"));
  spec.version = FindRoomVersion("11");
  EXPECT_THAT(AdditionalCreators(spec), IsEmpty());
}

TEST(InitialPowerLevelsTest, FollowThePreset) {
  for (const RoomVersion& version : AllRoomVersions()) {
    SCOPED_TRACE(version.id);
    RoomSpec spec = Plain(version.id);
    spec.invites = {kBob};
    EXPECT_EQ(InitialPowerLevels(spec)["invite"], 0);
    EXPECT_FALSE(InitialPowerLevels(spec)["users"].contains(kBob));
    spec.preset = Preset::kPublicChat;
    EXPECT_EQ(InitialPowerLevels(spec)["invite"], 50);
    spec.preset = Preset::kTrustedPrivateChat;
    EXPECT_EQ(InitialPowerLevels(spec)["invite"], 0);
    EXPECT_EQ(InitialPowerLevels(spec)["users"].value(kBob, 0),
              version.creators_have_unbounded_power ? 0 : 100);
    EXPECT_EQ(InitialPowerLevels(spec)["users"].value(kAlice, 0),
              version.creators_have_unbounded_power ? 0 : 100);
  }
}

TEST(InitialPowerLevelsTest, TheOverrideHasTheLastWord) {
  RoomSpec spec = Plain("11");
  spec.preset = Preset::kTrustedPrivateChat;
  spec.invites = {kBob};
  spec.power_level_content_override = {
      {"users", {{kBob, 1}}}, {"invite", 30}, {"events", {{"m.room.topic", 2}}}};
  const Json levels = InitialPowerLevels(spec);
  EXPECT_EQ(levels["users"], Json({{kAlice, 100}, {kBob, 1}}));
  EXPECT_EQ(levels["invite"], 30);
  EXPECT_EQ(levels["events"]["m.room.topic"], 2);
  EXPECT_EQ(levels["events"]["m.room.power_levels"], 100);
}

TEST(InitialPowerLevelsTest, TombstoneStaysAboveStateDefaultIn12UnlessToldOtherwise) {
  RoomSpec spec = Plain("12");
  EXPECT_EQ(InitialPowerLevels(spec)["events"]["m.room.tombstone"], 150);
  spec.power_level_content_override = {{"state_default", 200}};
  EXPECT_EQ(InitialPowerLevels(spec)["events"]["m.room.tombstone"], 201);
  spec.power_level_content_override = {{"events", {{"m.room.tombstone", 60}}}};
  EXPECT_EQ(InitialPowerLevels(spec)["events"]["m.room.tombstone"], 60);
}

TEST(InitialPowerLevelsTest, InitialStateReplacesThemAll) {
  RoomSpec spec = Plain("11");
  spec.initial_state = {{"m.room.power_levels", "", {{"users", {{kAlice, 100}}}}}};
  EXPECT_EQ(InitialPowerLevels(spec), Json({{"users", {{kAlice, 100}}}}));
}

}  // namespace
}  // namespace innkeeper::rooms
