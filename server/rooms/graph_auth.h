// File: server/rooms/graph_auth.h
//
// Applies the authorisation rules to the events of a graph.

#ifndef INNKEEPER_SERVER_ROOMS_GRAPH_AUTH_H_
#define INNKEEPER_SERVER_ROOMS_GRAPH_AUTH_H_

#include <optional>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/types/span.h"
#include "server/rooms/event_graph.h"
#include "server/rooms/room_state.h"
#include "server/rooms/room_version.h"
#include "server/rooms/state_set.h"

namespace innkeeper::rooms {

// Judges one event after the other. Keeps the contents that the last ones were
// judged by, so that a room's power levels are not copied for every event. Refers to
// the version and the graph. Not thread-safe.
class GraphAuth {
 public:
  GraphAuth(const RoomVersion& version, const EventGraph& graph)
      : version_(version), graph_(graph) {}

  // Each of these returns OK or PERMISSION_DENIED, as CheckAuthRules does, of the
  // event where a certain state stands: `state`;
  absl::Status CheckIn(const StateSet& state, EventIndex event);

  // `state`, and where that has nothing, the event's own auth events, as in the
  // iterative auth checks of state resolution;
  absl::Status CheckInOrByAuthEvents(const StateSet& state, EventIndex event);

  // the event's auth events alone.
  absl::Status CheckByAuthEvents(EventIndex event) {
    return CheckInOrByAuthEvents(StateSet(), event);
  }

  // Returns true if the sender of the event has the level in `state` to redact events of
  // others.
  bool MayRedactIn(const StateSet& state, EventIndex event);

  // Returns what the event itself names for `place`: the one of its auth events that
  // sets it, and for m.room.create, where versions imply it, the one that makes the
  // event's room.
  std::optional<EventIndex> NamedAuthEvent(EventIndex event, PlaceIndex place) const;

 private:
  using Lookup = absl::FunctionRef<std::optional<EventIndex>(PlaceIndex)>;

  absl::Status Check(EventIndex event, Lookup find);

  // Makes state_ right at `keys`.
  void Gather(absl::Span<const StateKey> keys, Lookup find);

  const RoomVersion& version_;
  const EventGraph& graph_;
  // Right only at the places that the event in hand is judged by.
  RoomState state_;
};

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_GRAPH_AUTH_H_
