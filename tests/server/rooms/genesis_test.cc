#include "server/rooms/genesis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/errors/errors.h"
#include "tests/server/rooms/auth_checker.h"
#include "tests/server/rooms/build_context.h"
#include "tests/server/rooms/plain_room.h"
#include "tests/server/rooms/violations.h"
#include "tests/support/people.h"

namespace innkeeper::rooms {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kRemoteCarol[] = "@carol:elsewhere";

Genesis Build(const RoomSpec& spec) {
  const absl::Status status = CheckRoomSpec(spec, RoomLimits(), kServer);
  EXPECT_THAT(Violations(status), IsEmpty());
  return BuildGenesis(spec, Context()).value();
}

// "type" or "type|state_key" of each event.
std::vector<std::string> Names(const Genesis& genesis) {
  std::vector<std::string> names;
  for (const Event& event : genesis.events) {
    names.push_back(event.state_key->empty() ? event.type
                                             : absl::StrCat(event.type, "|", *event.state_key));
  }
  return names;
}

TEST(GenesisTest, EventsComeInTheOrderOfTheSpecification) {
  for (const RoomVersion& version : AllRoomVersions()) {
    SCOPED_TRACE(version.id);
    RoomSpec spec = Plain(version.id);
    spec.initial_state = {{"org.example.b", "k", {{"n", 1}}},
                          {"m.room.avatar", "", Json::object()}};
    spec.name = "Lobby";
    spec.topic = "Talk";
    spec.alias = "#lobby:example.org";
    spec.invites = {kRemoteCarol, kBob};
    spec.encryption_algorithm = kMegolm;
    const Genesis genesis = Build(spec);
    EXPECT_THAT(
        Names(genesis),
        ElementsAre("m.room.create", absl::StrCat("m.room.member|", kAlice), "m.room.power_levels",
                    "m.room.canonical_alias", "m.room.join_rules", "m.room.history_visibility",
                    "m.room.guest_access", "org.example.b|k", "m.room.avatar", "m.room.encryption",
                    "m.room.name", "m.room.topic", absl::StrCat("m.room.member|", kRemoteCarol),
                    absl::StrCat("m.room.member|", kBob)));
    EXPECT_EQ(genesis.events[1].content, Json({{"membership", "join"}}));
    EXPECT_EQ(StateContent(genesis.state, "m.room.canonical_alias"),
              Json({{"alias", "#lobby:example.org"}}));
    EXPECT_EQ(StateContent(genesis.state, "m.room.encryption"), Json({{"algorithm", kMegolm}}));
    EXPECT_EQ(StateContent(genesis.state, "m.room.name"), Json({{"name", "Lobby"}}));
    EXPECT_EQ(StateContent(genesis.state, "m.room.topic"), Json({{"topic", "Talk"}}));
    EXPECT_EQ(StateContent(genesis.state, "m.room.member", kBob), Json({{"membership", "invite"}}));
    EXPECT_EQ(genesis.room_id, genesis.events.back().room_id);
    EXPECT_EQ(genesis.state.size(), genesis.events.size());
  }
}

TEST(GenesisTest, PresetsMakeTheirRules) {
  struct Rules {
    Preset preset;
    std::string join_rule;
    std::string guest_access;
  };
  for (const Rules& rules : {Rules{Preset::kPrivateChat, "invite", "can_join"},
                             Rules{Preset::kTrustedPrivateChat, "invite", "can_join"},
                             Rules{Preset::kPublicChat, "public", "forbidden"}}) {
    RoomSpec spec = Plain();
    spec.preset = rules.preset;
    const RoomState state = Build(spec).state;
    EXPECT_EQ(StateContent(state, "m.room.join_rules"), Json({{"join_rule", rules.join_rule}}));
    EXPECT_EQ(StateContent(state, "m.room.history_visibility"),
              Json({{"history_visibility", "shared"}}));
    EXPECT_EQ(StateContent(state, "m.room.guest_access"),
              Json({{"guest_access", rules.guest_access}}));
  }
}

TEST(GenesisTest, InitialStateStandsInThePlaceOfThePresets) {
  RoomSpec spec = Plain();
  spec.initial_state = {{"org.example.a", "", Json::object()},
                        {"m.room.guest_access", "", {{"guest_access", "forbidden"}}},
                        {"m.room.join_rules", "", {{"join_rule", "knock"}}},
                        {"m.room.join_rules", "keyed", {{"join_rule", "odd"}}},
                        {"m.room.power_levels", "", {{"users", {{kAlice, 100}}}}}};
  const Genesis genesis = Build(spec);
  EXPECT_THAT(Names(genesis),
              ElementsAre("m.room.create", absl::StrCat("m.room.member|", kAlice),
                          "m.room.power_levels", "m.room.join_rules", "m.room.history_visibility",
                          "m.room.guest_access", "org.example.a", "m.room.join_rules|keyed"));
  EXPECT_EQ(genesis.events[2].content, Json({{"users", {{kAlice, 100}}}}));
  EXPECT_EQ(genesis.events[3].content["join_rule"], "knock");
  EXPECT_EQ(genesis.events[5].content["guest_access"], "forbidden");
}

TEST(GenesisTest, OfInitialStateInOnePlaceTheLastWins) {
  RoomSpec spec = Plain();
  spec.initial_state = {
      {"org.example.a", "k", {{"n", 1}}}, {"m.room.join_rules", "", {{"join_rule", "private"}}},
      {"org.example.b", "", {{"n", 2}}},  {"m.room.join_rules", "", {{"join_rule", "public"}}},
      {"org.example.a", "k", {{"n", 3}}}, {"org.example.a", "other", {{"n", 4}}}};
  const Genesis genesis = Build(spec);
  const std::vector<std::string> names = Names(genesis);
  EXPECT_THAT(std::vector<std::string>(names.begin() + 6, names.end()),
              ElementsAre("org.example.b", "org.example.a|k", "org.example.a|other"));
  EXPECT_EQ(StateContent(genesis.state, "org.example.a", "k")["n"], 3);
  EXPECT_EQ(StateContent(genesis.state, "m.room.join_rules")["join_rule"], "public");
}

TEST(GenesisTest, NameAndTopicWinOverInitialStateAndComeOnce) {
  RoomSpec spec = Plain();
  spec.initial_state = {{"m.room.name", "", {{"name", "initial"}}},
                        {"m.room.topic", "", {{"topic", "initial"}}}};
  Genesis genesis = Build(spec);
  EXPECT_EQ(Names(genesis)[6], "m.room.name");
  EXPECT_EQ(StateContent(genesis.state, "m.room.name")["name"], "initial");
  spec.name = "field";
  spec.topic = "field";
  genesis = Build(spec);
  EXPECT_EQ(genesis.events.size(), genesis.state.size());
  EXPECT_EQ(StateContent(genesis.state, "m.room.name")["name"], "field");
  EXPECT_EQ(StateContent(genesis.state, "m.room.topic")["topic"], "field");
}

TEST(GenesisTest, EncryptionComesOnce) {
  RoomSpec spec = Plain();
  spec.initial_state = {
      {"m.room.encryption", "", {{"algorithm", kMegolm}, {"rotation_period_ms", 1}}}};
  spec.encryption_algorithm = kMegolm;
  const Genesis genesis = Build(spec);
  EXPECT_EQ(genesis.events.size(), genesis.state.size());
  EXPECT_EQ(StateContent(genesis.state, "m.room.encryption")["rotation_period_ms"], 1);
}

TEST(GenesisTest, CreateContentNamesWhatTheVersionHasIt) {
  for (const RoomVersion& version : AllRoomVersions()) {
    SCOPED_TRACE(version.id);
    RoomSpec spec = Plain(version.id);
    spec.creation_content = {{"type", "m.space"},
                             {"m.federate", false},
                             {"org.example.x", 1},
                             {"creator", "@mallory:example.org"},
                             {"room_version", "99"}};
    Json content = StateContent(Build(spec).state, "m.room.create");
    EXPECT_EQ(content["room_version"], std::string(version.id));
    EXPECT_EQ(StringOrEmpty(content, "creator"), version.creator_in_create_content ? kAlice : "");
    EXPECT_EQ(content.contains("creator"), version.creator_in_create_content);
    EXPECT_EQ(content.contains("org.innkeeper.nonce"),
              version.room_id_format == RoomIdFormat::kCreateHash);
    EXPECT_FALSE(content.contains("additional_creators"));
    EXPECT_EQ(content["type"], "m.space");
    EXPECT_EQ(content["m.federate"], false);
    EXPECT_EQ(content["org.example.x"], 1);
  }
}

TEST(GenesisTest, TrustedInviteesGetTheCreatorsPower) {
  RoomSpec spec = Plain("12");
  spec.preset = Preset::kTrustedPrivateChat;
  spec.invites = {kRemoteCarol, kBob};
  spec.creation_content = {{"additional_creators", {kRemoteCarol, "@z:x", "@a:x"}}};
  EXPECT_EQ(StateContent(Build(spec).state, "m.room.create")["additional_creators"],
            Json({"@a:x", kBob, kRemoteCarol, "@z:x"}));
  spec.creation_content = Json::object();
  spec.version = FindRoomVersion("11");
  EXPECT_EQ(StateContent(Build(spec).state, "m.room.power_levels")["users"],
            Json({{kAlice, 100}, {kBob, 100}, {kRemoteCarol, 100}}));
}

TEST(GenesisTest, TheCreatorIsNoAdditionalCreator) {
  RoomSpec spec = Plain("12");
  spec.creation_content = {{"additional_creators", Json::array({kAlice})}};
  EXPECT_FALSE(StateContent(Build(spec).state, "m.room.create").contains("additional_creators"));
}

TEST(GenesisTest, DirectChatsAreMarkedInTheInvitesAlone) {
  RoomSpec spec = Plain();
  spec.invites = {kBob};
  spec.is_direct = true;
  const RoomState state = Build(spec).state;
  EXPECT_EQ(StateContent(state, "m.room.member", kBob),
            Json({{"membership", "invite"}, {"is_direct", true}}));
  EXPECT_EQ(StateContent(state, "m.room.member", kAlice), Json({{"membership", "join"}}));
}

TEST(GenesisTest, RoomsOfOneMomentDifferByTheirNonce) {
  for (const RoomVersion& version : AllRoomVersions()) {
    const Genesis one = BuildGenesis(Plain(version.id), Context("nonce 1, 16 bytes")).value();
    const Genesis two = BuildGenesis(Plain(version.id), Context("nonce 2, 16 bytes")).value();
    const Genesis again = BuildGenesis(Plain(version.id), Context("nonce 1, 16 bytes")).value();
    EXPECT_NE(one.room_id, two.room_id) << version.id;
    EXPECT_NE(one.events[0].event_id, two.events[0].event_id) << version.id;
    EXPECT_EQ(one.room_id, again.room_id) << version.id;
    EXPECT_EQ(one.events.back().event_id, again.events.back().event_id) << version.id;
  }
}

TEST(GenesisTest, EventsThatAreTooLargeNameTheirField) {
  const std::string large(66'000, 'x');
  RoomSpec spec = Plain();
  spec.initial_state = {{"a", "", Json::object()}, {"b", "", {{"x", large}}}};
  EXPECT_THAT(Violations(BuildGenesis(spec, Context()).status()),
              ElementsAre(HasSubstr("initial_state[1]: makes an event of 66")));
  spec = Plain();
  spec.creation_content = {{"x", large}};
  EXPECT_THAT(ViolatedFields(BuildGenesis(spec, Context()).status()),
              ElementsAre("creation_content"));
  spec = Plain();
  spec.power_level_content_override = {{"x", large}};
  EXPECT_THAT(ViolatedFields(BuildGenesis(spec, Context()).status()),
              ElementsAre("power_level_content_override"));
  spec = Plain();
  spec.topic = std::string(32'768, '\x01');
  EXPECT_TRUE(CheckRoomSpec(spec, RoomLimits(), kServer).ok());
  EXPECT_THAT(ViolatedFields(BuildGenesis(spec, Context()).status()), ElementsAre("topic"));
}

// What CheckRoomSpec would have refused.
TEST(GenesisTest, EventsThatTheRulesRefuseNameTheirField) {
  const auto expect_refusal = [](const RoomSpec& spec, const std::string& field,
                                 const std::string& rule) {
    const absl::Status status = BuildGenesis(spec, Context()).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(ViolatedFields(status), ElementsAre(field));
    EXPECT_EQ(MetadataOf(status, "rule"), rule);
  };
  for (const RoomVersion& version : AllRoomVersions()) {
    SCOPED_TRACE(version.id);
    RoomSpec spec = Plain(version.id);
    spec.initial_state = {{"a", "", Json::object()}, {"b", kBob, Json::object()}};
    expect_refusal(spec, "initial_state[1]", "event.state_key");
    spec = Plain(version.id);
    spec.power_level_content_override = {{"users", {{"nobody", 1}}}};
    expect_refusal(spec, "power_level_content_override", "power_levels.user_id");
    spec = Plain(version.id);
    spec.creation_content = {{"m.federate", false}};
    spec.invites = {kBob, kRemoteCarol};
    expect_refusal(spec, "invites[1]", "member.not_federated");
    if (version.creators_have_unbounded_power) continue;
    spec = Plain(version.id);
    spec.power_level_content_override = {{"events", {{"m.room.topic", 101}}}};
    spec.topic = "Talk";
    expect_refusal(spec, "topic", "event.power");
  }
}

// The options that a room can be made with, each a bit.
enum Option : unsigned {
  kInitialState = 1,
  kLevels = 2,
  kInvites = 4,
  kTexts = 8,
  kCreation = 16,
  kOddLevels = 32,
  kAllOptions = 64,
};

RoomSpec SpecWith(const RoomVersion& version, Preset preset, unsigned options) {
  RoomSpec spec = Plain(version.id);
  spec.preset = preset;
  if (options & kInitialState) {
    spec.initial_state = {{"m.room.join_rules", "", {{"join_rule", "private"}}},
                          {"org.example.mine", kAlice, Json::object()},
                          {"m.room.third_party_invite", "token", Json::object()},
                          {"m.room.server_acl", "", {{"allow", {"*"}}}},
                          {"m.room.history_visibility", "", {{"history_visibility", "joined"}}}};
  }
  if (options & kInvites) spec.invites = {kBob, "@dave:example.org"};
  if (options & kTexts) {
    spec.name = "Lobby";
    spec.topic = "Talk";
    spec.alias = "#lobby:example.org";
    spec.encryption_algorithm = kMegolm;
  }
  if (options & kCreation) {
    spec.creation_content = {{"m.federate", false}, {"type", "m.space"}};
    if (version.creators_have_unbounded_power) {
      spec.creation_content["additional_creators"] = {"@zoe:example.org", kRemoteCarol};
    }
  } else if (options & kInvites) {
    spec.invites.push_back(kRemoteCarol);
  }
  Json levels = Json::object();
  if (options & kLevels) {
    levels = {{"users_default", 60}, {"state_default", 100}, {"invite", 100}, {"ban", 0}};
  }
  if (options & kOddLevels) {
    levels["events"] = {{"m.room.power_levels", 0}, {"m.room.encryption", 100}};
    levels["users"] = {{"@erin:elsewhere", 100}};
    if (!version.creators_have_unbounded_power) levels["users"][kAlice] = 9001;
  }
  if ((options & kInitialState) && (options & kLevels) && (options & kOddLevels)) {
    spec.initial_state.push_back({"m.room.power_levels", "", levels});
  } else {
    spec.power_level_content_override = levels;
  }
  return spec;
}

TEST(GenesisTest, EveryEventIsAllowedByTheAuthRules) {
  size_t events = 0;
  for (const RoomVersion& version : AllRoomVersions()) {
    for (const Preset preset :
         {Preset::kPrivateChat, Preset::kTrustedPrivateChat, Preset::kPublicChat}) {
      for (unsigned options = 0; options < kAllOptions; ++options) {
        SCOPED_TRACE(absl::StrCat("options ", options));
        AuthChecker checker(version);
        for (const Event& event : Build(SpecWith(version, preset, options)).events) {
          ASSERT_EQ(checker.Check(event), "");
          ++events;
        }
      }
    }
  }
  EXPECT_GT(events, 12u * 3 * 64 * 6);
}

}  // namespace
}  // namespace innkeeper::rooms
