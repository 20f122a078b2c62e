#include "server/rooms/event_chain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "server/errors/errors.h"
#include "server/rooms/genesis.h"
#include "server/rooms/identifiers.h"
#include "tests/server/rooms/build_context.h"
#include "tests/server/rooms/version.h"
#include "tests/server/rooms/violations.h"
#include "tests/support/people.h"

namespace innkeeper::rooms {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

absl::Status Append(EventChain& chain, const std::string& type, const std::string& state_key,
                    Json content, const std::string& sender = kAlice) {
  return chain.Append({.type = type,
                       .state_key = state_key,
                       .sender = sender,
                       .content = std::move(content),
                       .source_field = "the_field"});
}

absl::Status AppendCreate(EventChain& chain, const RoomVersion& version) {
  return Append(chain, "m.room.create", "",
                CreateContent(version, kAlice, Json::object(), Context()));
}

// Appends the first three events of a room.
void Start(EventChain& chain, const RoomVersion& version) {
  ASSERT_TRUE(AppendCreate(chain, version).ok());
  ASSERT_TRUE(Append(chain, "m.room.member", kAlice, {{"membership", "join"}}).ok());
  Json users = Json::object();
  if (!version.creators_have_unbounded_power) users[kAlice] = 100;
  ASSERT_TRUE(Append(chain, "m.room.power_levels", "", {{"users", users}}).ok());
}

EventChain StartedRoom(const RoomVersion& version) {
  EventChain chain(version, Context());
  Start(chain, version);
  return chain;
}

// The types and state keys of the auth events of the last event, in their order.
std::vector<std::string> AuthOfLast(const EventChain& chain) {
  std::vector<std::string> names;
  for (const EventReference& reference : chain.events().back().auth_events) {
    for (const Event& event : chain.events()) {
      if (event.event_id == reference.event_id) {
        names.push_back(absl::StrCat(event.type, "|", *event.state_key));
      }
    }
  }
  EXPECT_EQ(names.size(), chain.events().back().auth_events.size());
  return names;
}

TEST(EventChainTest, EachEventFollowsTheOneBefore) {
  for (const RoomVersion& version : AllRoomVersions()) {
    SCOPED_TRACE(version.id);
    const EventChain chain = StartedRoom(version);
    const std::vector<Event>& events = chain.events();
    ASSERT_EQ(events.size(), 3u);
    EXPECT_THAT(events[0].prev_events, IsEmpty());
    EXPECT_THAT(events[0].auth_events, IsEmpty());
    for (size_t i = 0; i < events.size(); ++i) {
      EXPECT_EQ(events[i].depth, static_cast<int64_t>(i) + 1);
      EXPECT_EQ(events[i].room_id, chain.room_id());
      EXPECT_EQ(events[i].origin_server_ts, 1700000000000);
      if (i == 0) continue;
      EXPECT_THAT(events[i].prev_events, ElementsAre(ReferenceTo(version, events[i - 1])));
    }
    EXPECT_EQ(chain.state().size(), 3u);
    EXPECT_EQ(FindState(chain.state(), "m.room.power_levels")->reference,
              ReferenceTo(version, events[2]));
  }
}

TEST(EventChainTest, RoomIdIsOpaqueOrTheHashOfTheFirstEvent) {
  for (const RoomVersion& version : AllRoomVersions()) {
    SCOPED_TRACE(version.id);
    EventChain chain(version, Context());
    const std::string before = chain.room_id();
    ASSERT_TRUE(AppendCreate(chain, version).ok());
    EXPECT_TRUE(CheckRoomId(chain.room_id()).ok()) << chain.room_id();
    if (version.room_id_format == RoomIdFormat::kOpaque) {
      EXPECT_EQ(chain.room_id(), before);
      EXPECT_EQ(chain.room_id().size(), std::string("!:example.org").size() + 18);
      for (const char c : chain.room_id().substr(1, 18)) EXPECT_TRUE(absl::ascii_isalpha(c));
    } else {
      EXPECT_EQ(before, "");
      EXPECT_EQ(chain.room_id(), absl::StrCat("!", chain.events()[0].event_id.substr(1)));
    }
  }
}

TEST(EventChainTest, OpaqueIdsFollowFromTheNonceAndDiffer) {
  std::set<std::string> ids;
  size_t expected = 0;
  for (int i = 0; i < 500; ++i) {
    EventChain chain(Version("1"), Context(absl::StrCat("nonce number ", i)));
    ids.insert(chain.room_id());
    Start(chain, Version("1"));
    for (const Event& event : chain.events()) ids.insert(event.event_id);
    expected += 4;
    EXPECT_EQ(EventChain(Version("1"), Context(absl::StrCat("nonce number ", i))).room_id(),
              chain.room_id());
  }
  EXPECT_EQ(ids.size(), expected);
}

// An upgrade builds the events of two rooms with one nonce.
TEST(EventChainTest, OpaqueEventIdsOfTwoRoomsDifferForTheSameNonce) {
  EventChain new_room(Version("1"), Context());
  EventChain old_room(Version("1"), Context(), {.room_id = "!old:example.org", .depth = 0}, {});
  ASSERT_TRUE(AppendCreate(new_room, Version("1")).ok());
  ASSERT_TRUE(AppendCreate(old_room, Version("1")).ok());
  EXPECT_NE(new_room.events()[0].event_id, old_room.events()[0].event_id);
}

TEST(EventChainTest, SelectsAuthEventsInOrder) {
  for (const RoomVersion& version : AllRoomVersions()) {
    SCOPED_TRACE(version.id);
    EventChain chain = StartedRoom(version);
    const auto expect_auth = [&](std::vector<std::string> expected) {
      if (!version.create_event_implied) expected.insert(expected.begin(), "m.room.create|");
      EXPECT_EQ(AuthOfLast(chain), expected) << chain.events().back().type;
    };
    const std::string levels = "m.room.power_levels|";
    const std::string alice = "m.room.member|@alice:example.org";
    const std::string bob = "m.room.member|@bob:example.org";
    const std::string rules = "m.room.join_rules|";

    ASSERT_TRUE(Append(chain, "m.room.join_rules", "", {{"join_rule", "invite"}}).ok());
    expect_auth({levels, alice});
    ASSERT_TRUE(Append(chain, "m.room.member", kBob, {{"membership", "invite"}}).ok());
    expect_auth({levels, alice, rules});
    ASSERT_TRUE(Append(chain, "m.room.member", kBob, {{"membership", "join"}}, kBob).ok());
    ASSERT_EQ(chain.events().size(), 6u);
    // The target is the sender: no event twice.
    EXPECT_EQ(chain.events().back().auth_events.size(), version.create_event_implied ? 3u : 4u);
    ASSERT_TRUE(Append(chain, "m.room.member", kBob, {{"membership", "leave"}}).ok());
    expect_auth({levels, alice, bob});
    if (!version.restricted_joins) continue;
    ASSERT_TRUE(Append(chain, "m.room.join_rules", "", {{"join_rule", "restricted"}}).ok());
    ASSERT_TRUE(Append(chain, "m.room.member", "@dave:x",
                       {{"membership", "join"}, {"join_authorised_via_users_server", kAlice}},
                       "@dave:x")
                    .ok());
    expect_auth({levels, rules, alice});
  }
}

TEST(EventChainTest, RefusesWhatTheRulesDoNotAllowAndStaysAsItWas) {
  for (const RoomVersion& version : AllRoomVersions()) {
    SCOPED_TRACE(version.id);
    EventChain chain = StartedRoom(version);
    const absl::Status status = Append(chain, "m.room.name", "", {{"name", "x"}}, kBob);
    EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
    EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_EVENT_NOT_AUTHORIZED);
    EXPECT_EQ(MetadataOf(status, "rule"), "event.sender_not_joined");
    EXPECT_EQ(chain.events().size(), 3u);
    EXPECT_EQ(chain.state().size(), 3u);
    ASSERT_TRUE(Append(chain, "m.room.name", "", {{"name", "x"}}).ok());
    EXPECT_EQ(chain.events().back().depth, 4);
  }
}

