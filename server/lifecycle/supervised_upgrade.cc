// The parts of RoomUpgrader that decide on upgrades which wait for an approval.

#include <utility>

#include "server/lifecycle/approvals.h"
#include "server/lifecycle/room_errors.h"
#include "server/lifecycle/room_records.h"
#include "server/lifecycle/stored_message.h"
#include "server/lifecycle/upgrade_lock.h"
#include "server/lifecycle/upgrade_room.h"

namespace innkeeper::lifecycle {
namespace {

using storage::ApprovalRecord;
using storage::RoomCommit;
using storage::RoomReader;
using storage::RoomRecord;
using storage::Stored;

// How often it is tried to approve an upgrade when the room changes under that.
constexpr int kMaxAttempts = 6;

// A room whose upgrade waits, and what was asked for.
struct WaitingUpgrade {
  Stored<RoomRecord> room;
  ApprovalRecord approval;
};

// Reads what is to be decided on. Errors: APPROVAL_NOT_FOUND; ROOM_UPGRADE_IN_PROGRESS if
// it does not wait any more; those of RoomReader.
absl::StatusOr<WaitingUpgrade> ReadWaitingUpgrade(const RoomReader& reader,
                                                  const DecideUpgradeCommand& command,
                                                  absl::Time now) {
  auto room = reader.GetRoom(command.room_id);
  if (!room.ok()) return room.status();
  if (!room->has_value() || !command.approver.scope.Includes((*room)->record.audience()) ||
      !LeaseHolds((*room)->record, now)) {
    return ApprovalNotFound(command.approval_id);
  }
  if (!AwaitsApproval((*room)->record)) return UpgradeInProgress();
  if ((*room)->record.upgrade().approval_id() != command.approval_id) {
    return ApprovalNotFound(command.approval_id);
  }
  auto approval = reader.GetApproval(command.approval_id);
  if (!approval.ok()) return approval.status();
  if (!approval->has_value()) return absl::DataLossError("a room's approval is missing");
  return WaitingUpgrade{**std::move(room), std::move((*approval)->record)};
}

// Whether an upgrade of the room is being carried out.
bool IsCarriedOut(const RoomReader& reader, const std::string& room_id) {
  const auto room = reader.GetRoom(room_id);
  return room.ok() && room->has_value() &&
         (*room)->record.status() == storage::ROOM_STATUS_RECORD_UPGRADING &&
         !AwaitsApproval((*room)->record);
}

}  // namespace

absl::StatusOr<v1::UpgradeRoomResponse> RoomUpgrader::Approve(const DecideUpgradeCommand& command,
                                                              ReadUpgradeRequest read_request) {
  const auto answered = [&] {
    return FindResponse<v1::UpgradeRoomResponse>(RoomReader(engine_), command.identity);
  };
  auto recorded = answered();
  if (!recorded.ok()) return recorded.status();
  if (recorded->has_value()) return **std::move(recorded);
  // Whoever may not approve it does not wait to hear that.
  auto waiting = ReadWaitingUpgrade(RoomReader(engine_), command, clock_());
  if (!waiting.ok()) return waiting.status();
  absl::Status other = CheckIsAnother(command.approver, waiting->approval);
  if (!other.ok()) return other;
  absl::StatusOr<Transactor::Turn> turn = transactor_.WaitForTurn(command.room_id);
  if (!turn.ok()) return turn.status();
  absl::StatusOr<Approved> approved = TakeOver(command, read_request);
  if (approved.ok()) {
    return RunLocked(approved->command, std::move(approved->lock), &command.identity);
  }
  // The same request, sent twice, may have been faster.
  recorded = answered();
  if (recorded.ok() && recorded->has_value()) return **std::move(recorded);
  return approved.status();
}

absl::StatusOr<RoomUpgrader::Approved> RoomUpgrader::TakeOver(const DecideUpgradeCommand& command,
                                                              ReadUpgradeRequest read_request) {
  storage::CommitResult result;
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    const absl::Time now = clock_();
    auto waiting = ReadWaitingUpgrade(RoomReader(engine_), command, now);
    if (!waiting.ok()) return waiting.status();
    absl::Status other = CheckIsAnother(command.approver, waiting->approval);
    if (!other.ok()) return other;
    v1::UpgradeRoomRequest request;
    absl::Status parsed = ParseStored(waiting->approval.request(), &request);
    if (!parsed.ok()) return parsed;
    auto asked_for = read_request(request, waiting->approval.principal());
    if (!asked_for.ok()) return asked_for.status();
    asked_for->trail = command.trail;

    Stored<RoomRecord>& room = waiting->room;
    RoomCommit commit;
    StageDecision(commit, PendingApprovalOf(room.record), v1::APPROVAL_OUTCOME_APPROVED,
                  LabelsOf(room.record));
    storage::UpgradeRecord& lock = *room.record.mutable_upgrade();
    lock.clear_approval_id();
    // So that whoever is about to give the lock back, because nobody approved it, does not.
    lock.set_upgrade_id(NewUpgradeId(random_));
    lock.set_instance(options_.instance_name);
    lock.set_start_time_us(absl::ToUnixMicros(now));
    lock.set_lease_expire_time_us(absl::ToUnixMicros(now + options_.lease));
    Touch(room.record, absl::ToUnixMicros(now));
    commit.UpdateRoom(room.record, room.revision);
    command.trail.Leave(commit, "approve");
    result = CommitAndWait(engine_, commit.Take());
    if (result.status.ok()) return Approved{*std::move(asked_for), std::move(lock)};
    if (!absl::IsAborted(result.status)) break;
  }
  return CommitError(result);
}

Write<v1::RejectUpgradeResponse> RoomUpgrader::Reject(DecideUpgradeCommand command) const {
  Write<v1::RejectUpgradeResponse> write;
  write.identity = command.identity;
  // In its turn behind that it would not find the upgrade any more.
  if (!IsCarriedOut(RoomReader(engine_), command.room_id)) write.room_id = command.room_id;
  write.attempt =
      [this, command = std::move(command)](
          const RoomReader& reader) -> absl::StatusOr<Outcome<v1::RejectUpgradeResponse>> {
    const absl::Time now = clock_();
    auto waiting = ReadWaitingUpgrade(reader, command, now);
    if (!waiting.ok()) return waiting.status();
    const v1::UpgradeFailureReason reason = AskedForIt(command.approver, waiting->approval)
                                                ? v1::UPGRADE_FAILURE_REASON_CANCELLED
                                                : v1::UPGRADE_FAILURE_REASON_REJECTED;
    Outcome<v1::RejectUpgradeResponse> outcome;
    StageRelease(outcome.commit.emplace(), waiting->room, reason, now);
    *outcome.response.mutable_room() = ToProto(waiting->room.record);
    return outcome;
  };
  return write;
}

}  // namespace innkeeper::lifecycle
