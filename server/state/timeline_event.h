// File: server/state/timeline_event.h
//
// Events as they stand in a room's timeline.

#ifndef INNKEEPER_SERVER_STATE_TIMELINE_EVENT_H_
#define INNKEEPER_SERVER_STATE_TIMELINE_EVENT_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "innkeeper/v1/room_state.pb.h"
#include "server/lifecycle/room_edit.h"
#include "storage/records.pb.h"
#include "storage/room_store.h"

namespace innkeeper::state {

// An event and its number in its room.
struct NumberedEvent {
  int64_t number = 0;
  storage::EventRecord record;
};

// The event of the room with this id. NOT_FOUND (EVENT_NOT_FOUND) if there is none;
// else the errors of RoomReader.
absl::StatusOr<NumberedEvent> FindEvent(const storage::RoomReader& reader,
                                        const std::string& room_id, const std::string& event_id);

// The event as the API shows it. DATA_LOSS if its content is no JSON.
absl::StatusOr<v1::TimelineEvent> ToProto(const NumberedEvent& event);

// The latest of the events that `edit` makes, as the API will show it. There must be
// one.
absl::StatusOr<v1::TimelineEvent> LatestToProto(const lifecycle::RoomEdit& edit);

}  // namespace innkeeper::state

#endif  // INNKEEPER_SERVER_STATE_TIMELINE_EVENT_H_
