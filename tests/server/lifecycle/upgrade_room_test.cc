#include "server/lifecycle/upgrade_room.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/errors/errors.h"
#include "server/events/event_codec.h"
#include "storage/room_store.h"
#include "tests/server/lifecycle/upgrade_fixture.h"

namespace innkeeper::lifecycle {
namespace {

using storage::RoomReader;
using testing::ElementsAre;

class UpgradeRoomTest : public UpgradeFixture {
 protected:
  void SetOwnMembership(const std::string& room_id, const std::string& user,
                        const std::string& membership) {
    const RoomReader reader(engine_);
    RoomEdit edit(reader, **reader.GetRoom(room_id), context_);
    ASSERT_TRUE(edit.Append({.type = "m.room.member",
                             .state_key = user,
                             .sender = user,
                             .content = {{"membership", membership}}})
                    .ok());
    storage::RoomCommit commit;
    ASSERT_TRUE(edit.Stage(commit).ok());
    ASSERT_TRUE(CommitAndWait(engine_, commit.Take()).status.ok());
  }
};

TEST_F(UpgradeRoomTest, ReplacesTheRoomAndTellsSo) {
  const std::string old_id = NewRoom("#lobby:example.org");
  auto response = upgrader_->Upgrade(Command(old_id));
  ASSERT_TRUE(response.ok()) << response.status();
  const std::string new_id = response->room().room_id();

  const storage::RoomRecord old_room = Room(old_id);
  EXPECT_EQ(old_room.status(), storage::ROOM_STATUS_RECORD_TOMBSTONED);
  EXPECT_EQ(old_room.successor_room_id(), new_id);
  EXPECT_FALSE(old_room.has_upgrade());
  const storage::RoomRecord new_room = Room(new_id);
  EXPECT_EQ(new_room.status(), storage::ROOM_STATUS_RECORD_ACTIVE);
  EXPECT_EQ(new_room.predecessor_room_id(), old_id);
  EXPECT_EQ(new_room.room_version(), "11");

  RoomReader reader(engine_);
  EXPECT_EQ((*reader.GetAlias("#lobby:example.org"))->record.room_id(), new_id);
  EXPECT_THAT(*reader.ListAliases(new_id), ElementsAre("#lobby:example.org"));
  EXPECT_THAT(*reader.ListAliases(old_id), ElementsAre());
  EXPECT_THAT(*reader.ListLockedRooms(), ElementsAre());

  EXPECT_THAT(EventTypes(), ElementsAre("room.created", "room.created", "room.upgraded"));
  const std::vector<v1::RoomEvent> events = Events();
  EXPECT_EQ(events[1].commit_id(), events[2].commit_id());
  EXPECT_EQ(events[1].room_created().predecessor_room_id(), old_id);
  EXPECT_EQ(events[2].room_upgraded().new_room_id(), new_id);
}

TEST_F(UpgradeRoomTest, PlansAnewWhenTheRoomChangesUpToFiveTimes) {
  const std::string room_id = NewRoom();
  int changes = 0;
  engine_.SetHook([&](const storage::CommitRequest& request) {
    if (request.log_entries.size() == 2 && changes < 5) {
      ++changes;
      TouchRoom(room_id);
    }
  });
  auto response = upgrader_->Upgrade(Command(room_id));
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(changes, 5);
  EXPECT_EQ(Room(room_id).status(), storage::ROOM_STATUS_RECORD_TOMBSTONED);
  EXPECT_EQ(rates_.counts().recovered, 1);
}

TEST_F(UpgradeRoomTest, GivesUpWhenTheRoomChangesOftenerAndLeavesItActive) {
  const std::string room_id = NewRoom();
  int attempts = 0;
  engine_.SetHook([&](const storage::CommitRequest& request) {
    if (request.log_entries.size() == 2) {
      ++attempts;
      TouchRoom(room_id);
    }
  });
  auto response = upgrader_->Upgrade(Command(room_id));
  EXPECT_EQ(response.status().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(ReasonOf(response.status()), v1::ERROR_REASON_ROOM_UPGRADE_FAILED);
  EXPECT_EQ(response.status().message(), "Room upgrade could not be completed");
  EXPECT_EQ(attempts, 6);
  EXPECT_EQ(Room(room_id).status(), storage::ROOM_STATUS_RECORD_ACTIVE);
  EXPECT_EQ(LastFailure(), v1::UPGRADE_FAILURE_REASON_RETRIES_EXHAUSTED);
  EXPECT_THAT(*RoomReader(engine_).ListLockedRooms(), ElementsAre());

  engine_.SetHook(nullptr);
  EXPECT_TRUE(upgrader_->Upgrade(Command(room_id)).ok());
  EXPECT_EQ(rates_.counts().recovered, 0);
}

TEST_F(UpgradeRoomTest, RefusesWhileAnotherUpgradeHoldsTheLock) {
  const std::string room_id = NewRoom();
  LockAndDie(room_id, *upgrader_);
  auto other = MakeUpgrader("instance-2");
  auto response = other->Upgrade(Command(room_id));
  EXPECT_EQ(response.status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ReasonOf(response.status()), v1::ERROR_REASON_ROOM_UPGRADE_IN_PROGRESS);
  EXPECT_EQ(response.status().message(), "An upgrade for this room is currently in progress");
  EXPECT_EQ(LastFailure(), v1::UPGRADE_FAILURE_REASON_UPGRADE_IN_PROGRESS);
  EXPECT_EQ(Room(room_id).status(), storage::ROOM_STATUS_RECORD_UPGRADING);
}

TEST_F(UpgradeRoomTest, TakesOverALockWhoseLeaseRanOut) {
  const std::string room_id = NewRoom();
  LockAndDie(room_id, *upgrader_);
  auto other = MakeUpgrader("instance-2");
  now_ += absl::Seconds(29);
  EXPECT_FALSE(other->Upgrade(Command(room_id)).ok());
  now_ += absl::Seconds(1);
  EXPECT_TRUE(other->Upgrade(Command(room_id)).ok());
  EXPECT_THAT(EventTypes(), ElementsAre("room.created", "room.upgrade.failed",
                                        "room.upgrade.failed", "room.created", "room.upgraded"));
  EXPECT_EQ(Events()[2].room_upgrade_failed().reason(), v1::UPGRADE_FAILURE_REASON_INTERRUPTED);
  EXPECT_EQ(rates_.counts().recovered, 1);
}

TEST_F(UpgradeRoomTest, AnUpgradeThatLostItsLockWritesNothing) {
  const std::string room_id = NewRoom();
  auto other = MakeUpgrader("instance-2");
  engine_.SetHook([&](const storage::CommitRequest& request) {
    if (request.log_entries.size() != 2) return;
    engine_.SetHook(nullptr);
    now_ += absl::Hours(1);
    ASSERT_TRUE(other->RecoverExpired().ok());
  });
  auto response = upgrader_->Upgrade(Command(room_id));
  EXPECT_EQ(ReasonOf(response.status()), v1::ERROR_REASON_ROOM_UPGRADE_FAILED);
  EXPECT_EQ(Room(room_id).status(), storage::ROOM_STATUS_RECORD_ACTIVE);
  EXPECT_THAT(EventTypes(), ElementsAre("room.created", "room.upgrade.failed"));
}

TEST_F(UpgradeRoomTest, AStartingProcessTakesBackItsOwnLocksOnly) {
  const std::string own = NewRoom();
  const std::string others = NewRoom();
  auto other = MakeUpgrader("instance-2");
  LockAndDie(own, *upgrader_);
  LockAndDie(others, *other);
  ASSERT_TRUE(MakeUpgrader("instance-1")->RecoverOwn().ok());
  EXPECT_EQ(Room(own).status(), storage::ROOM_STATUS_RECORD_ACTIVE);
  EXPECT_EQ(Room(others).status(), storage::ROOM_STATUS_RECORD_UPGRADING);
  EXPECT_EQ(LastFailure(), v1::UPGRADE_FAILURE_REASON_INTERRUPTED);
  EXPECT_EQ(Events().back().room_id(), own);

  ASSERT_TRUE(upgrader_->RecoverExpired().ok());
  EXPECT_EQ(Room(others).status(), storage::ROOM_STATUS_RECORD_UPGRADING);
  now_ += absl::Minutes(1);
  EXPECT_EQ(rates_.counts().recovered, 1);
  ASSERT_TRUE(upgrader_->RecoverExpired().ok());
  EXPECT_EQ(Room(others).status(), storage::ROOM_STATUS_RECORD_ACTIVE);
  EXPECT_EQ(rates_.counts().recovered, 2);
}

TEST_F(UpgradeRoomTest, ATombstonedRoomNamesItsSuccessorAndTellsNobody) {
  const std::string room_id = NewRoom();
  ASSERT_TRUE(upgrader_->Upgrade(Command(room_id)).ok());
  const size_t events = Events().size();
  auto again = upgrader_->Upgrade(Command(room_id));
  EXPECT_EQ(again.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(again.status()), v1::ERROR_REASON_ROOM_TOMBSTONED);
  EXPECT_EQ(Events().size(), events);
}

TEST_F(UpgradeRoomTest, AnUnsupportedVersionFailsWithItsReasonAndEvent) {
  const std::string room_id = NewRoom();
  UpgradeRoomCommand command = Command(room_id);
  command.new_version = "13";
  auto response = upgrader_->Upgrade(command);
  EXPECT_EQ(ReasonOf(response.status()), v1::ERROR_REASON_ROOM_VERSION_UNSUPPORTED);
  EXPECT_EQ(response.status().message(),
            "The requested room version is not supported by this server");
  EXPECT_EQ(LastFailure(), v1::UPGRADE_FAILURE_REASON_VERSION_UNSUPPORTED);
  EXPECT_EQ(Room(room_id).status(), storage::ROOM_STATUS_RECORD_ACTIVE);
}

TEST_F(UpgradeRoomTest, WhoIsNotAMemberLearnsNothingAndLeavesNoTrace) {
  const std::string room_id = NewRoom();
  UpgradeRoomCommand command = Command(room_id);
  command.actor.requester = "@mallory:example.org";
  UpgradeRoomCommand elsewhere = command;
  elsewhere.room_id = "!nosuchroom:example.org";
  const absl::Status there = upgrader_->Upgrade(command).status();
  const absl::Status nowhere = upgrader_->Upgrade(elsewhere).status();
  EXPECT_EQ(ReasonOf(there), v1::ERROR_REASON_ROOM_NOT_FOUND);
  EXPECT_EQ(ReasonOf(nowhere), v1::ERROR_REASON_ROOM_NOT_FOUND);
  EXPECT_EQ(there.message(), nowhere.message());
  EXPECT_EQ(Events().size(), 1u);

  command.actor.may_know_of = AudienceScope::All();
  EXPECT_EQ(ReasonOf(upgrader_->Upgrade(command).status()), v1::ERROR_REASON_INSUFFICIENT_POWER);
  EXPECT_EQ(LastFailure(), v1::UPGRADE_FAILURE_REASON_INSUFFICIENT_POWER);
}

TEST_F(UpgradeRoomTest, AsAnAdministratorTheMostPowerfulMemberSends) {
  const std::string room_id = NewRoom();
  UpgradeRoomCommand command = Command(room_id);
  command.actor.requester = "@mallory:example.org";
  command.actor.may_know_of = AudienceScope::All();
  command.actor.as_administrator = true;
  auto response = upgrader_->Upgrade(command);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->room().creator(), kAlice);
  EXPECT_EQ(response->room().joined_member_count(), 1);
}

TEST_F(UpgradeRoomTest, AsAnAdministratorAMemberSendsWhomNoLevelNamesIfAllHaveThePower) {
  rooms::RoomSpec spec = Spec();
  spec.preset = rooms::Preset::kPublicChat;
  spec.power_level_content_override = {{"users_default", 100}};
  const std::string room_id = NewRoom(std::move(spec));
  SetOwnMembership(room_id, "@aaron:example.org", "join");
  SetOwnMembership(room_id, "@abel:elsewhere.org", "join");
  SetOwnMembership(room_id, "@bob:example.org", "join");
  SetOwnMembership(room_id, "@aaron:example.org", "leave");
  SetOwnMembership(room_id, kAlice, "leave");
  UpgradeRoomCommand command = Command(room_id);
  command.actor.requester = "@mallory:example.org";
  command.actor.may_know_of = AudienceScope::All();
  EXPECT_FALSE(upgrader_->Upgrade(command).ok());
  command.actor.as_administrator = true;
  auto response = upgrader_->Upgrade(command);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->room().creator(), "@bob:example.org");
  EXPECT_EQ(response->room().joined_member_count(), 1);
}

TEST_F(UpgradeRoomTest, OptionsMustSuitTheVersionAndLeaveNoTraceIfTheyDoNot) {
  UpgradeRoomCommand command = Command(NewRoom());
  command.options.additional_creators = {"@bob:example.org"};
  command.options.copy_types = {"m.room.topic"};
  const absl::Status status = upgrader_->Upgrade(command).status();
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_EQ(Events().size(), 1u);
  command.options.copy_types.clear();
  command.new_version = "12";
  EXPECT_TRUE(upgrader_->Upgrade(command).ok());
}

TEST_F(UpgradeRoomTest, ARepeatedRequestGetsTheSameResponse) {
  const std::string room_id = NewRoom();
  UpgradeRoomCommand command = Command(room_id);
  command.identity = {{"backend", "request-1"}, "fingerprint"};
  auto first = upgrader_->Upgrade(command);
  ASSERT_TRUE(first.ok()) << first.status();
  auto second = upgrader_->Upgrade(command);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(first->SerializeAsString(), second->SerializeAsString());

  command.identity.fingerprint = "another";
  EXPECT_EQ(ReasonOf(upgrader_->Upgrade(command).status()), v1::ERROR_REASON_REQUEST_ID_REUSED);
}

TEST_F(UpgradeRoomTest, ARequestRepeatedWhileItIsCarriedOutHasNotFailed) {
  const std::string room_id = NewRoom();
  UpgradeRoomCommand command = Command(room_id);
  command.identity = {{"backend", "request-1"}, "fingerprint"};
  bool repeated = false;
  engine_.SetHook([&](const storage::CommitRequest& request) {
    const bool is_last = request.log_entries.size() == 2;
    if (!is_last || std::exchange(repeated, true)) return;
    EXPECT_EQ(ReasonOf(upgrader_->Upgrade(command).status()),
              v1::ERROR_REASON_ROOM_UPGRADE_IN_PROGRESS);
    UpgradeRoomCommand another = command;
    another.identity.key.request_id = "request-2";
    EXPECT_FALSE(upgrader_->Upgrade(another).ok());
    EXPECT_EQ(LastFailure(), v1::UPGRADE_FAILURE_REASON_UPGRADE_IN_PROGRESS);
  });
  EXPECT_TRUE(upgrader_->Upgrade(command).ok());
  EXPECT_TRUE(repeated);
  EXPECT_THAT(EventTypes(),
              ElementsAre("room.created", "room.upgrade.failed", "room.created", "room.upgraded"))
      << "the other request alone has failed";
}

TEST_F(UpgradeRoomTest, AValidateOnlyUpgradeWritesNothing) {
  const std::string room_id = NewRoom("#lobby:example.org");
  const storage::LogPosition head = engine_.log_bounds().head;
  engine_.SetHook([](const storage::CommitRequest&) { ADD_FAILURE() << "a commit was made"; });
  UpgradeRoomCommand command = Command(room_id);
  command.validate_only = true;
  auto response = upgrader_->Upgrade(command);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->room().room_id(), "");
  EXPECT_EQ(response->room().room_version(), "11");
  EXPECT_EQ(response->old_room().status(), v1::ROOM_STATUS_ACTIVE);
  EXPECT_THAT(response->moved_aliases(), ElementsAre("#lobby:example.org"));
  command.new_version = "99";
  EXPECT_FALSE(upgrader_->Upgrade(command).ok());
  EXPECT_EQ(engine_.log_bounds().head, head);
}

}  // namespace
}  // namespace innkeeper::lifecycle
