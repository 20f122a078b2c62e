#include "server/lifecycle/staged_import.h"

#include <glog/logging.h>

#include <vector>

#include "server/base/log_word.h"
#include "server/lifecycle/room_errors.h"
#include "server/lifecycle/staged_room.h"

namespace innkeeper::lifecycle {
namespace {

using storage::RoomCommit;
using storage::RoomReader;
using storage::StagedRoomRecord;

StagedRoomRecord NoteOf(const StagedImport::Options& options, absl::Time now) {
  StagedRoomRecord note;
  note.set_instance(options.instance_name);
  note.set_lease_expire_time_us(absl::ToUnixMicros(now + options.lease));
  return note;
}

// Takes over what is staged of a room, so that whoever staged it cannot go on, and
// discards it. Nothing if somebody else did so meanwhile, or it is not dead.
absl::Status TakeOverAndDiscard(storage::Engine& engine, const std::string& room_id,
                                const StagedRoomRecord& note, storage::Revision revision) {
  RoomCommit commit;
  commit.RenewStaging(room_id, note, revision);
  const storage::CommitResult taken = CommitAndWait(engine, commit.Take());
  if (absl::IsAborted(taken.status)) return absl::OkStatus();
  if (!taken.status.ok()) return taken.status;
  LOG(WARNING) << "room=" << LogWord(room_id) << " is discarded: its import did not end";
  return DiscardStagedRoom(engine, room_id, taken.revision);
}

}  // namespace

absl::Status StagedImport::CommitPart(RoomCommit part) {
  const StagedRoomRecord note = NoteOf(options_, clock_());
  if (note_revision_ == 0) {
    part.BeginStaging(room_id_, note);
  } else {
    part.RenewStaging(room_id_, note, note_revision_);
  }
  return Commit(std::move(part));
}

absl::Status StagedImport::CommitLastPart(RoomCommit part) {
  part.RequireStaging(room_id_, note_revision_);
  if (note_revision_ != 0) part.EndStaging(room_id_);
  return Commit(std::move(part));
}

absl::Status StagedImport::Commit(RoomCommit part) {
  const storage::CommitResult result = CommitAndWait(engine_, part.Take());
  if (result.status.ok()) {
    note_revision_ = result.revision;
    return absl::OkStatus();
  }
  if (note_revision_ == 0) {
    return absl::IsAborted(result.status) ? RoomExists(room_id_) : CommitError(result);
  }
  const absl::Status discarded = DiscardStagedRoom(engine_, room_id_, note_revision_);
  LOG_IF(WARNING, !discarded.ok())
      << "room=" << LogWord(room_id_) << " is left to be discarded later: " << discarded;
  return CommitError(result);
}

absl::Status DiscardDeadImports(storage::Engine& engine, const StagedImport::Options& options,
                                absl::Time now,
                                absl::FunctionRef<bool(const StagedRoomRecord&)> is_dead) {
  struct DeadImport {
    std::string room_id;
    storage::Revision revision;
  };
  std::vector<DeadImport> dead;
  absl::Status scanned =
      RoomReader(engine).ScanStagedRooms([&](std::string room_id, const auto& staged) {
        const bool is_import = staged.record.old_room_id().empty() && !staged.record.is_deleted();
        if (is_import && is_dead(staged.record)) {
          dead.push_back({std::move(room_id), staged.revision});
        }
        return true;
      });
  if (!scanned.ok()) return scanned;
  for (const DeadImport& import : dead) {
    absl::Status discarded =
        TakeOverAndDiscard(engine, import.room_id, NoteOf(options, now), import.revision);
    if (!discarded.ok()) return discarded;
  }
  return absl::OkStatus();
}

}  // namespace innkeeper::lifecycle
