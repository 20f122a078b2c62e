#include "server/lifecycle/upgrade_lock.h"

#include <glog/logging.h>

#include <utility>

#include "server/base/log_word.h"
#include "server/events/event_codec.h"
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

// Takes the lock from the room's head, and tells so.
void Unlock(RoomCommit& commit, RoomRecord& room, v1::UpgradeFailureReason reason) {
  v1::RoomUpgradeFailed failed;
  failed.set_room_id(room.room_id());
  failed.set_reason(reason);
  failed.set_new_version(room.upgrade().new_version());
  failed.set_requester(room.upgrade().requester());
  commit.AppendLog(EncodeEvent(failed, LabelsOf(room)));
  ReleaseLock(room);
}

}  // namespace

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
    Unlock(commit, room.record, v1::UPGRADE_FAILURE_REASON_INTERRUPTED);
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
                                const Clock& clock) {
  storage::CommitResult result;
  for (int attempt = 0; attempt < kMaxReleaseAttempts; ++attempt) {
    auto room = RoomReader(engine).GetRoom(room_id);
    if (!room.ok()) return room.status();
    if (!IsLockedBy(*room, upgrade_id)) return absl::OkStatus();
    RoomCommit commit;
    StageRelease(commit, **room, reason, clock());
    result = CommitAndWait(engine, commit.Take());
    if (!absl::IsAborted(result.status)) return result.status;
  }
  return result.status;
}

absl::Status ReleaseDeadLocks(storage::Engine& engine,
                              absl::FunctionRef<bool(const storage::UpgradeRecord&)> is_dead,
                              const Clock& clock) {
  const RoomReader reader(engine);
  auto locked = reader.ListLockedRooms();
  if (!locked.ok()) return locked.status();
  for (const std::string& room_id : *locked) {
    auto room = reader.GetRoom(room_id);
    if (!room.ok()) return room.status();
    if (!room->has_value()) return absl::DataLossError("the index of locked rooms is damaged");
    const storage::UpgradeRecord& upgrade = (*room)->record.upgrade();
    if (!is_dead(upgrade)) continue;
    LOG(WARNING) << "room=" << LogWord(room_id) << " gives back the lock of an interrupted upgrade";
    absl::Status released = ReleaseUpgradeLock(engine, room_id, upgrade.upgrade_id(),
                                               v1::UPGRADE_FAILURE_REASON_INTERRUPTED, clock);
    if (!released.ok()) return released;
  }
  return absl::OkStatus();
}

}  // namespace innkeeper::lifecycle
