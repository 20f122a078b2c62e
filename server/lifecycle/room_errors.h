// File: server/lifecycle/room_errors.h
//
// Errors that several use cases share.

#ifndef INNKEEPER_SERVER_LIFECYCLE_ROOM_ERRORS_H_
#define INNKEEPER_SERVER_LIFECYCLE_ROOM_ERRORS_H_

#include <string>

#include "absl/status/status.h"
#include "storage/engine.h"
#include "storage/records.pb.h"

namespace innkeeper::lifecycle {

// NOT_FOUND (ROOM_NOT_FOUND): the same, to the byte, for a room that is not there
// and for one that the caller may not know of.
absl::Status RoomNotFound(const std::string& room_id);

// ALREADY_EXISTS (ROOM_EXISTS).
absl::Status RoomExists(const std::string& room_id);

// ALREADY_EXISTS (ALIAS_IN_USE).
absl::Status AliasInUse(const std::string& alias);

// NOT_FOUND (ALIAS_NOT_FOUND): the same, to the byte, for an alias that is not there
// and for one of a room that the caller may not know of.
absl::Status AliasNotFound(const std::string& alias);

// FAILED_PRECONDITION (ROOM_TOMBSTONED), naming the successor.
absl::Status RoomTombstoned(const storage::RoomRecord& room);

// ABORTED (ROOM_UPGRADE_IN_PROGRESS).
absl::Status UpgradeInProgress();

// DEADLINE_EXCEEDED (DEADLINE_PASSED): nobody waits for the reply any more.
absl::Status DeadlinePassed();

// What the caller is told of a commit that failed for a reason that the use case
// has no better word for. `result.status` is not OK.
absl::Status CommitError(const storage::CommitResult& result);

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_ROOM_ERRORS_H_
