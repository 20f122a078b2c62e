#include "server/rooms/auth_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/errors/errors.h"
#include "tests/server/rooms/auth_cases.h"

namespace innkeeper::rooms {
namespace {

constexpr char kPowerLevels[] = "m.room.power_levels|";
constexpr char kRules[] = "m.room.join_rules|";

std::string MemberOf(const std::string& user) { return absl::StrCat("m.room.member|", user); }

std::vector<std::string> Names(const std::vector<StateKey>& keys) {
  std::vector<std::string> names;
  names.reserve(keys.size());
  for (const StateKey& key : keys) names.push_back(absl::StrCat(key.type, "|", key.state_key));
  return names;
}

// Runs with each version.
class AuthEventsTest : public testing::TestWithParam<int> {
 protected:
  const RoomVersion& version() const { return AllRoomVersions()[GetParam() - 1]; }

  // Expects the keys of an event by Alice: `expected`, behind m.room.create up to 11.
  void ExpectKeys(const std::string& type, const std::optional<std::string>& state_key,
                  const Json& content, std::vector<std::string> expected) const {
    const std::string create = "m.room.create|";
    if (GetParam() <= 11) expected.insert(expected.begin(), create);
    EXPECT_EQ(Names(AuthEventKeys(version(), type, kAlice, state_key, content)), expected)
        << type << " " << content;
    if (GetParam() >= 12) expected.push_back(create);
    EXPECT_EQ(Names(AuthStateKeys(version(), type, kAlice, state_key, content)), expected)
        << type << " " << content;
  }
};

INSTANTIATE_TEST_SUITE_P(RoomVersion, AuthEventsTest, testing::Range(1, 13),
                         testing::PrintToStringParamName());

TEST_P(AuthEventsTest, CreationHasNone) {
  EXPECT_TRUE(AuthEventKeys(version(), "m.room.create", kAlice, "", Json::object()).empty());
  EXPECT_TRUE(AuthStateKeys(version(), "m.room.create", kAlice, "", Json::object()).empty());
}

TEST_P(AuthEventsTest, OrdinaryEventsHaveLevelsAndTheSender) {
  const std::vector<std::string> expected = {kPowerLevels, MemberOf(kAlice)};
  ExpectKeys("m.room.message", std::nullopt, {{"membership", "join"}}, expected);
  ExpectKeys("m.room.power_levels", "", Json::object(), expected);
  ExpectKeys("m.room.member", std::nullopt, {{"membership", "join"}}, expected);
}

TEST_P(AuthEventsTest, MembershipsHaveTheTargetAndTheJoinRules) {
  for (const std::string membership : {"invite", "knock"}) {
    ExpectKeys("m.room.member", kBob, {{"membership", membership}},
               {kPowerLevels, MemberOf(kAlice), MemberOf(kBob), kRules});
  }
  for (const std::string membership : {"leave", "ban", "else"}) {
    ExpectKeys("m.room.member", kBob, {{"membership", membership}},
               {kPowerLevels, MemberOf(kAlice), MemberOf(kBob)});
  }
  ExpectKeys("m.room.member", kBob, Json::object(),
             {kPowerLevels, MemberOf(kAlice), MemberOf(kBob)});
  ExpectKeys("m.room.member", kAlice, {{"membership", "join"}},
             {kPowerLevels, MemberOf(kAlice), kRules});
}

TEST_P(AuthEventsTest, RestrictedJoinsHaveTheAuthorisingMember) {
  const auto expect = [&](const Json& content, std::vector<std::string> expected) {
    ExpectKeys("m.room.member", kAlice, content, std::move(expected));
  };
  const std::string key = "join_authorised_via_users_server";
  const std::vector<std::string> without = {kPowerLevels, MemberOf(kAlice), kRules};
  std::vector<std::string> with = without;
  if (GetParam() >= 8) with.push_back(MemberOf(kDan));
  expect({{"membership", "join"}, {key, kDan}}, with);
  expect({{"membership", "join"}, {key, kAlice}}, without);
  expect({{"membership", "join"}, {key, 1}}, without);
  expect({{"membership", "knock"}, {key, kDan}}, without);
}

TEST_P(AuthEventsTest, ThirdPartyInvitesHaveThePendingOne) {
  const std::vector<std::string> without = {kPowerLevels, MemberOf(kAlice), MemberOf(kBob), kRules};
  std::vector<std::string> with = without;
  with.push_back("m.room.third_party_invite|abc");
  const auto invite = [](const Json& third_party, const std::string& membership = "invite") {
    return Json({{"membership", membership}, {"third_party_invite", third_party}});
  };
  const Json good = {{"signed", {{"token", "abc"}}}};
  ExpectKeys("m.room.member", kBob, invite(good), with);
  ExpectKeys("m.room.member", kBob, invite(good, "knock"), without);
  for (const Json& bad : {Json(), Json({{"signed", 1}}), Json({{"signed", {{"token", 1}}}})}) {
    ExpectKeys("m.room.member", kBob, invite(bad), without);
  }
}

// A message of Alice's, with the auth events that it should have.
class CheckAuthEventsTest : public AuthEventsTest {
 protected:
  CheckAuthEventsTest() {
    if (GetParam() <= 11) Add("m.room.create", "");
    Add("m.room.power_levels", "");
    Add("m.room.member", kAlice);
  }

