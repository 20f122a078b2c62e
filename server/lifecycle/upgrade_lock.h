// File: server/lifecycle/upgrade_lock.h
//
// The lock of a room that is being upgraded: a durable record with a lease, part of the
// room's head. While it is there the room takes no event but the upgrade's.

#ifndef INNKEEPER_SERVER_LIFECYCLE_UPGRADE_LOCK_H_
#define INNKEEPER_SERVER_LIFECYCLE_UPGRADE_LOCK_H_

#include <optional>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "innkeeper/v1/room_event.pb.h"
#include "server/base/clock.h"
#include "storage/engine.h"
#include "storage/records.pb.h"
#include "storage/room_store.h"

namespace innkeeper::lifecycle {

// True if an upgrade holds the lock whose lease has not run out.
bool LeaseHolds(const storage::RoomRecord& room, absl::Time now);

// True if the upgrade with this id holds the lock.
bool IsLockedBy(const std::optional<storage::Stored<storage::RoomRecord>>& room,
                absl::string_view upgrade_id);

// Takes the lock in `commit`, from an upgrade whose lease ran out if need be. `room` was
// read to be changed.
void StageLock(storage::RoomCommit& commit, storage::Stored<storage::RoomRecord>& room,
               storage::UpgradeRecord upgrade, absl::Time now);

// Gives the lock back in `commit`, and tells so on the stream. The room must be locked.
void StageRelease(storage::RoomCommit& commit, storage::Stored<storage::RoomRecord>& room,
                  v1::UpgradeFailureReason reason, absl::Time now);

// Gives the lock back if the upgrade holds it. Blocks. Errors of RoomReader and of
// CommitResult.
absl::Status ReleaseUpgradeLock(storage::Engine& engine, const std::string& room_id,
                                absl::string_view upgrade_id, v1::UpgradeFailureReason reason,
                                const Clock& clock);

// Gives back the locks of all upgrades that are dead, with the reason INTERRUPTED.
// Blocks. Errors as above.
absl::Status ReleaseDeadLocks(storage::Engine& engine,
                              absl::FunctionRef<bool(const storage::UpgradeRecord&)> is_dead,
                              const Clock& clock);

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_UPGRADE_LOCK_H_
