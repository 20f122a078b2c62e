// File: server/rooms/state_resolution.h
//
// How the states of several branches of a room become one. Pure functions.
//
// Source: Matrix specification, "State resolution" of room versions 1, 2 and 12.

#ifndef INNKEEPER_SERVER_ROOMS_STATE_RESOLUTION_H_
#define INNKEEPER_SERVER_ROOMS_STATE_RESOLUTION_H_

#include "absl/types/span.h"
#include "server/rooms/event_graph.h"
#include "server/rooms/room_version.h"
#include "server/rooms/state_set.h"

namespace innkeeper::rooms {

// Returns the resolution of `states`, at least one, whose order does not matter, by
// the algorithm of `version`. The graph has the events of the states and everything
// in their auth chains; none of all these was rejected.
//
// Takes time in proportion to what the states differ in, times a logarithm; and, if
// their auth chains differ in more than that, to the size of a state.
StateSet ResolveState(const RoomVersion& version, const EventGraph& graph,
                      absl::Span<const StateSet> states);

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_STATE_RESOLUTION_H_
