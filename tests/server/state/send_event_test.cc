#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "server/errors/errors.h"
#include "server/lifecycle/room_status.h"
#include "tests/server/state/state_fixture.h"

namespace innkeeper::state {
namespace {

class SendEventTest : public StateFixture {
 protected:
  v1::ErrorReason ReasonFor(const std::string& room_id, const std::string& type,
                            rooms::Json content = rooms::Json::object()) {
    SendEventCommand command;
    command.room_id = room_id;
    command.requester = kAlice;
    command.type = type;
    command.content = std::move(content);
    return ReasonOf(transactor_.RunAndWait(writer_.SendEvent(std::move(command))).status());
  }
};

TEST_F(SendEventTest, TakesNoStateAndNoRedactions) {
  const std::string room_id = NewRoom();
  for (const std::string type :
       {"", "m.room.name", "m.room.member", "m.space.child", "m.room.redaction"}) {
    EXPECT_EQ(ReasonFor(room_id, type), v1::ERROR_REASON_INVALID_REQUEST) << type;
  }
  EXPECT_EQ(ReasonFor(room_id, std::string(256, 't')), v1::ERROR_REASON_INVALID_REQUEST);
  for (const std::string& type : {std::string("m.reaction"), std::string(255, 't')}) {
    EXPECT_EQ(ReasonFor(room_id, type), v1::ERROR_REASON_UNSPECIFIED) << type;
  }
}

TEST_F(SendEventTest, EventsHaveWhatOthersCountOn) {
  const std::string room_id = NewRoom();
  const auto wrong = v1::ERROR_REASON_INVALID_REQUEST;
  EXPECT_EQ(ReasonFor(room_id, "m.room.message", {{"body", "x"}}), wrong);
  EXPECT_EQ(ReasonFor(room_id, "org.example.x", {{"m.mentions", 5}}), wrong);
  EXPECT_EQ(ReasonFor(room_id, "org.example.x", {{"a", 0.5}}), wrong);
  EXPECT_EQ(ReasonFor(room_id, "m.room.message", {{"body", "x"}, {"msgtype", "m.text"}}),
            v1::ERROR_REASON_UNSPECIFIED);
}

TEST_F(SendEventTest, GivesTheEventTheNextNumberAndRevision) {
  const std::string room_id = NewRoom();
  const storage::RoomRecord before = Room(room_id);
  const auto sent = Send(room_id, kAlice);
  ASSERT_TRUE(sent.ok()) << sent.status();
  EXPECT_EQ(sent->event().number(), before.latest_event_number() + 1);
  EXPECT_EQ(sent->event().revision(), before.revision() + 1);
  EXPECT_EQ(Room(room_id).latest_event_number(), sent->event().number());
}

TEST_F(SendEventTest, WhoLeftOrWasBannedIsTheRulesAffair) {
  const std::string room_id = NewRoom();
  Join(room_id, kBob);
  EXPECT_TRUE(Send(room_id, kBob).ok());
  ASSERT_TRUE(Append(room_id, {.type = "m.room.member",
                               .state_key = kBob,
                               .sender = kAlice,
                               .content = {{"membership", "ban"}}})
                  .ok());
  EXPECT_EQ(ReasonOf(Send(room_id, kBob).status()), v1::ERROR_REASON_EVENT_NOT_AUTHORIZED);
  EXPECT_EQ(ReasonOf(Send(room_id, "@carol:example.org").status()),
            v1::ERROR_REASON_ROOM_NOT_FOUND);
  EXPECT_EQ(ReasonOf(Send(room_id, "@carol:elsewhere.net").status()),
            v1::ERROR_REASON_INVALID_REQUEST);
}

TEST_F(SendEventTest, ARoomThatIsBeingUpgradedIsLeftAlone) {
  const std::string room_id = NewRoom();
  auto room = storage::RoomReader(engine_).GetRoom(room_id);
  lifecycle::LockForUpgrade((*room)->record, storage::UpgradeRecord());
  storage::RoomCommit lock;
  lock.UpdateRoom((*room)->record, (*room)->revision);
  ASSERT_TRUE(CommitAndWait(engine_, lock.Take()).status.ok());
  EXPECT_EQ(ReasonOf(Send(room_id, kAlice).status()), v1::ERROR_REASON_ROOM_UPGRADE_IN_PROGRESS);
  EXPECT_EQ(ReasonOf(Set(room_id, kAlice, "m.room.name", R"({"name": "x"})").status()),
            v1::ERROR_REASON_ROOM_UPGRADE_IN_PROGRESS);
  // Strangers don't learn of it.
  EXPECT_EQ(ReasonOf(Send(room_id, kBob).status()), v1::ERROR_REASON_ROOM_NOT_FOUND);
}

TEST_F(SendEventTest, EventsThatAreTooLargeNameTheirContent) {
  const std::string room_id = NewRoom();
  EXPECT_TRUE(Send(room_id, kAlice, std::string(60'000, 'x')).ok());
  EXPECT_EQ(ReasonOf(Send(room_id, kAlice, std::string(66'000, 'x')).status()),
            v1::ERROR_REASON_INVALID_REQUEST);
}

}  // namespace
}  // namespace innkeeper::state
