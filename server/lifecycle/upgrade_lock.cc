#include "server/lifecycle/upgrade_lock.h"

#include <glog/logging.h>

#include <utility>

#include "absl/strings/escaping.h"
#include "server/base/log_word.h"
#include "server/events/event_codec.h"
#include "server/lifecycle/approvals.h"
#include "server/lifecycle/room_records.h"
#include "server/lifecycle/room_status.h"

namespace innkeeper::lifecycle {
namespace {

using storage::RoomCommit;
using storage::RoomReader;
using storage::RoomRecord;
using storage::Stored;

// How often a lock's release is tried when the room changes under it. Past that
// the lease ends the lock.
constexpr int kMaxReleaseAttempts = 100;

constexpr size_t kUpgradeIdBytes = 16;

v1::ApprovalOutcome OutcomeOf(v1::UpgradeFailureReason reason) {
  switch (reason) {
    case v1::UPGRADE_FAILURE_REASON_REJECTED:
      return v1::APPROVAL_OUTCOME_REJECTED;
    case v1::UPGRADE_FAILURE_REASON_CANCELLED:
      return v1::APPROVAL_OUTCOME_CANCELLED;
    default:
      return v1::APPROVAL_OUTCOME_EXPIRED;
  }
}

// What ends an upgrade whose lease has run out.
v1::UpgradeFailureReason ExpiryReason(const RoomRecord& room) {
  return AwaitsApproval(room) ? v1::UPGRADE_FAILURE_REASON_APPROVAL_EXPIRED
                              : v1::UPGRADE_FAILURE_REASON_INTERRUPTED;
}

// Takes the lock from the room's head, and tells so.
void Unlock(RoomCommit& commit, RoomRecord& room, v1::UpgradeFailureReason reason) {
  if (AwaitsApproval(room)) {
    StageDecision(commit, PendingApprovalOf(room), OutcomeOf(reason), LabelsOf(room));
  }
  v1::RoomUpgradeFailed failed;
  failed.set_room_id(room.room_id());
  failed.set_reason(reason);
  failed.set_new_version(room.upgrade().new_version());
  failed.set_requester(room.upgrade().requester());
  commit.AppendLog(EncodeEvent(failed, LabelsOf(room)));
  ReleaseLock(room);
}

}  // namespace

std::string NewUpgradeId(const RandomBytes& random) {
  return absl::BytesToHexString(random(kUpgradeIdBytes));
}

bool LeaseHolds(const RoomRecord& room, absl::Time now) {
  return room.has_upgrade() && absl::ToUnixMicros(now) < room.upgrade().lease_expire_time_us();
}

bool IsLockedBy(const std::optional<Stored<RoomRecord>>& room, absl::string_view upgrade_id) {
  return room && room->record.status() == storage::ROOM_STATUS_RECORD_UPGRADING &&
         room->record.upgrade().upgrade_id() == upgrade_id;
}

void StageLock(RoomCommit& commit, Stored<RoomRecord>& room, storage::UpgradeRecord upgrade,
               absl::Time now) {
  Touch(room.record, absl::ToUnixMicros(now));
  if (room.record.has_upgrade()) {
    Unlock(commit, room.record, ExpiryReason(room.record));
  }
  LockForUpgrade(room.record, std::move(upgrade));
  commit.UpdateRoom(room.record, room.revision);
  commit.SetLocked(room.record.room_id(), true);
}

void StageRelease(RoomCommit& commit, Stored<RoomRecord>& room, v1::UpgradeFailureReason reason,
                  absl::Time now) {
  Touch(room.record, absl::ToUnixMicros(now));
  Unlock(commit, room.record, reason);
  commit.UpdateRoom(room.record, room.revision);
  commit.SetLocked(room.record.room_id(), false);
}

absl::Status ReleaseUpgradeLock(storage::Engine& engine, const std::string& room_id,
                                absl::string_view upgrade_id, v1::UpgradeFailureReason reason,
                                const Clock& clock, const audit::Trail& trail) {
  storage::CommitResult result;
  for (int attempt = 0; attempt < kMaxReleaseAttempts; ++attempt) {
    auto room = RoomReader(engine).GetRoom(room_id);
    if (!room.ok()) return room.status();
    if (!IsLockedBy(*room, upgrade_id)) return absl::OkStatus();
    RoomCommit commit;
    StageRelease(commit, **room, reason, clock());
    trail.Leave(commit, "unlock");
    result = CommitAndWait(engine, commit.Take());
    if (!absl::IsAborted(result.status)) return result.status;
  }
  return result.status;
}

absl::StatusOr<int64_t> ReleaseDeadLocks(
    storage::Engine& engine, absl::FunctionRef<bool(const storage::UpgradeRecord&)> is_dead,
    const Clock& clock, const audit::Trail& trail) {
  const RoomReader reader(engine);
  auto locked = reader.ListLockedRooms();
  if (!locked.ok()) return locked.status();
  int64_t interrupted = 0;
  for (const std::string& room_id : *locked) {
    auto room = reader.GetRoom(room_id);
    if (!room.ok()) return room.status();
    if (!room->has_value()) return absl::DataLossError("the index of locked rooms is damaged");
    const RoomRecord& record = (*room)->record;
    if (!is_dead(record.upgrade())) continue;
    const bool waited = AwaitsApproval(record);
    LOG(WARNING) << "room=" << LogWord(room_id) << " gives back the lock of an upgrade that "
                 << (waited ? "nobody approved" : "was interrupted");
    absl::Status released = ReleaseUpgradeLock(engine, room_id, record.upgrade().upgrade_id(),
                                               ExpiryReason(record), clock, trail);
    if (!released.ok()) return released;
    if (!waited) ++interrupted;
  }
  return interrupted;
}

}  // namespace innkeeper::lifecycle
