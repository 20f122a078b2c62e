// File: server/lifecycle/room_erasure.h
//
// How what the store has of a room that has no head is removed: of one that was staged, or
// deleted. Nobody sees it, so it takes as many commits as it takes. See
// docs/decisions/0032-deleting-rooms.md.

#ifndef INNKEEPER_SERVER_LIFECYCLE_ROOM_ERASURE_H_
#define INNKEEPER_SERVER_LIFECYCLE_ROOM_ERASURE_H_

#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/engine.h"
#include "storage/room_store.h"

namespace innkeeper::lifecycle {

// Removes what is left of one room. One that breaks off can be begun anew, by anybody. Not
// thread-safe.
class RoomErasure {
 public:
  // Removes something only as long as the room's note was last written at `note_revision`,
  // unless that is 0. `engine` must outlive the erasure.
  RoomErasure(storage::Engine& engine, std::string room_id, storage::Revision note_revision)
      : engine_(engine), room_id_(std::move(room_id)), note_revision_(note_revision) {}

  // Removes so much that other commits do not notice that they wait for it, or once there is
  // nothing more the note. Returns true then. Blocks. Errors of RoomReader, and CommitError:
  // ABORTED if the note was not as it must be.
  absl::StatusOr<bool> EraseSome();

 private:
  // Each gathers up to kErasedAtOnce removals; none if there is nothing more.
  absl::Status StageState(const storage::RoomReader& reader, storage::RoomCommit& commit);
  absl::Status StageRemains(const storage::RoomReader& reader, storage::RoomCommit& commit);
  // Destroys the room's secrets, and gathers what is left to remove then.
  absl::Status StageEnd(const storage::RoomReader& reader, storage::RoomCommit& commit);

  storage::Engine& engine_;
  const std::string room_id_;
  const storage::Revision note_revision_;
  // Where it goes on, so that no scan passes again over what was removed.
  std::optional<storage::StatePosition> last_entry_;
  std::string last_key_;
};

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_ROOM_ERASURE_H_