  void Add(const std::string& type, const std::optional<std::string>& state_key) {
    events_.push_back({.room_id = "!room:here", .type = type, .state_key = state_key});
  }

  // Returns the rule that refuses; the event `rejected` of them was rejected.
  std::string Refusal(size_t rejected = SIZE_MAX) const {
    std::vector<AuthEvent> auth_events;
    for (const Event& event : events_) {
      auth_events.push_back({.event = &event, .rejected = auth_events.size() == rejected});
    }
    const absl::Status status = CheckAuthEvents(version(), event_, auth_events);
    EXPECT_EQ(absl::IsPermissionDenied(status), !status.ok());
    return MetadataOf(status, "rule");
  }

  Event event_{.room_id = "!room:here", .type = "m.room.message", .sender = kAlice};
  std::vector<Event> events_;
};

INSTANTIATE_TEST_SUITE_P(RoomVersion, CheckAuthEventsTest, testing::Range(1, 13),
                         testing::PrintToStringParamName());

TEST_P(CheckAuthEventsTest, AllowsThoseSelectedInAnyOrder) {
  EXPECT_EQ(Refusal(), "");
  std::swap(events_.front(), events_.back());
  EXPECT_EQ(Refusal(), "");
}

TEST_P(CheckAuthEventsTest, AllowsFewer) {
  events_.pop_back();
  EXPECT_EQ(Refusal(), "");
}

TEST_P(CheckAuthEventsTest, RefusesOthers) {
  Add("m.room.member", kBob);
  EXPECT_EQ(Refusal(), "auth_events.not_selected");
  events_.back() = {.room_id = "!room:here", .type = "m.room.member"};
  EXPECT_EQ(Refusal(), "auth_events.not_selected");
}

TEST_P(CheckAuthEventsTest, RefusesTwoForOnePlace) {
  events_.push_back(events_.back());
  EXPECT_EQ(Refusal(), "auth_events.duplicate");
}

TEST_P(CheckAuthEventsTest, RefusesRejectedOnes) {
  for (size_t i = 0; i < events_.size(); ++i) EXPECT_EQ(Refusal(i), "auth_events.rejected");
}

TEST_P(CheckAuthEventsTest, RefusesThoseOfAnotherRoom) {
  events_.back().room_id = "!other:here";
  EXPECT_EQ(Refusal(), "auth_events.other_room");
}

TEST_P(CheckAuthEventsTest, WantsTheCreationWhereItIsNotImplied) {
  if (GetParam() <= 11) {
    events_.erase(events_.begin());
    EXPECT_EQ(Refusal(), "auth_events.no_create");
  } else {
    Add("m.room.create", "");
    EXPECT_EQ(Refusal(), "auth_events.not_selected");
  }
}

TEST_P(CheckAuthEventsTest, LeavesTheCreationAlone) {
  event_.type = "m.room.create";
  EXPECT_EQ(Refusal(), "");
}

}  // namespace
}  // namespace innkeeper::rooms