// Others' would have to be signed by their servers.
TEST(EventChainTest, JoinsAreAuthorisedByOurUsersOnly) {
  const std::string carol = "@carol:elsewhere";
  const auto join_by = [](Json authoriser) {
    return Json({{"membership", "join"}, {"join_authorised_via_users_server", authoriser}});
  };
  for (const RoomVersion& version : AllRoomVersions()) {
    SCOPED_TRACE(version.id);
    EventChain chain = StartedRoom(version);
    ASSERT_TRUE(Append(chain, "m.room.join_rules", "", {{"join_rule", "public"}}).ok());
    ASSERT_TRUE(Append(chain, "m.room.member", carol, {{"membership", "join"}}, carol).ok());
    for (const Json& authoriser : {Json(carol), Json("nobody"), Json(1)}) {
      const absl::Status status = Append(chain, "m.room.member", kBob, join_by(authoriser), kBob);
      EXPECT_EQ(MetadataOf(status, "rule"),
                version.restricted_joins ? "member.authorising_server" : "");
    }
    EXPECT_TRUE(Append(chain, "m.room.member", kBob, join_by(kAlice), kBob).ok());
  }
}

TEST(EventChainTest, GoesOnFromATipAsIfNeverInterrupted) {
  for (const RoomVersion& version : AllRoomVersions()) {
    SCOPED_TRACE(version.id);
    EventChain whole = StartedRoom(version);
    EventChain part = StartedRoom(version);
    EventChain resumed(version, Context(),
                       {.room_id = part.room_id(),
                        .depth = 3,
                        .latest_events = {ReferenceTo(version, part.events().back())}},
                       part.state());
    ASSERT_TRUE(Append(whole, "m.room.name", "", {{"name", "x"}}).ok());
    ASSERT_TRUE(Append(resumed, "m.room.name", "", {{"name", "x"}}).ok());
    EXPECT_EQ(resumed.events().size(), 1u);
    EXPECT_EQ(resumed.events().back().event_id, whole.events().back().event_id);
    EXPECT_EQ(resumed.state().size(), 4u);
  }
}

