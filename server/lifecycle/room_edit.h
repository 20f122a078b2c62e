// File: server/lifecycle/room_edit.h
//
// A change to a room that is there: the way of every write into one, but for
// upgrades.

#ifndef INNKEEPER_SERVER_LIFECYCLE_ROOM_EDIT_H_
#define INNKEEPER_SERVER_LIFECYCLE_ROOM_EDIT_H_

#include <string>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/base/clock.h"
#include "server/base/random.h"
#include "server/lifecycle/room_caps.h"
#include "server/rooms/event.h"
#include "server/rooms/event_chain.h"
#include "server/rooms/power_levels.h"
#include "server/rooms/room_state.h"
#include "storage/records.pb.h"
#include "storage/room_store.h"

namespace innkeeper::lifecycle {

// What every change to a room needs besides the store.
struct EditContext {
  const Clock& clock;
  const RandomBytes& random;
  std::string server_name;
  RoomCaps caps = {};
};

// Returns OK if the room takes events; else ROOM_TOMBSTONED or
// ROOM_UPGRADE_IN_PROGRESS.
absl::Status CheckWritable(const storage::RoomRecord& room);

// Gathers events for a room. Reads no more of the room's state than what the events
// need, so that its cost does not depend on the size of the room. Not thread-safe.
class RoomEdit {
 public:
  // `room` was read with `reader` and has passed CheckWritable. `reader` must outlive
  // the edit.
  RoomEdit(const storage::RoomReader& reader, storage::Stored<storage::RoomRecord> room,
           const EditContext& context);

  const rooms::RoomVersion& version() const { return version_; }

  // The room's head as it was read.
  const storage::RoomRecord& room() const { return room_.record; }

  // What stands at a place of the state behind the events so far; nullptr if nothing
  // does. Valid until the next call of a method that is not const. Errors of
  // RoomReader; DATA_LOSS if the content is no JSON.
  absl::StatusOr<const rooms::StateEntry*> State(absl::string_view type,
                                                 absl::string_view state_key = "");

  // As State, its content; an empty object if there is none.
  absl::StatusOr<rooms::Json> Content(absl::string_view type, absl::string_view state_key = "");

  // The power levels in force.
  absl::StatusOr<rooms::PowerLevels> Levels();

  // Appends an event. Errors: EVENT_NOT_AUTHORIZED and INSUFFICIENT_POWER if the room
  // does not allow it, INVALID_REQUEST if it is too large, and those of State.
  absl::Status Append(rooms::EventDraft draft);

  // Has Stage() take the content of `event`, the `number`th of the room as it was read,
  // back for the sake of the latest event so far, an m.room.redaction.
  void Redact(int64_t number, storage::EventRecord event);

  // The events so far.
  const std::vector<rooms::Event>& events() const { return chain_.events(); }

  // The revision of the room that the events make.
  int64_t new_revision() const { return room_.record.revision() + 1; }

  // Puts the events, at least one, what they redact and the room's new head into
  // `commit`, and tells the event stream of each of them. LIMIT_EXCEEDED if the room would
  // get more members or state by them than it may have; errors of RoomReader.
  absl::Status Stage(storage::RoomCommit& commit);

 private:
  absl::Status Load(const std::vector<rooms::StateKey>& keys);
  absl::Status CountStateEntries();
  void Log(storage::RoomCommit& commit, size_t index) const;

  // An event of the room that one of those here redacts.
  struct Redaction {
    size_t by;  // the place of the latter
    int64_t number;
    storage::EventRecord event;
  };
  void Log(storage::RoomCommit& commit, const Redaction& redaction) const;

  const storage::RoomReader& reader_;
  storage::Stored<storage::RoomRecord> room_;
  const rooms::RoomVersion& version_;
  const std::string server_name_;
  const RoomCaps caps_;
  const absl::Time now_;
  rooms::EventChain chain_;
  absl::btree_set<rooms::StateKey> loaded_;  // places that the chain knows about
  // Of each event, the membership that it took the place of; "" where it is none.
  std::vector<std::string> previous_memberships_;
  std::vector<Redaction> redactions_;
};

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_ROOM_EDIT_H_
