#include "server/lifecycle/purge_rooms.h"

#include <glog/logging.h>

#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "server/base/log_word.h"
#include "server/lifecycle/room_erasure.h"
#include "storage/room_store.h"

namespace innkeeper::lifecycle {
namespace {

using storage::Revision;
using storage::RoomReader;

constexpr absl::Duration kRetryDelay = absl::Seconds(10);

struct DeletedRoom {
  std::string room_id;
  Revision note_revision = 0;
};

absl::StatusOr<std::vector<DeletedRoom>> FindDeletedRooms(const RoomReader& reader) {
  std::vector<DeletedRoom> deleted;
  absl::Status scanned = reader.ScanStagedRooms([&](std::string room_id, const auto& staged) {
    if (staged.record.is_deleted()) deleted.push_back({std::move(room_id), staged.revision});
    return true;
  });
  if (!scanned.ok()) return scanned;
  return deleted;
}

absl::Status Erase(storage::Engine& engine, const DeletedRoom& room,
                   absl::FunctionRef<bool()> is_stopped) {
  RoomErasure erasure(engine, room.room_id, room.note_revision);
  while (!is_stopped()) {
    absl::StatusOr<bool> done = erasure.EraseSome();
    if (absl::IsAborted(done.status())) return absl::OkStatus();  // somebody changed the note
    if (!done.ok()) return done.status();
    if (!*done) continue;
    LOG(INFO) << "room=" << LogWord(room.room_id) << " is purged";
    return absl::OkStatus();
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status PurgeRoom(storage::Engine& engine, const std::string& room_id) {
  // The note tells: others may have purged the room, or only sealed the note anew.
  while (true) {
    auto note = RoomReader(engine).GetStagedRoom(room_id);
    if (!note.ok()) return note.status();
    if (!note->has_value() || !(*note)->record.is_deleted()) return absl::OkStatus();
    absl::Status erased = Erase(engine, {room_id, (*note)->revision}, [] { return false; });
    if (!erased.ok()) return erased;
  }
}

void RoomPurger::Purge(absl::Time now) {
  if (now < next_try_) return;
  absl::Status purged = PurgeAll();
  if (purged.ok()) return;
  LOG(ERROR) << "purging deleted rooms: " << purged;
  next_try_ = now + kRetryDelay;
}

absl::Status RoomPurger::PurgeAll() {
  const auto deleted = FindDeletedRooms(RoomReader(engine_));
  if (!deleted.ok()) return deleted.status();
  absl::Status status;
  for (const DeletedRoom& room : *deleted) {
    status.Update(Erase(engine_, room, [this] { return is_stopped_.load(); }));
  }
  return status;
}

}  // namespace innkeeper::lifecycle
