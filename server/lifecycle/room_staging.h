// File: server/lifecycle/room_staging.h
//
// What goes into a commit together with the events of a room: the events, the state
// that they set, the room's head, and everything that is found by them (its users'
// lists of rooms, links between rooms, invites that wait for delivery).

#ifndef INNKEEPER_SERVER_LIFECYCLE_ROOM_STAGING_H_
#define INNKEEPER_SERVER_LIFECYCLE_ROOM_STAGING_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "innkeeper/v1/room_event.pb.h"
#include "server/rooms/event.h"
#include "server/rooms/genesis.h"
#include "server/rooms/room_state.h"
#include "server/rooms/room_version.h"
#include "storage/records.pb.h"
#include "storage/room_store.h"

namespace innkeeper::lifecycle {

// The head of a new room, at revision 1, behind `event_count` events of which `latest`
// is the last. Preset and directory flag are left to the caller.
storage::RoomRecord NewRoomRecord(const rooms::RoomVersion& version, absl::string_view creator,
                                  rooms::RoomSummary summary, const rooms::Event& latest,
                                  int64_t event_count, int64_t now_us);
storage::RoomRecord NewRoomRecord(const rooms::RoomVersion& version, const rooms::Genesis& genesis,
                                  int64_t now_us);

// Writes some of the first events of a room, those that make its revision 1, behind
// `events_before` others that made the state `state_before`, in which members may be
// missing. Invites of users who are not `server_name`'s are noted as pending, and as
// told of at `announce_time_us` (0: not yet).
struct FirstEvents {
  const rooms::RoomVersion& version;
  std::string room_id;
  const std::vector<rooms::Event>& events;
  int64_t events_before = 0;
  const rooms::RoomState& state_before;
  int64_t announce_time_us = 0;
};
void StageFirstEvents(storage::RoomCommit& commit, const FirstEvents& first,
                      absl::string_view server_name);

// Writes a new room. Invites of users who are not `server_name`'s are noted as
// pending.
void StageNewRoom(storage::RoomCommit& commit, const storage::RoomRecord& room,
                  const rooms::Genesis& genesis, absl::string_view server_name);

// Appends events, at least one, to an existing room, and brings the head `room`, which
// was read with `reader` and then touched, up to them. The head itself remains to be
// written. Errors of RoomReader; DATA_LOSS if a content in the state is no JSON.
absl::Status StageNewEvents(storage::RoomCommit& commit, const storage::RoomReader& reader,
                            storage::RoomRecord& room, const std::vector<rooms::Event>& events,
                            absl::string_view server_name);

// Takes the content of `event`, the `number`th of the room, back for the sake of the
// event `redacted_by`: what the room's version lets survive stays, here and where the
// event stands in the room's state or stood in it, and the head `room` and whatever is
// found by the state follow. `event` was read with `reader`; its place in the state
// must not change in the same commit. Errors as above.
absl::Status StageRedaction(storage::RoomCommit& commit, const storage::RoomReader& reader,
                            storage::RoomRecord& room, int64_t number, storage::EventRecord event,
                            const std::string& redacted_by);

// Returns the invites among `events` that wait for delivery: those that still stand
// behind them, of users who are not `server_name`'s.
std::vector<v1::RoomInvitePending> PendingInvitesIn(const std::string& room_id,
                                                    const std::vector<rooms::Event>& events,
                                                    absl::string_view server_name);

// Tells the event stream of the invites among `events` of the room that wait for
// delivery.
void LogPendingInvites(storage::RoomCommit& commit, const storage::RoomRecord& room,
                       const std::vector<rooms::Event>& events, absl::string_view server_name);

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_ROOM_STAGING_H_