TEST(EventChainTest, TheFirstEventBehindBranchesBringsThemTogether) {
  for (const RoomVersion& version : AllRoomVersions()) {
    SCOPED_TRACE(version.id);
    const EventChain start = StartedRoom(version);
    const std::vector<EventReference> branches = {{"$b:example.org", "b"}, {"$a:example.org", "a"}};
    EventChain chain(version, Context(),
                     {.room_id = start.room_id(), .depth = 7, .latest_events = branches},
                     start.state());
    ASSERT_TRUE(Append(chain, "m.room.name", "", {{"name", "x"}}).ok());
    ASSERT_TRUE(Append(chain, "m.room.topic", "", {{"topic", "x"}}).ok());
    const Event& first = chain.events()[0];
    EXPECT_EQ(first.prev_events, branches);
    EXPECT_EQ(first.depth, 8);
    EXPECT_THAT(chain.events()[1].prev_events, ElementsAre(ReferenceTo(version, first)));
    EXPECT_EQ(chain.events()[1].depth, 9);
  }
}

TEST(EventChainTest, MoreBranchesThanAnEventCanReferToAreBroughtTogetherByAndBy) {
  const RoomVersion& version = Version("11");
  const EventChain start = StartedRoom(version);
  std::vector<EventReference> branches;
  for (int i = 0; i < 45; ++i) branches.push_back({absl::StrCat("$", i)});
  EventChain chain(version, Context(),
                   {.room_id = start.room_id(), .depth = 7, .latest_events = branches},
                   start.state());
  std::vector<EventReference> expected(branches.begin(), branches.begin() + 20);
  for (const size_t taken : {39, 45, 45}) {
    ASSERT_TRUE(Append(chain, "m.room.name", "", {{"name", "x"}}).ok());
    EXPECT_EQ(chain.events().back().prev_events, expected);
    expected = {ReferenceTo(version, chain.events().back())};
    const size_t first = 20 + 19 * (chain.events().size() - 1);
    for (size_t i = first; i < taken; ++i) expected.push_back(branches[i]);
  }
}

TEST(EventChainTest, DepthsEndWhereTheVersionHasThemEnd) {
  for (const RoomVersion& version : AllRoomVersions()) {
    SCOPED_TRACE(version.id);
    const EventChain start = StartedRoom(version);
    EventChain chain(version, Context(),
                     {.room_id = start.room_id(),
                      .depth = MaxInteger(version) - 1,
                      .latest_events = {ReferenceTo(version, start.events().back())}},
                     start.state());
    ASSERT_TRUE(Append(chain, "m.room.name", "", {{"name", "x"}}).ok());
    ASSERT_TRUE(Append(chain, "m.room.name", "", {{"name", "x"}}).ok());
    EXPECT_EQ(chain.events()[0].depth, MaxInteger(version));
    EXPECT_EQ(chain.events()[1].depth, MaxInteger(version));
    EXPECT_NE(chain.events()[0].event_id, chain.events()[1].event_id);
  }
}

TEST(EventChainTest, NumbersThatCanonicalJsonLacksAreForOldVersions) {
  for (const RoomVersion& version : AllRoomVersions()) {
    SCOPED_TRACE(version.id);
    EventChain chain = StartedRoom(version);
    const absl::Status status = Append(chain, "org.example.x", "", {{"a", {{"b", 0.5}}}});
    EXPECT_EQ(status.ok(), !version.strict_canonical_json);
    if (status.ok()) continue;
    EXPECT_THAT(ViolatedFields(status), ElementsAre("the_field.a.b"));
  }
}

