#include "server/rooms/room_state.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace innkeeper::rooms {
namespace {

StateEntry Entry(Json content) { return {.content = std::move(content)}; }

TEST(RoomStateTest, IsOrderedByTypeThenStateKeyBytewise) {
  const StateKey ordered[] = {{"a", ""}, {"a", "\x7F"}, {"a", "\xC3\xA9"}, {"a.", ""}, {"b", "a"}};
  for (size_t i = 0; i + 1 < std::size(ordered); ++i) EXPECT_LT(ordered[i], ordered[i + 1]);
}

TEST(RoomStateTest, FindsEntries) {
  const RoomState state = {{{"m.room.name", ""}, Entry({{"name", "Lobby"}})},
                           {{"org.example.x", "key"}, Entry({{"a", 1}})}};
  EXPECT_EQ(FindState(state, "m.room.name")->content["name"], "Lobby");
  EXPECT_EQ(FindState(state, "m.room.name", "key"), nullptr);
  EXPECT_EQ(FindState(state, "org.example.x"), nullptr);
  EXPECT_EQ(StateContent(state, "org.example.x", "key")["a"], 1);
  EXPECT_EQ(StateContent(state, "org.example.y"), Json::object());
}

TEST(RoomStateTest, MembershipIsLeaveUnlessTold) {
  const RoomState state = {{{"m.room.member", "@a:x"}, Entry({{"membership", "join"}})},
                           {{"m.room.member", "@b:x"}, Entry({{"membership", "ban"}})},
                           {{"m.room.member", "@c:x"}, Entry({{"membership", 1}})}};
  EXPECT_EQ(Membership(state, "@a:x"), "join");
  EXPECT_EQ(Membership(state, "@b:x"), "ban");
  EXPECT_EQ(Membership(state, "@c:x"), "leave");
  EXPECT_EQ(Membership(state, "@d:x"), "leave");
}

TEST(RoomStateTest, LaterEventsReplaceEarlierOnes) {
  RoomState state;
  Event event{.event_id = "$1", .type = "t", .state_key = "k", .sender = "@a:x"};
  event.content = {{"n", 1}};
  event.reference_hash = std::string(32, 'h');
  ApplyEvent(state, *FindRoomVersion("2"), event);
  EXPECT_EQ(FindState(state, "t", "k")->reference, (EventReference{"$1", event.reference_hash}));
  event.event_id = "$2";
  event.content = {{"n", 2}};
  event.origin_server_ts = 5;
  ApplyEvent(state, *FindRoomVersion("11"), event);
  ASSERT_EQ(state.size(), 1u);
  const StateEntry& entry = *FindState(state, "t", "k");
  EXPECT_EQ(entry.reference, (EventReference{"$2", ""}));
  EXPECT_EQ(entry.content["n"], 2);
  EXPECT_EQ(entry.sender, "@a:x");
  EXPECT_EQ(entry.origin_server_ts, 5);
}

TEST(RoomStateTest, OnlyTrueFederates) {
  EXPECT_TRUE(IsFederated(Json::object()));
  EXPECT_TRUE(IsFederated({{"m.federate", true}}));
  EXPECT_FALSE(IsFederated({{"m.federate", false}}));
  EXPECT_FALSE(IsFederated({{"m.federate", "true"}}));
  EXPECT_FALSE(IsFederated({{"m.federate", nullptr}}));
}

TEST(SummariseTest, DrawsTheRoomFromItsState) {
  RoomState state = {{{"m.room.create", ""},
                      Entry({{"type", "m.space"}, {"predecessor", {{"room_id", "!old:x"}}}})},
                     {{"m.room.name", ""}, Entry({{"name", "Lobby"}})},
                     {{"m.room.topic", ""}, Entry({{"topic", "Talk"}})},
                     {{"m.room.canonical_alias", ""}, Entry({{"alias", "#lobby:x"}})},
                     {{"m.room.encryption", ""}, Entry({{"algorithm", "m.megolm.v1.aes-sha2"}})},
                     {{"m.room.membership", ""}, Entry({{"membership", "join"}})},
                     {{"m.room.membe", ""}, Entry({{"membership", "join"}})}};
  const char* const memberships[] = {"join",   "join",  "join", "invite",
                                     "invite", "leave", "ban",  "knock"};
  for (size_t i = 0; i < std::size(memberships); ++i) {
    state[{"m.room.member", absl::StrCat("@", i, ":x")}] = Entry({{"membership", memberships[i]}});
  }
  const RoomSummary summary = Summarise(state);
  EXPECT_EQ(summary.name, "Lobby");
  EXPECT_EQ(summary.topic, "Talk");
  EXPECT_EQ(summary.canonical_alias, "#lobby:x");
  EXPECT_EQ(summary.encryption_algorithm, "m.megolm.v1.aes-sha2");
  EXPECT_EQ(summary.room_type, "m.space");
  EXPECT_EQ(summary.predecessor_room_id, "!old:x");
  EXPECT_EQ(summary.joined_member_count, 3);
  EXPECT_EQ(summary.invited_member_count, 2);
}

TEST(SummariseTest, IsEmptyWhereTheStateIsSilentOrStrange) {
  const RoomState state = {{{"m.room.create", ""}, Entry({{"predecessor", "!old:x"}})},
                           {{"m.room.name", ""}, Entry({{"name", 5}})}};
  const RoomSummary summary = Summarise(state);
  EXPECT_EQ(summary.name, "");
  EXPECT_EQ(summary.predecessor_room_id, "");
  EXPECT_EQ(summary.room_type, "");
  EXPECT_EQ(summary.joined_member_count, 0);
}

}  // namespace
}  // namespace innkeeper::rooms
