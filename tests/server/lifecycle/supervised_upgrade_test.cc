#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "server/errors/errors.h"
#include "server/lifecycle/upgrade_room.h"
#include "storage/room_store.h"
#include "tests/server/lifecycle/upgrade_fixture.h"

namespace innkeeper::lifecycle {
namespace {

using storage::RoomReader;
using testing::ElementsAre;

class SupervisedUpgradeTest : public UpgradeFixture {
 protected:
  static constexpr char kAsker[] = "asker";
  static constexpr absl::Duration kTimeout = absl::Hours(24);

  static v1::UpgradeRoomRequest Request(const std::string& room_id,
                                        const std::string& request_id = "") {
    v1::UpgradeRoomRequest request;
    request.set_room_id(room_id);
    request.set_request_id(request_id);
    return request;
  }

  static UpgradeRoomCommand CommandOf(const v1::UpgradeRoomRequest& request,
                                      const std::string& principal) {
    UpgradeRoomCommand command = Command(request.room_id());
    command.identity = {{principal, request.request_id()}, request.SerializeAsString()};
    return command;
  }

  static UpgradeRoomCommand Supervise(const v1::UpgradeRoomRequest& request) {
    UpgradeRoomCommand command = CommandOf(request, kAsker);
    command.supervised =
        Supervised{kAsker, request.SerializeAsString(), request.request_id(), kTimeout};
    return command;
  }

  absl::StatusOr<v1::UpgradeRoomResponse> Ask(const std::string& room_id,
                                              const std::string& request_id = "") {
    return upgrader_->Upgrade(Supervise(Request(room_id, request_id)));
  }

  // Has an upgrade of the room wait, and returns the id of its approval.
  std::string NewApproval(const std::string& room_id) {
    auto asked = Ask(room_id);
    EXPECT_TRUE(asked.ok()) << asked.status();
    return asked->pending_approval().approval_id();
  }

  static DecideUpgradeCommand Decision(const std::string& room_id, const std::string& approval_id,
                                       const std::string& principal = "approver") {
    return {room_id, approval_id, {principal, AudienceScope::All()}, {}};
  }

  absl::StatusOr<v1::UpgradeRoomResponse> Approve(const DecideUpgradeCommand& command) {
    return upgrader_->Approve(
        command, [](const v1::UpgradeRoomRequest& request, const std::string& principal) {
          return absl::StatusOr<UpgradeRoomCommand>(CommandOf(request, principal));
        });
  }

  absl::Status Reject(DecideUpgradeCommand command) {
    return transactor_.RunAndWait(upgrader_->Reject(std::move(command))).status();
  }

  int CountApprovals() {
    int count = 0;
    EXPECT_TRUE(RoomReader(engine_)
                    .ScanApprovals("", [&](const std::string&, const auto&) { return ++count > 0; })
                    .ok());
    return count;
  }