TEST(EventChainTest, GoesOnBehindEventsThatItHandedOver) {
  for (const RoomVersion& version : AllRoomVersions()) {
    SCOPED_TRACE(version.id);
    EventChain whole = StartedRoom(version);
    EventChain parted = StartedRoom(version);
    EXPECT_EQ(parted.TakeEvents().size(), 3u);
    EXPECT_THAT(parted.events(), IsEmpty());
    for (EventChain* chain : {&whole, &parted}) {
      ASSERT_TRUE(Append(*chain, "m.room.member", kBob, {{"membership", "invite"}}).ok());
      ASSERT_TRUE(Append(*chain, "m.room.member", kBob, {{"membership", "join"}}, kBob).ok());
      ASSERT_TRUE(Append(*chain, "m.room.name", "", {{"name", "x"}}).ok());
    }
    const std::vector<Event> events = parted.TakeEvents();
    ASSERT_EQ(events.size(), 3u);
    EXPECT_EQ(events.back().event_id, whole.events().back().event_id);
    EXPECT_THAT(parted.TakeEvents(), IsEmpty());
  }
}

TEST(EventChainTest, WhatItForgetsStandsForItNoMore) {
  EventChain chain = StartedRoom(Version("11"));
  ASSERT_TRUE(Append(chain, "m.room.join_rules", "", {{"join_rule", "public"}}).ok());
  ASSERT_TRUE(Append(chain, "m.room.member", kBob, {{"membership", "join"}}, kBob).ok());
  EXPECT_EQ(chain.state().size(), 5u);
  chain.Forget({"m.room.member", kBob});
  EXPECT_EQ(chain.state().size(), 4u);
  EXPECT_FALSE(chain.Append({.type = "m.room.message", .sender = kBob}).ok());
  EXPECT_TRUE(chain.Append({.type = "m.room.message", .sender = kAlice}).ok());
}

TEST(EventChainTest, MessageEventsDoNotChangeTheState) {
  EventChain chain = StartedRoom(Version("11"));
  ASSERT_TRUE(chain.Append({.type = "m.room.message", .sender = kAlice}).ok());
  EXPECT_EQ(chain.state().size(), 3u);
  EXPECT_EQ(chain.events().back().depth, 4);
}

TEST(EventChainTest, RefusesWhatIsTooLargeAndStaysAsItWas) {
  for (const RoomVersion& version : AllRoomVersions()) {
    SCOPED_TRACE(version.id);
    EventChain chain = StartedRoom(version);
    ASSERT_TRUE(Append(chain, "t", "", {{"a", ""}}).ok());
    const size_t empty_size = CanonicalJson(PduJson(version, chain.events().back())).size();
    // The next one's depth and references are as long as this one's.
    const size_t fits = kMaxEventBytes - 512 - empty_size;
    const absl::Status status = Append(chain, "t", "", {{"a", std::string(fits + 1, 'x')}});
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(ViolatedFields(status), ElementsAre("the_field"));
    EXPECT_EQ(chain.events().size(), 4u);
    EXPECT_EQ(chain.state().at({"t", ""}).content["a"], "");
    EXPECT_TRUE(Append(chain, "t", "", {{"a", std::string(fits, 'x')}}).ok());
    EXPECT_EQ(CanonicalJson(PduJson(version, chain.events().back())).size(), kMaxEventBytes - 512);
    // Escapes count as they are written.
    EXPECT_FALSE(Append(chain, "t", "", {{"a", std::string(fits / 2, '\n')}, {"b", ""}}).ok());
  }
}

TEST(EventChainTest, RefusesLongTypesAndStateKeys) {
  EventChain chain = StartedRoom(Version("11"));
  const std::string longest(kMaxEventKeyBytes, 'k');
  EXPECT_TRUE(Append(chain, longest, longest, Json::object()).ok());
  EXPECT_THAT(Violations(Append(chain, longest + "k", "", Json::object())),
              ElementsAre(HasSubstr("the_field: makes an event whose type is longer than 255")));
  EXPECT_THAT(Violations(Append(chain, "t", longest + "k", Json::object())),
              ElementsAre(HasSubstr("the_field: makes an event whose state key is longer")));
  EXPECT_EQ(chain.events().size(), 4u);
}

}  // namespace
}  // namespace innkeeper::rooms
