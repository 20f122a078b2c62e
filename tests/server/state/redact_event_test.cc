#include <gtest/gtest.h>

#include <set>
#include <string>

#include "server/errors/errors.h"
#include "tests/server/state/state_fixture.h"

namespace innkeeper::state {
namespace {

class RedactEventTest : public StateFixture {
 protected:
  std::string MessageOf(const std::string& room_id, const std::string& sender) {
    const auto sent = Send(room_id, sender, "secret");
    EXPECT_TRUE(sent.ok()) << sent.status();
    return sent->event().event_id();
  }

  v1::ErrorReason ReasonFor(const std::string& room_id, const std::string& requester,
                            const std::string& event_id) {
    return ReasonOf(Redact(room_id, requester, event_id).status());
  }

  // The rooms that the state of others names `room_id` from.
  std::set<std::string> LinksTo(const std::string& room_id) const {
    std::set<std::string> from;
    EXPECT_TRUE(storage::RoomReader(engine_)
                    .ScanLinks(room_id,
                               [&](const std::string& linking, const storage::StatePosition&) {
                                 from.insert(linking);
                                 return true;
                               })
                    .ok());
    return from;
  }
};

TEST_F(RedactEventTest, OnesOwnEventsOrWithThePowerForThoseOfOthers) {
  // Up to version 2 the rules of the room would let any redaction within a server be.
  for (const std::string version : {"1", "2", "3", "11", "12"}) {
    SCOPED_TRACE(version);
    const std::string room_id = NewRoom(version);
    Join(room_id, kBob);
    const std::string of_alice = MessageOf(room_id, kAlice);
    const absl::Status refused = Redact(room_id, kBob, of_alice).status();
    EXPECT_EQ(ReasonOf(refused), v1::ERROR_REASON_INSUFFICIENT_POWER);
    EXPECT_EQ(MetadataOf(refused, "required"), "50");
    EXPECT_EQ(MetadataOf(refused, "actual"), "0");
    EXPECT_EQ(Event(room_id, of_alice).content(), R"({"body":"secret","msgtype":"m.text"})");
    EXPECT_EQ(Event(room_id, of_alice).redacted_by(), "");

    for (const std::string user : {kBob, kAlice}) {
      const std::string of_bob = MessageOf(room_id, kBob);
      const auto redacted = Redact(room_id, user, of_bob);
      ASSERT_TRUE(redacted.ok()) << redacted.status();
      EXPECT_EQ(Event(room_id, of_bob).content(), "{}");
      EXPECT_EQ(Event(room_id, of_bob).redacted_by(), redacted->event().event_id());
    }
    // Having been redacted already doesn't open it to everybody.
    ASSERT_TRUE(Redact(room_id, kAlice, of_alice).ok());
    EXPECT_EQ(ReasonFor(room_id, kBob, of_alice), v1::ERROR_REASON_INSUFFICIENT_POWER);
  }
}

TEST_F(RedactEventTest, ThePowerThatIsRequiredSuffices) {
  const std::string room_id = NewRoom();
  Join(room_id, kBob);
  const auto raise = [&](int level) {
    ASSERT_TRUE(
        Append(room_id, {.type = "m.room.power_levels",
                         .state_key = "",
                         .sender = kAlice,
                         .content = {{"users", {{kAlice, 100}, {kBob, level}}}, {"redact", 60}}})
            .ok());
  };
  const std::string of_alice = MessageOf(room_id, kAlice);
  raise(59);
  EXPECT_EQ(ReasonFor(room_id, kBob, of_alice), v1::ERROR_REASON_INSUFFICIENT_POWER);
  raise(60);
  EXPECT_EQ(ReasonFor(room_id, kBob, of_alice), v1::ERROR_REASON_UNSPECIFIED);
}

TEST_F(RedactEventTest, AReasonMayTakeAKibibyte) {
  const std::string room_id = NewRoom();
  for (const size_t size : {1024, 1025}) {
    RedactEventCommand command;
    command.room_id = room_id;
    command.requester = kAlice;
    command.event_id = MessageOf(room_id, kAlice);
    command.reason = std::string(size, 'r');
    EXPECT_EQ(transactor_.RunAndWait(writer_.RedactEvent(command)).ok(), size == 1024);
  }
}

TEST_F(RedactEventTest, WhatTheRoomDependsOnStays) {
  const std::string room_id = NewRoom();
  ASSERT_TRUE(Set(room_id, kAlice, "m.room.server_acl", R"({"allow": ["*"]})").ok());
  for (const std::string type : {"m.room.create", "m.room.server_acl"}) {
    EXPECT_EQ(ReasonFor(room_id, kAlice, StandingEvent(room_id, type)),
              v1::ERROR_REASON_INVALID_REQUEST)
        << type;
  }
}

TEST_F(RedactEventTest, OnlyMembersLearnWhichEventsThereAre) {
  const std::string room_id = NewRoom();
  Join(room_id, kBob);
  ASSERT_TRUE(Append(room_id, {.type = "m.room.member",
                               .state_key = kBob,
                               .sender = kBob,
                               .content = {{"membership", "leave"}}})
                  .ok());
  EXPECT_EQ(ReasonFor(room_id, kAlice, "$none"), v1::ERROR_REASON_EVENT_NOT_FOUND);
  EXPECT_EQ(ReasonFor(room_id, kBob, "$none"), v1::ERROR_REASON_EVENT_NOT_AUTHORIZED);
}

TEST_F(RedactEventTest, AMemberStaysWhatTheyAre) {
  const std::string room_id = NewRoom();
  Join(room_id, kBob);
  ASSERT_TRUE(Append(room_id, {.type = "m.room.member",
                               .state_key = kBob,
                               .sender = kBob,
                               .content = {{"membership", "join"}, {"displayname", "secret"}}})
                  .ok());
  const storage::RoomRecord before = Room(room_id);
  const std::string event_id = StandingEvent(room_id, "m.room.member", kBob);
  ASSERT_TRUE(Redact(room_id, kAlice, event_id).ok());
  EXPECT_EQ(Event(room_id, event_id).content(), R"({"membership":"join"})");
  EXPECT_EQ(Room(room_id).joined_member_count(), before.joined_member_count());
  EXPECT_TRUE(Send(room_id, kBob).ok());
}

TEST_F(RedactEventTest, LinksGoWithTheContentThatMadeThem) {
  const std::string space = NewRoom();
  const std::string child = NewRoom();
  ASSERT_TRUE(Set(space, kAlice, "m.space.child", R"({"via": ["example.org"]})", child).ok());
  const std::string first = StandingEvent(space, "m.space.child", child);
  ASSERT_TRUE(Set(space, kAlice, "m.space.child", R"({"via": ["b.org"]})", child).ok());
  // An event that another took the place of has no say in it.
  ASSERT_TRUE(Redact(space, kAlice, first).ok());
  EXPECT_EQ(LinksTo(child), std::set<std::string>{space});
  ASSERT_TRUE(Redact(space, kAlice, StandingEvent(space, "m.space.child", child)).ok());
  EXPECT_EQ(LinksTo(child), std::set<std::string>());
}

}  // namespace
}  // namespace innkeeper::state
