// File: server/lifecycle/upgrade_lock.h
//
// The lock of a room that is being upgraded: a durable record with a lease, part of the
// room's head. While it is there the room takes no event but the upgrade's, unless the
// upgrade still waits for an approval (approvals.h): the lease is how long it does.

#ifndef INNKEEPER_SERVER_LIFECYCLE_UPGRADE_LOCK_H_
#define INNKEEPER_SERVER_LIFECYCLE_UPGRADE_LOCK_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "innkeeper/v1/room_event.pb.h"
#include "server/audit/trail.h"
#include "server/base/clock.h"
#include "server/base/random.h"
#include "storage/engine.h"
#include "storage/records.pb.h"
#include "storage/room_store.h"

namespace innkeeper::lifecycle {

// An id that no other upgrade has.
std::string NewUpgradeId(const RandomBytes& random);

// True if an upgrade holds the lock whose lease has not run out.
bool LeaseHolds(const storage::RoomRecord& room, absl::Time now);

// True if the upgrade with this id holds the lock.
bool IsLockedBy(const std::optional<storage::Stored<storage::RoomRecord>>& room,
                absl::string_view upgrade_id);

// Takes the lock in `commit`, from an upgrade whose lease ran out if need be. `room` was
// read to be changed.
void StageLock(storage::RoomCommit& commit, storage::Stored<storage::RoomRecord>& room,
               storage::UpgradeRecord upgrade, absl::Time now);

// Gives the lock back in `commit`, and tells so on the stream; also of the approval that
// the upgrade waited for. The room must be locked.
void StageRelease(storage::RoomCommit& commit, storage::Stored<storage::RoomRecord>& room,
                  v1::UpgradeFailureReason reason, absl::Time now);

// Gives the lock back if the upgrade holds it; `trail` tells the audit log. Blocks. Errors of
// RoomReader and of CommitResult.
absl::Status ReleaseUpgradeLock(storage::Engine& engine, const std::string& room_id,
                                absl::string_view upgrade_id, v1::UpgradeFailureReason reason,
                                const Clock& clock, const audit::Trail& trail);

// Gives back the locks of all upgrades that are dead, with the reason INTERRUPTED, or
// APPROVAL_EXPIRED if they waited for an approval. Returns how many were interrupted.
// Blocks. Errors as above.
absl::StatusOr<int64_t> ReleaseDeadLocks(
    storage::Engine& engine, absl::FunctionRef<bool(const storage::UpgradeRecord&)> is_dead,
    const Clock& clock, const audit::Trail& trail);

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_UPGRADE_LOCK_H_
