#include "server/lifecycle/upgrade_room.h"

#include <glog/logging.h>

#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "server/errors/errors.h"
#include "server/events/event_codec.h"
#include "server/lifecycle/room_errors.h"
#include "server/lifecycle/room_records.h"
#include "server/lifecycle/room_staging.h"
#include "server/lifecycle/room_status.h"
#include "server/lifecycle/supported_version.h"
#include "server/rooms/identifiers.h"

namespace innkeeper::lifecycle {
namespace {

using storage::RoomCommit;
using storage::RoomReader;
using storage::RoomRecord;
using storage::Stored;

// How often an upgrade is tried again when the room changed under it.
constexpr int kMaxRetries = 5;

// How often a lock's release is tried when the room changes under it. Past that
// the lease ends the lock.
constexpr int kMaxReleaseAttempts = 100;

constexpr size_t kNonceBytes = 32;
constexpr size_t kUpgradeIdBytes = 16;

absl::Status UpgradeFailed() {
  return MakeError(absl::StatusCode::kInternal, v1::ERROR_REASON_ROOM_UPGRADE_FAILED,
                   "Room upgrade could not be completed");
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

absl::Status CheckRequester(const std::string& requester, const std::string& server_name) {
  FieldErrors errors;
  if (!rooms::IsLocal(requester, server_name)) {
    errors.Add("requester", absl::StrCat("must be a user of this server, ", server_name));
  }
  return errors.ToStatus();
}

std::string FailedEvent(const std::string& room_id, const std::string& requester,
                        const std::string& new_version, v1::UpgradeFailureReason reason) {
  v1::RoomUpgradeFailed failed;
  failed.set_room_id(room_id);
  failed.set_reason(reason);
  failed.set_new_version(new_version);
  failed.set_requester(requester);
  return EncodeEvent(failed);
}

std::string CreatedEvent(const RoomRecord& new_room) {
  v1::RoomCreated created;
  created.set_room_id(new_room.room_id());
  created.set_creator_id(new_room.creator());
  created.set_room_version(new_room.room_version());
  created.set_encryption_algorithm(new_room.encryption_algorithm());
  created.set_predecessor_room_id(new_room.predecessor_room_id());
  return EncodeEvent(created);
}

std::string UpgradedEvent(const RoomRecord& old_room, const RoomRecord& new_room) {
  v1::RoomUpgraded upgraded;
  upgraded.set_old_room_id(old_room.room_id());
  upgraded.set_new_room_id(new_room.room_id());
  upgraded.set_new_version(new_room.room_version());
  return EncodeEvent(upgraded);
}

// Points all aliases of the old room at the new one, and returns them.
absl::StatusOr<std::vector<std::string>> StageAliasMoves(RoomCommit& commit,
                                                         const RoomReader& reader,
                                                         const std::string& old_room_id,
                                                         const std::string& new_room_id) {
  absl::StatusOr<std::vector<std::string>> aliases = reader.ListAliases(old_room_id);
  if (!aliases.ok()) return aliases.status();
  for (const std::string& alias : *aliases) {
    auto stored = reader.GetAlias(alias);
    if (!stored.ok()) return stored.status();
    if (!stored->has_value()) return absl::DataLossError("the index of aliases is damaged");
    storage::AliasRecord record = (*stored)->record;
    record.set_room_id(new_room_id);
    commit.MoveAlias(alias, old_room_id, record, (*stored)->revision);
  }
  return aliases;
}

bool LeaseHolds(const RoomRecord& room, absl::Time now) {
  return room.has_upgrade() && absl::ToUnixMicros(now) < room.upgrade().lease_expire_time_us();
}

bool IsLockedBy(const std::optional<Stored<RoomRecord>>& room, const std::string& upgrade_id) {
  return room && room->record.status() == storage::ROOM_STATUS_RECORD_UPGRADING &&
         room->record.upgrade().upgrade_id() == upgrade_id;
}

// Gives the lock back in `commit` and tells so.
void StageRelease(RoomCommit& commit, RoomRecord& room, v1::UpgradeFailureReason reason) {
  commit.AppendLog(FailedEvent(room.room_id(), room.upgrade().requester(),
                               room.upgrade().new_version(), reason));
  ReleaseLock(room);
}

// Whether `requester` may replace the room by their power in it. Loads what that
// depends on and no more.
absl::Status CheckPower(const RoomReader& reader, const RoomRecord& room,
                        const std::string& requester) {
  auto state =
      LoadState(reader, room,
                {{"m.room.create", ""}, {"m.room.power_levels", ""}, {"m.room.member", requester}});
  if (!state.ok()) return state.status();
  return rooms::CheckMayUpgrade({&VersionOf(room), TipOf(room), *std::move(state)}, requester);
}

// Reads the room and says whether the upgrade may start.
absl::StatusOr<Stored<RoomRecord>> ReadUpgradable(const RoomReader& reader,
                                                  const UpgradeRoomCommand& command,
                                                  absl::Time now) {
  auto found = reader.GetRoomOfUser(command.room_id, command.requester);
  if (!found.ok()) return found.status();
  const bool is_member = found->user_room && found->user_room->membership() == "join";
  if (!found->room || !(is_member || command.may_read_all)) return RoomNotFound(command.room_id);
  const RoomRecord& room = found->room->record;
  if (room.status() == storage::ROOM_STATUS_RECORD_TOMBSTONED) return RoomTombstoned(room);
  absl::Status supported = SupportedVersion(command.new_version, "new_version").status();
  if (!supported.ok()) return supported;
  absl::Status powerful = CheckPower(reader, room, command.requester);
  if (!powerful.ok()) return powerful;
  if (LeaseHolds(room, now)) return UpgradeInProgress();
  return *std::move(found->room);
}

}  // namespace

// All that an upgrade comes to, ready to be committed.
struct RoomUpgrader::Draft {
  RoomCommit commit;
  v1::UpgradeRoomResponse response;
};

RoomUpgrader::RoomUpgrader(storage::Engine& engine, const Clock& clock, const RandomBytes& random,
                           Options options)
    : engine_(engine), clock_(clock), random_(random), options_(std::move(options)) {}

absl::StatusOr<v1::UpgradeRoomResponse> RoomUpgrader::Upgrade(const UpgradeRoomCommand& command) {
  absl::Status valid = CheckRequester(command.requester, options_.server_name);
  if (!valid.ok()) return valid;
  auto answered = FindResponse<v1::UpgradeRoomResponse>(RoomReader(engine_), command.identity);
  if (!answered.ok()) return answered.status();
  if (answered->has_value()) return **std::move(answered);
  if (command.validate_only) return Preview(command);
  absl::StatusOr<std::string> upgrade_id = Lock(command);
  if (!upgrade_id.ok()) {
    // Whoever replaced the room meanwhile may be the same request, sent twice.
    answered = FindResponse<v1::UpgradeRoomResponse>(RoomReader(engine_), command.identity);
    if (!answered.ok()) return answered.status();
    if (answered->has_value()) return **std::move(answered);
    if (auto reason = FailureReason(upgrade_id.status())) ReportRefusal(command, *reason);
    return upgrade_id.status();
  }
  return RunLocked(command, *upgrade_id);
}

absl::StatusOr<std::string> RoomUpgrader::Lock(const UpgradeRoomCommand& command) {
  for (int attempt = 0; attempt <= kMaxRetries; ++attempt) {
    const absl::Time now = clock_();
    RoomReader reader(engine_);
    absl::StatusOr<Stored<RoomRecord>> stored = ReadUpgradable(reader, command, now);
    if (!stored.ok()) return stored.status();
    RoomRecord& room = stored->record;

    RoomCommit commit;
    Touch(room, absl::ToUnixMicros(now));
    if (room.has_upgrade()) StageRelease(commit, room, v1::UPGRADE_FAILURE_REASON_INTERRUPTED);
    storage::UpgradeRecord upgrade;
    upgrade.set_upgrade_id(absl::BytesToHexString(random_(kUpgradeIdBytes)));
    upgrade.set_instance(options_.instance_name);
    upgrade.set_requester(command.requester);
    upgrade.set_new_version(command.new_version);
    upgrade.set_start_time_us(absl::ToUnixMicros(now));
    upgrade.set_lease_expire_time_us(absl::ToUnixMicros(now + options_.lease));
    LockForUpgrade(room, upgrade);
    commit.UpdateRoom(room, stored->revision);
    commit.SetLocked(room.room_id(), true);

    storage::CommitResult result = CommitAndWait(engine_, commit.Take());
    if (result.status.ok()) return upgrade.upgrade_id();
    if (!absl::IsAborted(result.status)) return CommitError(result);
  }
  return UpgradeFailed();
}

absl::StatusOr<v1::UpgradeRoomResponse> RoomUpgrader::RunLocked(const UpgradeRoomCommand& command,
                                                                const std::string& upgrade_id) {
  absl::Status error = UpgradeFailed();
  for (int attempt = 0; attempt <= kMaxRetries; ++attempt) {
    auto response = TryCommit(command, upgrade_id);
    if (!response.ok()) {
      error = response.status();
      break;
    }
    if (response->has_value()) return **std::move(response);
  }
  absl::Status released =
      Release(command.room_id, upgrade_id,
              FailureReason(error).value_or(v1::UPGRADE_FAILURE_REASON_INTERNAL));
  LOG_IF(ERROR, !released.ok()) << "room=" << command.room_id
                                << " stays locked until its lease ends: " << released;
  return error;
}

absl::StatusOr<std::optional<v1::UpgradeRoomResponse>> RoomUpgrader::TryCommit(
    const UpgradeRoomCommand& command, const std::string& upgrade_id) {
  RoomReader reader(engine_);
  auto old_room = reader.GetRoom(command.room_id);
  if (!old_room.ok()) return old_room.status();
  if (!IsLockedBy(*old_room, upgrade_id)) return UpgradeFailed();
  absl::StatusOr<Draft> draft = MakeDraft(command, reader, **std::move(old_room));
  if (!draft.ok()) return draft.status();

  storage::CommitResult result = CommitAndWait(engine_, draft->commit.Take());
  if (result.status.ok()) return std::move(draft->response);
  if (!absl::IsAborted(result.status)) return CommitError(result);
  if (draft->commit.ConflictOf(result) == RoomCommit::Conflict::kRequestRecorded) {
    auto answered = FindResponse<v1::UpgradeRoomResponse>(RoomReader(engine_), command.identity);
    if (!answered.ok()) return answered.status();
  }
  return std::nullopt;
}

absl::StatusOr<v1::UpgradeRoomResponse> RoomUpgrader::Preview(const UpgradeRoomCommand& command) {
  RoomReader reader(engine_);
  absl::StatusOr<Stored<RoomRecord>> old_room = ReadUpgradable(reader, command, clock_());
  if (!old_room.ok()) return old_room.status();
  const RoomRecord as_it_is = old_room->record;
  if (!old_room->record.has_upgrade()) LockForUpgrade(old_room->record, {});
  absl::StatusOr<Draft> draft = MakeDraft(command, reader, *std::move(old_room));
  if (!draft.ok()) return draft.status();
  v1::UpgradeRoomResponse response = std::move(draft->response);
  response.mutable_room()->clear_room_id();
  *response.mutable_old_room() = ToProto(as_it_is);
  return response;
}

absl::StatusOr<RoomUpgrader::Draft> RoomUpgrader::MakeDraft(
    const UpgradeRoomCommand& command, const RoomReader& reader,
    Stored<RoomRecord> stored_old_room) const {
  RoomRecord& old_room = stored_old_room.record;
  const rooms::RoomVersion& new_version = *rooms::FindRoomVersion(command.new_version);
  const absl::Time now = clock_();
  const int64_t now_us = absl::ToUnixMicros(now);

  absl::StatusOr<rooms::RoomState> old_state = LoadState(reader, old_room);
  if (!old_state.ok()) return old_state.status();
  const rooms::OldRoom plan_input{&VersionOf(old_room), TipOf(old_room), *std::move(old_state)};
  absl::Status powerful = CheckMayUpgrade(plan_input, command.requester);
  if (!powerful.ok()) return powerful;
  absl::StatusOr<rooms::UpgradePlan> plan =
      PlanUpgrade(plan_input, command.requester, new_version,
                  {options_.server_name, absl::ToUnixMillis(now), random_(kNonceBytes)});
  if (!plan.ok()) return plan.status();

  Draft draft;
  RoomRecord new_room = NewRoomRecord(new_version, plan->new_room, now_us);
  new_room.set_is_public(old_room.is_public());
  StageNewRoom(draft.commit, new_room, plan->new_room, options_.server_name);

  auto aliases = StageAliasMoves(draft.commit, reader, old_room.room_id(), new_room.room_id());
  if (!aliases.ok()) return aliases.status();

  Touch(old_room, now_us);
  absl::Status staged =
      StageNewEvents(draft.commit, reader, old_room, plan->old_room_events, options_.server_name);
  if (!staged.ok()) return staged;
  old_room.set_is_public(false);
  Tombstone(old_room, new_room.room_id());
  draft.commit.UpdateRoom(old_room, stored_old_room.revision);
  draft.commit.SetLocked(old_room.room_id(), false);

  draft.commit.AppendLog(CreatedEvent(new_room));
  draft.commit.AppendLog(UpgradedEvent(old_room, new_room));
  LogPendingInvites(draft.commit, new_room.room_id(), plan->new_room.events, options_.server_name);

  *draft.response.mutable_room() = ToProto(new_room);
  *draft.response.mutable_old_room() = ToProto(old_room);
  draft.response.mutable_moved_aliases()->Assign(aliases->begin(), aliases->end());
  draft.response.set_joined_member_count(plan->joined_member_count);
  draft.response.set_invited_member_count(plan->invited_member_count);
  draft.response.set_banned_member_count(plan->banned_member_count);
  RecordResponse(draft.commit, command.identity, draft.response, now + options_.request_retention);
  return draft;
}

absl::Status RoomUpgrader::Release(const std::string& room_id, const std::string& upgrade_id,
                                   v1::UpgradeFailureReason reason) {
  storage::CommitResult result;
  for (int attempt = 0; attempt < kMaxReleaseAttempts; ++attempt) {
    auto room = RoomReader(engine_).GetRoom(room_id);
    if (!room.ok()) return room.status();
    if (!IsLockedBy(*room, upgrade_id)) return absl::OkStatus();
    RoomCommit commit;
    Touch((*room)->record, absl::ToUnixMicros(clock_()));
    StageRelease(commit, (*room)->record, reason);
    commit.UpdateRoom((*room)->record, (*room)->revision);
    commit.SetLocked(room_id, false);
    result = CommitAndWait(engine_, commit.Take());
    if (!absl::IsAborted(result.status)) return result.status;
  }
  return result.status;
}

absl::Status RoomUpgrader::RecoverOwn() {
  return Recover([this](const storage::UpgradeRecord& upgrade) {
    return upgrade.instance() == options_.instance_name;
  });
}

absl::Status RoomUpgrader::RecoverExpired() {
  return Recover([now = absl::ToUnixMicros(clock_())](const storage::UpgradeRecord& upgrade) {
    return upgrade.lease_expire_time_us() <= now;
  });
}

absl::Status RoomUpgrader::Recover(absl::FunctionRef<bool(const storage::UpgradeRecord&)> is_dead) {
  RoomReader reader(engine_);
  auto locked = reader.ListLockedRooms();
  if (!locked.ok()) return locked.status();
  for (const std::string& room_id : *locked) {
    auto room = reader.GetRoom(room_id);
    if (!room.ok()) return room.status();
    if (!room->has_value()) return absl::DataLossError("the index of locked rooms is damaged");
    const storage::UpgradeRecord& upgrade = (*room)->record.upgrade();
    if (!is_dead(upgrade)) continue;
    LOG(WARNING) << "room=" << room_id << " gives back the lock of an interrupted upgrade";
    absl::Status released =
        Release(room_id, upgrade.upgrade_id(), v1::UPGRADE_FAILURE_REASON_INTERRUPTED);
    if (!released.ok()) return released;
  }
  return absl::OkStatus();
}

void RoomUpgrader::ReportRefusal(const UpgradeRoomCommand& command,
                                 v1::UpgradeFailureReason reason) {
  RoomCommit commit;
  commit.AppendLog(FailedEvent(command.room_id, command.requester, command.new_version, reason));
  storage::CommitResult result = CommitAndWait(engine_, commit.Take());
  LOG_IF(ERROR, !result.status.ok())
      << "room=" << command.room_id << " a refused upgrade is not on the stream: " << result.status;
}

}  // namespace innkeeper::lifecycle
