#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"
#include "server/errors/errors.h"
#include "tests/server/state/state_fixture.h"

namespace innkeeper::state {
namespace {

constexpr char kLobby[] = "#lobby:example.org";

class SetStateTest : public StateFixture {
 protected:
  v1::ErrorReason ReasonFor(const std::string& room_id, const std::string& requester,
                            const std::string& type, absl::string_view content,
                            const std::string& state_key = "") {
    return ReasonOf(Set(room_id, requester, type, content, state_key).status());
  }
};

TEST_F(SetStateTest, TheRulesDecideWhoSetsWhat) {
  const std::string room_id = NewRoom();
  Join(room_id, kBob);
  EXPECT_EQ(ReasonFor(room_id, kBob, "m.room.name", R"({"name": "x"})"),
            v1::ERROR_REASON_INSUFFICIENT_POWER);
  EXPECT_EQ(ReasonFor(room_id, kAlice, "org.example.x", "{}", kBob),
            v1::ERROR_REASON_EVENT_NOT_AUTHORIZED);
  EXPECT_EQ(ReasonFor(room_id, kAlice, "org.example.x", "{}", kAlice),
            v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(ReasonFor(room_id, "@carol:example.org", "m.room.name", R"({"name": "x"})"),
            v1::ERROR_REASON_ROOM_NOT_FOUND);
}

TEST_F(SetStateTest, WhoIsBannedSetsNoAliasesOfTheServer) {
  const std::string room_id = NewRoom("5");
  Join(room_id, kBob);
  ASSERT_TRUE(Append(room_id, {.type = "m.room.member",
                               .state_key = kBob,
                               .sender = kAlice,
                               .content = {{"membership", "ban"}}})
                  .ok());
  EXPECT_EQ(ReasonFor(room_id, kBob, "m.room.aliases", R"({"aliases": []})", "example.org"),
            v1::ERROR_REASON_INVALID_REQUEST);
}

TEST_F(SetStateTest, WhatStandsThereIsOnlyShownToThoseWhoMightHaveSetIt) {
  const std::string room_id = NewRoom();
  Join(room_id, kBob);
  const auto first = Set(room_id, kAlice, "m.room.name", R"({"name": "x", "a": 1})");
  ASSERT_TRUE(first.ok() && first->changed()) << first.status();
  const int64_t revision = Room(room_id).revision();
  const auto same = Set(room_id, kAlice, "m.room.name", R"({"a": 1, "name": "x"})");
  ASSERT_TRUE(same.ok()) << same.status();
  EXPECT_FALSE(same->changed());
  EXPECT_EQ(same->event().DebugString(), first->event().DebugString());
  EXPECT_EQ(ReasonFor(room_id, kBob, "m.room.name", R"({"name": "x", "a": 1})"),
            v1::ERROR_REASON_INSUFFICIENT_POWER);
  EXPECT_EQ(Room(room_id).revision(), revision);
}

TEST_F(SetStateTest, LocalAliasesMustBeTheRooms) {
  const std::string room_id = NewRoom("11", kLobby);
  const std::string other = NewRoom("11", "#other:example.org");
  EXPECT_TRUE(Set(room_id, kAlice, "m.room.canonical_alias",
                  R"({"alias": "#lobby:example.org", "alt_aliases": ["#any:elsewhere.net"]})")
                  .ok());
  EXPECT_EQ(Room(room_id).canonical_alias(), kLobby);
  const auto refused = Set(room_id, kAlice, "m.room.canonical_alias",
                           R"({"alias": "#other:example.org",
              "alt_aliases": ["#lobby:example.org", "#nobodys:example.org"]})");
  EXPECT_EQ(ReasonOf(refused.status()), v1::ERROR_REASON_INVALID_REQUEST);
  FieldErrors errors;
  errors.AddStatus("", refused.status());
  EXPECT_TRUE(absl::StrContains(refused.status().message(), "content.alias")) << refused.status();
  EXPECT_EQ(ReasonFor(room_id, kAlice, "m.room.canonical_alias",
                      R"({"alt_aliases": ["#lobby:example.org", "#nobodys:example.org"]})"),
            v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_TRUE(Set(room_id, kAlice, "m.room.canonical_alias", "{}").ok());
  EXPECT_EQ(Room(room_id).canonical_alias(), "");
}

TEST_F(SetStateTest, AnAliasThatGoesMeanwhileIsNoticed) {
  const std::string room_id = NewRoom("11", kLobby);
  ASSERT_TRUE(Set(room_id, kAlice, "m.room.canonical_alias", "{}").ok());
  bool deleted = false;
  engine_.SetHook([&](const storage::CommitRequest&) {
    if (deleted) return;
    deleted = true;
    storage::RoomCommit commit;
    commit.DeleteAlias(kLobby, room_id,
                       storage::RoomReader(*store_).GetAlias(kLobby)->value().revision);
    ASSERT_TRUE(CommitAndWait(*store_, commit.Take()).status.ok());
  });
  EXPECT_EQ(
      ReasonFor(room_id, kAlice, "m.room.canonical_alias", R"({"alias": "#lobby:example.org"})"),
      v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_EQ(Room(room_id).canonical_alias(), "");
}

}  // namespace
}  // namespace innkeeper::state