  // Of the decisions in the log.
  std::vector<v1::ApprovalOutcome> Outcomes() {
    std::vector<v1::ApprovalOutcome> outcomes;
    for (const v1::RoomEvent& event : Events()) {
      if (event.has_approval_decided()) outcomes.push_back(event.approval_decided().outcome());
    }
    return outcomes;
  }
};

TEST_F(SupervisedUpgradeTest, WaitsAndIsCarriedOutOnceItIsApproved) {
  const std::string room_id = NewRoom("#lobby:example.org");
  auto asked = Ask(room_id);
  ASSERT_TRUE(asked.ok()) << asked.status();
  EXPECT_FALSE(asked->has_room());
  EXPECT_EQ(asked->old_room().status(), v1::ROOM_STATUS_UPGRADING);
  const v1::PendingApproval& approval = asked->pending_approval();
  EXPECT_EQ(approval.action(), v1::SUPERVISED_ACTION_UPGRADE);
  EXPECT_EQ(approval.room_id(), room_id);
  EXPECT_EQ(approval.requester(), kAlice);
  EXPECT_EQ(approval.room_version(), "11");
  EXPECT_EQ(approval.audience(), kAudience);
  EXPECT_EQ(approval.request_time().seconds(), absl::ToUnixSeconds(now_));
  EXPECT_EQ(approval.expire_time().seconds(), absl::ToUnixSeconds(now_ + kTimeout));
  EXPECT_THAT(EventTypes(), ElementsAre("room.created", "approval.requested"));
  EXPECT_EQ(Events()[1].approval_requested().approval().SerializeAsString(),
            approval.SerializeAsString());
  EXPECT_EQ(Events()[1].audience(), kAudience);
  EXPECT_EQ(CountApprovals(), 1);

  auto upgraded = Approve(Decision(room_id, approval.approval_id()));
  ASSERT_TRUE(upgraded.ok()) << upgraded.status();
  EXPECT_EQ(Room(room_id).successor_room_id(), upgraded->room().room_id());
  EXPECT_EQ(Room(upgraded->room().room_id()).room_version(), "11");
  EXPECT_FALSE(upgraded->has_pending_approval());
  EXPECT_THAT(EventTypes(), ElementsAre("room.created", "approval.requested", "approval.decided",
                                        "room.created", "room.upgraded"));
  EXPECT_THAT(Outcomes(), ElementsAre(v1::APPROVAL_OUTCOME_APPROVED));
  EXPECT_EQ(CountApprovals(), 0);
  EXPECT_EQ(ReasonOf(Approve(Decision(room_id, approval.approval_id())).status()),
            v1::ERROR_REASON_APPROVAL_NOT_FOUND);
}

TEST_F(SupervisedUpgradeTest, TheRoomIsWritableUntilItIsApproved) {
  const std::string room_id = NewRoom();
  const std::string approval_id = NewApproval(room_id);
  EXPECT_TRUE(CheckWritable(Room(room_id)).ok());
  TouchRoom(room_id);
  storage::RoomRecord during;
  engine_.SetHook([&](const storage::CommitRequest& request) {
    if (request.log_entries.size() == 2) during = Room(room_id);
  });
  ASSERT_TRUE(Approve(Decision(room_id, approval_id)).ok());
  EXPECT_EQ(ReasonOf(CheckWritable(during)), v1::ERROR_REASON_ROOM_UPGRADE_IN_PROGRESS);
  EXPECT_EQ(during.upgrade().lease_expire_time_us(), absl::ToUnixMicros(now_ + absl::Seconds(30)));
}

TEST_F(SupervisedUpgradeTest, WhatCannotBeDoneIsRefusedAtOnce) {
  const std::string room_id = NewRoom();
  UpgradeRoomCommand command = Supervise(Request(room_id));
  command.new_version = "13";
  EXPECT_EQ(ReasonOf(upgrader_->Upgrade(command).status()),
            v1::ERROR_REASON_ROOM_VERSION_UNSUPPORTED);
  EXPECT_EQ(LastFailure(), v1::UPGRADE_FAILURE_REASON_VERSION_UNSUPPORTED);
  command = Supervise(Request(room_id));
  command.actor.requester = "@mallory:example.org";
  command.actor.may_know_of = AudienceScope::All();
  EXPECT_EQ(ReasonOf(upgrader_->Upgrade(command).status()), v1::ERROR_REASON_INSUFFICIENT_POWER);
  EXPECT_EQ(CountApprovals(), 0);
  EXPECT_EQ(Room(room_id).status(), storage::ROOM_STATUS_RECORD_ACTIVE);
}

TEST_F(SupervisedUpgradeTest, WhatShowsOnlyWhenItIsPlannedIsRefusedAtOnceToo) {
  const std::string room_id = NewRoom();
  storage::StateRecord damaged;
  damaged.set_content("no JSON");
  damaged.set_revision(1);
  storage::RoomCommit commit;
  commit.PutState(room_id, {"m.room.topic", ""}, damaged, std::nullopt);
  ASSERT_TRUE(CommitAndWait(*store_, commit.Take()).status.ok());
  EXPECT_TRUE(absl::IsDataLoss(Ask(room_id).status()));
  EXPECT_EQ(CountApprovals(), 0);
  EXPECT_EQ(Room(room_id).status(), storage::ROOM_STATUS_RECORD_ACTIVE);
}

TEST_F(SupervisedUpgradeTest, OnlyAnotherPrincipalApproves) {
  const std::string room_id = NewRoom();
  const std::string approval_id = NewApproval(room_id);
  const absl::Status own = Approve(Decision(room_id, approval_id, kAsker)).status();
  EXPECT_TRUE(absl::IsPermissionDenied(own));
  EXPECT_EQ(ReasonOf(own), v1::ERROR_REASON_OWN_REQUEST);
  EXPECT_TRUE(AwaitsApproval(Room(room_id)));
  EXPECT_TRUE(Approve(Decision(room_id, approval_id)).ok());
}

TEST_F(SupervisedUpgradeTest, WhoMayNotSeeTheAudienceFindsNothing) {
  const std::string room_id = NewRoom();
  const std::string approval_id = NewApproval(room_id);
  DecideUpgradeCommand command = Decision(room_id, approval_id);
  command.approver.scope = AudienceScope::Of({"elsewhere"});
  const absl::Status there = Approve(command).status();
  EXPECT_EQ(ReasonOf(there), v1::ERROR_REASON_APPROVAL_NOT_FOUND);
  EXPECT_EQ(ReasonOf(Reject(command)), v1::ERROR_REASON_APPROVAL_NOT_FOUND);
  command.room_id = "!nosuchroom:example.org";
  EXPECT_EQ(Approve(command).status(), there);
  command.room_id = room_id;
  command.approver.scope = AudienceScope::Of({kAudience});
  EXPECT_TRUE(Approve(command).ok());
}

TEST_F(SupervisedUpgradeTest, AnotherApprovalThanTheOneThatWaitsIsNotFound) {
  const std::string room_id = NewRoom();
  const std::string first = NewApproval(room_id);
  ASSERT_TRUE(Reject(Decision(room_id, first)).ok());
  const std::string second = NewApproval(room_id);
  EXPECT_NE(first, second);
  EXPECT_EQ(ReasonOf(Approve(Decision(room_id, first)).status()),
            v1::ERROR_REASON_APPROVAL_NOT_FOUND);
  EXPECT_EQ(ReasonOf(Reject(Decision(room_id, first))), v1::ERROR_REASON_APPROVAL_NOT_FOUND);
  EXPECT_TRUE(AwaitsApproval(Room(room_id)));
}

TEST_F(SupervisedUpgradeTest, ARejectedOneLeavesTheRoomActive) {
  const std::string room_id = NewRoom();
  ASSERT_TRUE(Reject(Decision(room_id, NewApproval(room_id))).ok());
  EXPECT_EQ(Room(room_id).status(), storage::ROOM_STATUS_RECORD_ACTIVE);
  EXPECT_EQ(LastFailure(), v1::UPGRADE_FAILURE_REASON_REJECTED);
  EXPECT_THAT(Outcomes(), ElementsAre(v1::APPROVAL_OUTCOME_REJECTED));
  EXPECT_EQ(CountApprovals(), 0);
  EXPECT_THAT(*RoomReader(engine_).ListLockedRooms(), ElementsAre());
}

TEST_F(SupervisedUpgradeTest, OneThatIsCarriedOutIsNotRejectedAndThatIsSaidAtOnce) {
  const std::string room_id = NewRoom();
  const std::string approval_id = NewApproval(room_id);
  absl::Notification answered;
  absl::Status answer;
  engine_.SetHook([&](const storage::CommitRequest& request) {
    if (request.log_entries.size() < 2) return;  // not the last commit
    transactor_.Run<v1::RejectUpgradeResponse>(upgrader_->Reject(Decision(room_id, approval_id)),
                                               [&](const auto& rejected) {
                                                 answer = rejected.status();
                                                 answered.Notify();
                                               });
    EXPECT_TRUE(answered.HasBeenNotified());
  });
  EXPECT_TRUE(Approve(Decision(room_id, approval_id)).ok());
  answered.WaitForNotification();
  EXPECT_EQ(ReasonOf(answer), v1::ERROR_REASON_ROOM_UPGRADE_IN_PROGRESS);
}

TEST_F(SupervisedUpgradeTest, WhoAskedForItTakesItBack) {
  const std::string room_id = NewRoom();
  ASSERT_TRUE(Reject(Decision(room_id, NewApproval(room_id), kAsker)).ok());
  EXPECT_EQ(LastFailure(), v1::UPGRADE_FAILURE_REASON_CANCELLED);
  NewApproval(room_id);
  auto cancelled = transactor_.RunAndWait(upgrader_->Cancel({room_id, {.requester = kAlice}}));
  ASSERT_TRUE(cancelled.ok()) << cancelled.status();
  EXPECT_EQ(Room(room_id).status(), storage::ROOM_STATUS_RECORD_ACTIVE);
  EXPECT_EQ(LastFailure(), v1::UPGRADE_FAILURE_REASON_CANCELLED);
  EXPECT_THAT(Outcomes(),
              ElementsAre(v1::APPROVAL_OUTCOME_CANCELLED, v1::APPROVAL_OUTCOME_CANCELLED));
  EXPECT_EQ(CountApprovals(), 0);
}

TEST_F(SupervisedUpgradeTest, IsGivenUpWhenItsTimeHasRunOutAndNotByAStart) {
  const std::string room_id = NewRoom();
  const std::string approval_id = NewApproval(room_id);
  now_ += kTimeout - absl::Seconds(1);
  ASSERT_TRUE(upgrader_->RecoverOwn().ok());
  ASSERT_TRUE(upgrader_->RecoverExpired().ok());
  EXPECT_TRUE(AwaitsApproval(Room(room_id)));
  now_ += absl::Seconds(1);
  EXPECT_EQ(ReasonOf(Approve(Decision(room_id, approval_id)).status()),
            v1::ERROR_REASON_APPROVAL_NOT_FOUND);
  EXPECT_EQ(ReasonOf(Reject(Decision(room_id, approval_id))), v1::ERROR_REASON_APPROVAL_NOT_FOUND);
  ASSERT_TRUE(upgrader_->RecoverExpired().ok());
  EXPECT_EQ(Room(room_id).status(), storage::ROOM_STATUS_RECORD_ACTIVE);
  EXPECT_EQ(LastFailure(), v1::UPGRADE_FAILURE_REASON_APPROVAL_EXPIRED);
  EXPECT_THAT(Outcomes(), ElementsAre(v1::APPROVAL_OUTCOME_EXPIRED));
  EXPECT_EQ(CountApprovals(), 0);
  EXPECT_EQ(rates_.counts().recovered, 0);
}

TEST_F(SupervisedUpgradeTest, AnotherUpgradeFindsTheLockUntilItsTimeHasRunOut) {
  const std::string room_id = NewRoom();
  NewApproval(room_id);
  EXPECT_EQ(ReasonOf(Ask(room_id).status()), v1::ERROR_REASON_ROOM_UPGRADE_IN_PROGRESS);
  EXPECT_EQ(ReasonOf(upgrader_->Upgrade(Command(room_id)).status()),
            v1::ERROR_REASON_ROOM_UPGRADE_IN_PROGRESS);
  now_ += kTimeout;
  EXPECT_TRUE(upgrader_->Upgrade(Command(room_id)).ok());
  EXPECT_THAT(Outcomes(), ElementsAre(v1::APPROVAL_OUTCOME_EXPIRED));
  EXPECT_EQ(CountApprovals(), 0);
}

TEST_F(SupervisedUpgradeTest, ARepeatedRequestWaitsOnceAndThenReturnsWhatItCameTo) {
  const std::string room_id = NewRoom();
  auto asked = Ask(room_id, "request-1");
  ASSERT_TRUE(asked.ok()) << asked.status();
  auto again = Ask(room_id, "request-1");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->pending_approval().SerializeAsString(),
            asked->pending_approval().SerializeAsString());
  EXPECT_EQ(ReasonOf(Ask(NewRoom(), "request-1").status()), v1::ERROR_REASON_REQUEST_ID_REUSED);
  EXPECT_EQ(CountApprovals(), 1);

