#include "server/lifecycle/upgrade_room.h"

#include <glog/logging.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/log_word.h"
#include "server/errors/errors.h"
#include "server/events/event_codec.h"
#include "server/lifecycle/room_errors.h"
#include "server/lifecycle/room_records.h"
#include "server/lifecycle/room_status.h"
#include "server/lifecycle/staged_room.h"
#include "server/lifecycle/supported_version.h"
#include "server/lifecycle/upgrade_lock.h"
#include "server/rooms/identifiers.h"

namespace innkeeper::lifecycle {
namespace {

using storage::RoomCommit;
using storage::RoomReader;
using storage::RoomRecord;
using storage::Stored;

// How often an upgrade is run again when something changed under it.
constexpr int kMaxRetries = 5;

absl::Status UpgradeFailed() {
  return MakeError(absl::StatusCode::kInternal, v1::ERROR_REASON_ROOM_UPGRADE_FAILED,
                   "Room upgrade could not be completed");
}

absl::Status UpgradeCancelled() {
  return MakeError(absl::StatusCode::kAborted, v1::ERROR_REASON_ROOM_UPGRADE_CANCELLED,
                   "The room upgrade was cancelled");
}

absl::Status NotUpgrading() {
  return MakeError(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_ROOM_NOT_UPGRADING,
                   "no upgrade of the room is in progress");
}

// What the stream says of an upgrade that ended with `status`; nothing where the
// room is none of the caller's business, or its upgrade is over.
std::optional<v1::UpgradeFailureReason> FailureReason(const absl::Status& status) {
  switch (ReasonOf(status)) {
    case v1::ERROR_REASON_INSUFFICIENT_POWER:
      return v1::UPGRADE_FAILURE_REASON_INSUFFICIENT_POWER;
    case v1::ERROR_REASON_ROOM_UPGRADE_IN_PROGRESS:
      return v1::UPGRADE_FAILURE_REASON_UPGRADE_IN_PROGRESS;
    case v1::ERROR_REASON_ROOM_VERSION_UNSUPPORTED:
      return v1::UPGRADE_FAILURE_REASON_VERSION_UNSUPPORTED;
    case v1::ERROR_REASON_ROOM_UPGRADE_FAILED:
      return v1::UPGRADE_FAILURE_REASON_RETRIES_EXHAUSTED;
    default:
      return std::nullopt;
  }
}

absl::Status CheckRequester(const UpgradeActor& actor, const std::string& server_name) {
  if (rooms::IsLocal(actor.requester, server_name)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("must be a user of this server, ", server_name));
}

// What is wrong with the request itself. Whether the version is supported is said
// only of rooms that the caller may know of.
absl::Status CheckCommand(const UpgradeRoomCommand& command, const std::string& server_name) {
  FieldErrors errors;
  errors.AddStatus("requester", CheckRequester(command.actor, server_name));
  const rooms::RoomVersion* const version = rooms::FindRoomVersion(command.new_version);
  if (version != nullptr) {
    errors.AddStatus("new_version", rooms::CheckUpgradeOptions(command.options, *version));
  }
  return errors.ToStatus();
}

// Reads the room and says whether the upgrade may start.
absl::StatusOr<Stored<RoomRecord>> ReadUpgradable(const RoomReader& reader,
                                                  const UpgradeRoomCommand& command,
                                                  const std::string& server_name, absl::Time now) {
  auto room = ReadKnownRoom(reader, command.room_id, command.actor);
  if (!room.ok()) return room.status();
  if (room->record.status() == storage::ROOM_STATUS_RECORD_TOMBSTONED) {
    return RoomTombstoned(room->record);
  }
  absl::Status supported = SupportedVersion(command.new_version, "new_version").status();
  if (!supported.ok()) return supported;
  absl::Status permitted =
      PermitUpgrade(reader, room->record, command.actor, command.options, server_name).status();
  if (!permitted.ok()) return permitted;
  if (LeaseHolds(room->record, now)) return UpgradeInProgress();
  return room;
}

// Whether the lock was taken for the same request.
bool IsCarryingOut(const storage::UpgradeRecord& lock, const UpgradeRoomCommand& command) {
  const storage::RequestKey& key = command.identity.key;
  return !key.request_id.empty() && lock.request_owner() == key.owner &&
         lock.request_id() == key.request_id;
}

// The response to an upgrade of `room` that waits for an approval.
v1::UpgradeRoomResponse WaitingResponse(const RoomRecord& room) {
  v1::UpgradeRoomResponse response;
  *response.mutable_old_room() = ToProto(room);
  *response.mutable_pending_approval() = PendingApprovalOf(room);
  return response;
}

UpgradeTarget TargetOf(const UpgradeRoomCommand& command) {
  return {command.actor, *rooms::FindRoomVersion(command.new_version), command.options};
}

}  // namespace

RoomUpgrader::RoomUpgrader(storage::Engine& engine, Transactor& transactor, const Clock& clock,
                           const RandomBytes& random, Options options)
    : engine_(engine),
      transactor_(transactor),
      clock_(clock),
      random_(random),
      options_(std::move(options)),
      context_{clock, random, options_.server_name} {}

absl::StatusOr<v1::UpgradeRoomResponse> RoomUpgrader::Upgrade(const UpgradeRoomCommand& command) {
  absl::Status valid = CheckCommand(command, options_.server_name);
  if (!valid.ok()) return valid;
  auto outcome = FindOutcome(RoomReader(engine_), command);
  if (!outcome.ok()) return outcome.status();
  if (outcome->has_value()) return **std::move(outcome);
  if (command.validate_only) return Preview(command);
  absl::Status paid = command.toll == nullptr ? absl::OkStatus() : command.toll->Pay();
  if (!paid.ok()) return paid;
  // Whoever may not upgrade the room does not wait to hear that.
  absl::StatusOr<Stored<RoomRecord>> room =
      ReadUpgradable(RoomReader(engine_), command, options_.server_name, clock_());
  if (!room.ok()) return Refuse(command, room.status());
  if (command.supervised) {
    // Nobody is to decide on what can't be done.
    absl::Status possible = Preview(command).status();
    if (!possible.ok()) return Refuse(command, possible);
  }
  // The turn of an upgrade whose lease ran out may never end.
  if (room->record.has_upgrade()) return LockAndRun(command);
  absl::StatusOr<Transactor::Turn> turn = transactor_.WaitForTurn(command.room_id);
  if (!turn.ok()) return turn.status();
  return LockAndRun(command);
}

absl::StatusOr<std::optional<v1::UpgradeRoomResponse>> RoomUpgrader::FindOutcome(
    const RoomReader& reader, const UpgradeRoomCommand& command) const {
  auto answered = FindResponse<v1::UpgradeRoomResponse>(reader, command.identity);
  if (!answered.ok() || answered->has_value() || !command.supervised) return answered;
  auto waiting = FindWaiting(reader, *command.supervised, v1::SUPERVISED_ACTION_UPGRADE, clock_());
  if (!waiting.ok()) return waiting.status();
  if (!waiting->has_value()) return std::nullopt;
  auto room = reader.GetRoom(command.room_id);
  if (!room.ok()) return room.status();
  if (!room->has_value()) return absl::DataLossError("an approval is of a room that is not there");
  return WaitingResponse((*room)->record);
}

absl::StatusOr<v1::UpgradeRoomResponse> RoomUpgrader::LockAndRun(
    const UpgradeRoomCommand& command) {
  absl::StatusOr<RoomRecord> locked = Lock(command);
  if (!locked.ok()) return Refuse(command, locked.status());
  if (command.supervised) return WaitingResponse(*locked);
  return RunLocked(command, std::move(*locked->mutable_upgrade()));
}

absl::StatusOr<RoomRecord> RoomUpgrader::Lock(const UpgradeRoomCommand& command) {
  const absl::Duration lease = command.supervised ? command.supervised->timeout : options_.lease;
  for (int attempt = 0; attempt <= kMaxRetries; ++attempt) {
    const absl::Time now = clock_();
    RoomReader reader(engine_);
    absl::StatusOr<Stored<RoomRecord>> room =
        ReadUpgradable(reader, command, options_.server_name, now);
    if (!room.ok()) return room.status();
    storage::UpgradeRecord lock;
    lock.set_upgrade_id(NewUpgradeId(random_));
    lock.set_instance(options_.instance_name);
    lock.set_requester(command.actor.requester);
    lock.set_new_version(command.new_version);
    lock.set_start_time_us(absl::ToUnixMicros(now));
    lock.set_lease_expire_time_us(absl::ToUnixMicros(now + lease));
    lock.set_request_owner(command.identity.key.owner);
    lock.set_request_id(command.identity.key.request_id);
    if (command.supervised) lock.set_approval_id(NewApprovalId(random_));
    const bool was_interrupted = room->record.has_upgrade() && !AwaitsApproval(room->record);
    RoomCommit commit;
    StageLock(commit, *room, std::move(lock), now);
    if (command.supervised) {
      StageRequest(commit, *command.supervised, PendingApprovalOf(room->record),
                   LabelsOf(room->record));
    }
    command.trail.Leave(commit, command.supervised ? "wait" : "lock");
    const storage::CommitResult result = CommitAndWait(engine_, commit.Take());
    if (result.status.ok()) {
      CountRecoveries(was_interrupted ? 1 : 0);
      return std::move(room->record);
    }
    if (!absl::IsAborted(result.status)) return CommitError(result);
  }
  return UpgradeFailed();
}

absl::StatusOr<v1::UpgradeRoomResponse> RoomUpgrader::RunLocked(const UpgradeRoomCommand& command,
                                                                storage::UpgradeRecord lock,
                                                                const RequestIdentity* approval) {
  absl::Status error = UpgradeFailed();
  LinkRepairs links;
  for (int attempt = 0; attempt <= kMaxRetries; ++attempt) {
    auto response = TryRun(command, lock, approval, links);
    if (!response.ok()) {
      error = response.status();
      break;
    }
    if (response->has_value()) {
      CountRecoveries(attempt > 0 ? 1 : 0);
      return **std::move(response);
    }
  }
  absl::Status released =
      ReleaseUpgradeLock(engine_, command.room_id, lock.upgrade_id(),
                         FailureReason(error).value_or(absl::IsUnavailable(error)
                                                           ? v1::UPGRADE_FAILURE_REASON_INTERRUPTED
                                                           : v1::UPGRADE_FAILURE_REASON_INTERNAL),
                         clock_, command.trail);
  LOG_IF(ERROR, !released.ok()) << "room=" << LogWord(command.room_id)
                                << " stays locked until its lease ends: " << released;
  return error;
}

absl::StatusOr<std::optional<v1::UpgradeRoomResponse>> RoomUpgrader::TryRun(
    const UpgradeRoomCommand& command, storage::UpgradeRecord& lock,
    const RequestIdentity* approval, LinkRepairs& links) {
  const RoomReader reader(engine_);
  auto answered = FindResponse<v1::UpgradeRoomResponse>(reader, command.identity);
  if (!answered.ok() || answered->has_value()) return answered;
  auto old_room = reader.GetRoom(command.room_id);
  if (!old_room.ok()) return old_room.status();
  if (!IsLockedBy(*old_room, lock.upgrade_id())) return LockIsLost(lock);
  const UpgradeTarget target = TargetOf(command);
  UpgradeRun run(engine_, reader, **std::move(old_room), target, context_, RunOptions(), links);
  const int64_t lease_before = lock.lease_expire_time_us();
  auto response = run.Commit(command.identity, command.trail, approval);
  lock.set_lease_expire_time_us(std::max(lease_before, run.lock().lease_expire_time_us()));
  return response;
}

// Before its lease has run out only CancelUpgrade takes a lock away.
absl::Status RoomUpgrader::LockIsLost(const storage::UpgradeRecord& lock) const {
  const bool was_valid = absl::ToUnixMicros(clock_()) < lock.lease_expire_time_us();
  return was_valid ? UpgradeCancelled() : UpgradeFailed();
}

absl::StatusOr<v1::UpgradeRoomResponse> RoomUpgrader::Preview(const UpgradeRoomCommand& command) {
  const RoomReader reader(engine_);
  absl::StatusOr<Stored<RoomRecord>> old_room =
      ReadUpgradable(reader, command, options_.server_name, clock_());
  if (!old_room.ok()) return old_room.status();
  const RoomRecord as_it_is = old_room->record;
  if (!old_room->record.has_upgrade()) LockForUpgrade(old_room->record, {});
  const UpgradeTarget target = TargetOf(command);
  LinkRepairs links;
  UpgradeRun run(engine_, reader, *std::move(old_room), target, context_, RunOptions(), links);
  absl::StatusOr<v1::UpgradeRoomResponse> response = run.Preview();
  if (!response.ok()) return response.status();
  response->mutable_room()->clear_room_id();
  *response->mutable_old_room() = ToProto(as_it_is);
  return response;
}

Write<v1::CancelUpgradeResponse> RoomUpgrader::Cancel(CancelUpgradeCommand command) const {
  // It takes no turn at the room, for that is the upgrade's.
  Write<v1::CancelUpgradeResponse> write;
  write.attempt =
      [this, command = std::move(command)](
          const RoomReader& reader) -> absl::StatusOr<Outcome<v1::CancelUpgradeResponse>> {
    auto room = ReadKnownRoom(reader, command.room_id, command.actor);
    if (!room.ok()) return room.status();
    const RoomRecord& record = room->record;
    if (record.status() == storage::ROOM_STATUS_RECORD_TOMBSTONED) return RoomTombstoned(record);
    const bool asked_for_it = record.upgrade().requester() == command.actor.requester;
    if (!asked_for_it && !command.actor.as_administrator) {
      absl::Status permitted =
          PermitUpgrade(reader, record, command.actor, {}, options_.server_name).status();
      if (!permitted.ok()) return permitted;
    }
    if (!record.has_upgrade()) return NotUpgrading();
    Outcome<v1::CancelUpgradeResponse> outcome;
    outcome.commit.emplace();
    StageRelease(*outcome.commit, *room, v1::UPGRADE_FAILURE_REASON_CANCELLED, clock_());
    *outcome.response.mutable_room() = ToProto(room->record);
    return outcome;
  };
  return write;
}

void RoomUpgrader::CountRecoveries(int64_t count) const {
  if (options_.rates == nullptr) return;
  for (int64_t i = 0; i < count; ++i) options_.rates->CountRecovery();
}

absl::Status RoomUpgrader::RecoverOwn() {
  const auto recovered = ReleaseDeadLocks(
      engine_,
      [this](const storage::UpgradeRecord& upgrade) {
        return upgrade.instance() == options_.instance_name && upgrade.approval_id().empty();
      },
      clock_, options_.maintenance_trail);
  CountRecoveries(recovered.value_or(0));
  return recovered.status();
}

absl::Status RoomUpgrader::RecoverExpired() {
  const auto recovered = ReleaseDeadLocks(
      engine_,
      [now = absl::ToUnixMicros(clock_())](const storage::UpgradeRecord& upgrade) {
        return upgrade.lease_expire_time_us() <= now;
      },
      clock_, options_.maintenance_trail);
  CountRecoveries(recovered.value_or(0));
  return recovered.ok() ? DiscardAbandonedUpgrades(engine_) : recovered.status();
}

absl::StatusOr<v1::UpgradeRoomResponse> RoomUpgrader::Refuse(const UpgradeRoomCommand& command,
                                                             const absl::Status& refusal) {
  // Whoever replaced the room meanwhile, or is about to, may be the same request, sent
  // twice.
  const RoomReader reader(engine_);
  auto answered = FindResponse<v1::UpgradeRoomResponse>(reader, command.identity);
  if (!answered.ok()) return answered.status();
  if (answered->has_value()) return **std::move(answered);
  auto room = reader.GetRoom(command.room_id);
  if (!room.ok()) return room.status();
  if (room->has_value() && IsCarryingOut((*room)->record.upgrade(), command)) {
    if (AwaitsApproval((*room)->record)) return WaitingResponse((*room)->record);
    return refusal;
  }
  const std::optional<v1::UpgradeFailureReason> reason = FailureReason(refusal);
  if (!reason) return refusal;
  absl::Status logged = LogRefusal(command, *reason);
  LOG_IF(ERROR, !logged.ok()) << "room=" << LogWord(command.room_id)
                              << " a refused upgrade is not on the stream: " << logged;
  return refusal;
}

absl::Status RoomUpgrader::LogRefusal(const UpgradeRoomCommand& command,
                                      v1::UpgradeFailureReason reason) {
  v1::RoomUpgradeFailed failed;
  failed.set_room_id(command.room_id);
  failed.set_reason(reason);
  failed.set_new_version(command.new_version);
  failed.set_requester(command.actor.requester);
  storage::CommitResult result;
  for (int attempt = 0; attempt <= kMaxRetries; ++attempt) {
    auto room = RoomReader(engine_).GetRoom(command.room_id);
    if (!room.ok()) return room.status();
    if (!room->has_value()) return absl::OkStatus();  // deleted, and the last was told of it
    RoomCommit commit;
    commit.RequireRoom(command.room_id, (*room)->revision);
    commit.AppendLog(EncodeEvent(failed, LabelsOf((*room)->record)));
    result = CommitAndWait(engine_, commit.Take());
    if (!absl::IsAborted(result.status)) break;
  }
  return result.status;
}

}  // namespace innkeeper::lifecycle
