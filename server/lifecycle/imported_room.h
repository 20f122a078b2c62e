// File: server/lifecycle/imported_room.h
//
// A room that was taken over, as records.

#ifndef INNKEEPER_SERVER_LIFECYCLE_IMPORTED_ROOM_H_
#define INNKEEPER_SERVER_LIFECYCLE_IMPORTED_ROOM_H_

#include <cstddef>
#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "server/rooms/event.h"
#include "server/rooms/room_import.h"
#include "server/rooms/room_state.h"
#include "server/rooms/room_version.h"
#include "server/rooms/signing.h"
#include "storage/records.pb.h"
#include "storage/room_store.h"

namespace innkeeper::lifecycle {

// The head of the room, at revision 1. Created when its m.room.create says, but not
// later than now.
storage::RoomRecord ImportedRoomRecord(const rooms::RoomVersion& version,
                                       const rooms::ImportedRoom& room, int64_t now_us);

// Those of `keys`, but for `server_name`'s, that the room's events were checked with.
storage::RoomKeysRecord KeysOfOthers(const rooms::ImportedRoom& room, const rooms::VerifyKeys& keys,
                                     absl::string_view server_name);

// The records of the room but for its head, part by part: its events in their order, then
// its state and what is found by that. Invites of users of other servers are not noted as
// pending: they were delivered when they were sent. Not thread-safe.
class ImportedRoomRecords {
 public:
  // `record` is the head. Both must outlive this.
  ImportedRoomRecords(const storage::RoomRecord& record, const rooms::ImportedRoom& room);

  // Puts the next part, of about `max_bytes`, into `commit`.
  void StagePart(storage::RoomCommit& commit, size_t max_bytes);

  // True if there is no part left.
  bool done() const {
    return next_event_ == room_.events.size() && next_entry_ == room_.state.end();
  }

 private:
  // Each puts one record into `commit`, and returns about how many bytes that takes.
  size_t StageNextEvent(storage::RoomCommit& commit);
  size_t StageNextEntry(storage::RoomCommit& commit);

  const storage::RoomRecord& record_;
  const rooms::ImportedRoom& room_;
  absl::flat_hash_map<absl::string_view, const rooms::Event*> by_id_;
  size_t next_event_ = 0;
  rooms::RoomState::const_iterator next_entry_;
};

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_IMPORTED_ROOM_H_