  DecideUpgradeCommand decision = Decision(room_id, asked->pending_approval().approval_id());
  decision.identity = {{"approver", "decision-1"}, "decision"};
  auto upgraded = Approve(decision);
  ASSERT_TRUE(upgraded.ok()) << upgraded.status();
  auto outcome = Ask(room_id, "request-1");
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_EQ(outcome->SerializeAsString(), upgraded->SerializeAsString());
  auto repeated = Approve(decision);
  ASSERT_TRUE(repeated.ok()) << repeated.status();
  EXPECT_EQ(repeated->SerializeAsString(), upgraded->SerializeAsString());
}

TEST_F(SupervisedUpgradeTest, ARejectedRequestCanBeRepeated) {
  const std::string room_id = NewRoom();
  auto asked = Ask(room_id, "request-1");
  ASSERT_TRUE(Reject(Decision(room_id, asked->pending_approval().approval_id())).ok());
  auto again = Ask(room_id, "request-1");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_NE(again->pending_approval().approval_id(), asked->pending_approval().approval_id());
}

TEST_F(SupervisedUpgradeTest, AProcessThatDiesBehindTheApprovalLeavesAnInterruptedUpgrade) {
  class Died : public std::exception {};
  const std::string room_id = NewRoom();
  const std::string approval_id = NewApproval(room_id);
  engine_.SetHook([](const storage::CommitRequest& request) {
    if (request.log_entries.size() == 2) throw Died();
  });
  EXPECT_THROW(Approve(Decision(room_id, approval_id)).IgnoreError(), Died);
  engine_.SetHook(nullptr);
  EXPECT_EQ(Room(room_id).status(), storage::ROOM_STATUS_RECORD_UPGRADING);
  EXPECT_EQ(ReasonOf(Approve(Decision(room_id, approval_id)).status()),
            v1::ERROR_REASON_ROOM_UPGRADE_IN_PROGRESS);
  ASSERT_TRUE(upgrader_->RecoverOwn().ok());
  EXPECT_EQ(Room(room_id).status(), storage::ROOM_STATUS_RECORD_ACTIVE);
  EXPECT_EQ(LastFailure(), v1::UPGRADE_FAILURE_REASON_INTERRUPTED);
  EXPECT_THAT(Outcomes(), ElementsAre(v1::APPROVAL_OUTCOME_APPROVED));
}

TEST_F(SupervisedUpgradeTest, OnePrincipalHasSoManyWaitAndNoMore) {
  for (int i = 0; i < kMaxWaitingRequests; ++i) NewApproval(NewRoom());
  const std::string room_id = NewRoom();
  EXPECT_EQ(ReasonOf(Ask(room_id).status()), v1::ERROR_REASON_LIMIT_EXCEEDED);
  EXPECT_EQ(Room(room_id).status(), storage::ROOM_STATUS_RECORD_ACTIVE);
  UpgradeRoomCommand others = Supervise(Request(room_id));
  others.supervised->principal = "another";
  EXPECT_TRUE(upgrader_->Upgrade(others).ok());
}

TEST_F(SupervisedUpgradeTest, OnePrincipalHasNotTooMuchWait) {
  v1::UpgradeRoomRequest large = Request(NewRoom());
  large.add_copy_types(std::string(kMaxWaitingRequestBytes - 1000, 'x'));
  for (size_t i = 0; i < kMaxWaitingBytes / kMaxWaitingRequestBytes; ++i) {
    ASSERT_TRUE(upgrader_->Upgrade(Supervise(large)).ok());
    large.set_room_id(NewRoom());
  }
  EXPECT_EQ(ReasonOf(upgrader_->Upgrade(Supervise(large)).status()),
            v1::ERROR_REASON_LIMIT_EXCEEDED);
}

TEST_F(SupervisedUpgradeTest, WhatIsTooLargeToBeShownCannotWait) {
  v1::UpgradeRoomRequest large = Request(NewRoom());
  large.add_copy_types(std::string(kMaxWaitingRequestBytes, 'x'));
  EXPECT_EQ(ReasonOf(upgrader_->Upgrade(Supervise(large)).status()),
            v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_EQ(Room(large.room_id()).status(), storage::ROOM_STATUS_RECORD_ACTIVE);
}

}  // namespace
}  // namespace innkeeper::lifecycle
