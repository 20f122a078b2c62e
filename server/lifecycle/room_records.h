// File: server/lifecycle/room_records.h
//
// Between the three forms of a room: what the rules compute with (rooms::), what
// is stored (storage::), and what the API shows (v1::).

#ifndef INNKEEPER_SERVER_LIFECYCLE_ROOM_RECORDS_H_
#define INNKEEPER_SERVER_LIFECYCLE_ROOM_RECORDS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "innkeeper/v1/room.pb.h"
#include "server/events/event_codec.h"
#include "server/rooms/event.h"
#include "server/rooms/event_chain.h"
#include "server/rooms/json.h"
#include "server/rooms/pdu.h"
#include "server/rooms/room_state.h"
#include "server/rooms/room_version.h"
#include "server/values/room_proto.h"
#include "storage/records.pb.h"
#include "storage/room_store.h"

namespace innkeeper::lifecycle {

// What stands at a place of the state in a record. DATA_LOSS if its content is no
// JSON.
absl::StatusOr<rooms::StateEntry> ToStateEntry(const storage::StateRecord& record);

// The records of an event that came with the room's `revision`: as one of its events,
// made here or elsewhere, and as an entry of its state.
storage::EventRecord ToEventRecord(const rooms::Event& event, int64_t revision);
storage::EventRecord ToEventRecord(const rooms::ReceivedEvent& received, int64_t revision);
storage::StateRecord ToStateRecord(const rooms::RoomVersion& version, const rooms::Event& event,
                                   int64_t revision);

// Has the head say what `summary` does.
void SetSummary(storage::RoomRecord& room, rooms::RoomSummary summary);

// Counts a change to the room: one revision more, updated now.
void Touch(storage::RoomRecord& room, int64_t now_us);

// Loads the whole current state of the room. DATA_LOSS if a content is no JSON;
// else the errors of RoomReader.
absl::StatusOr<rooms::RoomState> LoadState(const storage::RoomReader& reader,
                                           const storage::RoomRecord& room);

// Loads only those entries of the current state that are at `positions`.
absl::StatusOr<rooms::RoomState> LoadState(const storage::RoomReader& reader,
                                           const storage::RoomRecord& room,
                                           const std::vector<rooms::StateKey>& positions);

// The end of the room: where its next event goes.
rooms::RoomTip TipOf(const storage::RoomRecord& room);

// Has the room end in `latest_events`, at least one, of which the deepest is at `depth`.
void SetTip(storage::RoomRecord& room, int64_t depth,
            const std::vector<rooms::EventReference>& latest_events);

// The version of a stored room. A stored room of an unknown version is
// impossible, and crashes.
const rooms::RoomVersion& VersionOf(const storage::RoomRecord& room);

// The content of a stored event. DATA_LOSS if it is no JSON.
absl::StatusOr<rooms::Json> ContentOf(const storage::EventRecord& record);

// Returns a stored event of the room `room_id`, without its reference hash, which is
// not stored. DATA_LOSS if the content is no JSON.
absl::StatusOr<rooms::Event> ToEvent(const std::string& room_id,
                                     const storage::EventRecord& record);

using innkeeper::ToProto;  // of a RoomRecord: see server/values/room_proto.h

// What the events about the room carry of it.
RoomLabels LabelsOf(const storage::RoomRecord& room);

// DATA_LOSS if the content is no JSON.
absl::StatusOr<v1::StateEvent> ToProto(const storage::StatePosition& position,
                                       const storage::StateRecord& state);

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_ROOM_RECORDS_H_
