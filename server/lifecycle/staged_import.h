// File: server/lifecycle/staged_import.h
//
// How an import writes a room that may be too large for one commit: part by part under the
// room's id, which nobody sees before the head comes with the last part. A note with a
// lease says whose the parts are. What an import that died has written is discarded when
// its process is started again, or by any process once the lease has run out.

#ifndef INNKEEPER_SERVER_LIFECYCLE_STAGED_IMPORT_H_
#define INNKEEPER_SERVER_LIFECYCLE_STAGED_IMPORT_H_

#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/base/clock.h"
#include "storage/engine.h"
#include "storage/records.pb.h"
#include "storage/room_store.h"

namespace innkeeper::lifecycle {

// Commits the parts of one import. Not thread-safe. Its methods block.
class StagedImport {
 public:
  struct Options {
    // The process, as in RoomUpgrader::Options.
    std::string instance_name;
    // How long the import may go without a commit before others take it for dead.
    absl::Duration lease = absl::Seconds(30);
  };

  // The references must outlive the import.
  StagedImport(storage::Engine& engine, const Clock& clock, const Options& options,
               std::string room_id)
      : engine_(engine), clock_(clock), options_(options), room_id_(std::move(room_id)) {}

  // Commits a part that is not the last. After an error the parts before are discarded,
  // now or by others. Errors: ROOM_EXISTS if the room is there or being imported
  // already; CONFLICT if others took this import for dead; CommitError.
  absl::Status CommitPart(storage::RoomCommit part);

  // Commits the last part, which has the head. Errors as above.
  absl::Status CommitLastPart(storage::RoomCommit part);

 private:
  absl::Status Commit(storage::RoomCommit part);

  storage::Engine& engine_;
  const Clock& clock_;
  const Options& options_;
  const std::string room_id_;
  storage::Revision note_revision_ = 0;  // 0: there are no parts yet
};

// Discards what imports have written that are dead. Blocks. Errors of RoomReader and of
// CommitResult.
absl::Status DiscardDeadImports(storage::Engine& engine, const StagedImport::Options& options,
                                absl::Time now,
                                absl::FunctionRef<bool(const storage::StagedRoomRecord&)> is_dead);

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_STAGED_IMPORT_H_
