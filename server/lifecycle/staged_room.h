// File: server/lifecycle/staged_room.h
//
// A new room that may be too large for one commit. Its events, and whatever is found by
// them, are written in parts; its head comes with the last of them. Without a head
// nobody sees the room, so that until then it can be dropped again.

#ifndef INNKEEPER_SERVER_LIFECYCLE_STAGED_ROOM_H_
#define INNKEEPER_SERVER_LIFECYCLE_STAGED_ROOM_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/events/event_codec.h"
#include "server/rooms/event.h"
#include "server/rooms/room_state.h"
#include "server/rooms/room_version.h"
#include "storage/engine.h"
#include "storage/records.pb.h"
#include "storage/room_store.h"

namespace innkeeper::lifecycle {

// How many bytes one part has, about: few enough for writes to other rooms not to notice
// that they wait for it.
inline constexpr size_t kStagedPartBytes = size_t{32} << 10;

// What an event takes in the store besides its content, about.
inline constexpr size_t kEventOverheadBytes = 1000;

// Gathers the first events of a room and puts them into commits. Not thread-safe.
class StagedRoom {
 public:
  // `note` is kept with the parts, and says whose they are.
  StagedRoom(const rooms::RoomVersion& version, storage::StagedRoomRecord note,
             std::string server_name)
      : version_(version), note_(std::move(note)), server_name_(std::move(server_name)) {}

  // Appends the next event of the room.
  void Append(rooms::Event event);

  // True if what was appended since the last part is enough for another.
  bool IsPartFull() const { return part_bytes_ >= kStagedPartBytes; }

  // Puts what was appended since the last part into `commit`, as another one. The room
  // has an id then, and events.
  void StagePart(storage::RoomCommit& commit, int64_t now_us);

  // Puts the rest and the head into `commit`, and returns the head. It has the audience
  // of `old_room`, which the room replaces, and its place in the directory. Nothing may
  // be appended after that.
  storage::RoomRecord StageLastPart(storage::RoomCommit& commit, rooms::RoomSummary summary,
                                    const storage::RoomRecord& old_room, int64_t now_us);

  // Tells the event stream, in the commit of the last part, of the invites that wait for
  // delivery: of the first 1,000. The others are due to be told of. `labels` are the
  // room's.
  void LogPendingInvites(storage::RoomCommit& commit, const RoomLabels& labels) const;

  // True if there is a part that was staged before the last.
  bool has_parts() const { return has_parts_; }

  // Empty as long as no event was appended.
  const std::string& room_id() const { return room_id_; }

 private:
  // So many do not make the last commit slow.
  static constexpr size_t kMaxInvitesLogged = 1000;

  // An invite of the room that waits for delivery. There may be many.
  struct PendingInvite {
    std::string user_id;
    std::string event_id;
  };

  void StageEvents(storage::RoomCommit& commit, int64_t now_us);

  const rooms::RoomVersion& version_;
  const storage::StagedRoomRecord note_;
  const std::string server_name_;
  std::string room_id_;
  std::string creator_;
  rooms::Event latest_;  // of the parts before
  std::vector<rooms::Event> part_;
  size_t part_bytes_ = 0;
  bool has_parts_ = false;
  std::vector<PendingInvite> invites_;  // to be logged
  // Of the parts before.
  int64_t event_count_ = 0;
  rooms::RoomState state_;  // without members
};

// Removes all that was staged of a room, in several commits: only as long as the note of
// it was last written at `revision`, unless that is 0. Blocks. Errors of RoomErasure; it can
// be called again then.
absl::Status DiscardStagedRoom(storage::Engine& engine, const std::string& room_id,
                               storage::Revision revision = 0);

// Discards the rooms that were staged by upgrades which hold no lock any more. Blocks.
// Errors as above.
absl::Status DiscardAbandonedUpgrades(storage::Engine& engine);

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_STAGED_ROOM_H_
