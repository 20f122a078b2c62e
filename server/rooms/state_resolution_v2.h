// File: server/rooms/state_resolution_v2.h
//
// State resolution of room versions 2 to 11, and of 12. Pure functions.
//
// Source: Matrix specification, room versions 2 and 12, "State resolution".

#ifndef INNKEEPER_SERVER_ROOMS_STATE_RESOLUTION_V2_H_
#define INNKEEPER_SERVER_ROOMS_STATE_RESOLUTION_V2_H_

#include "server/rooms/auth_difference.h"
#include "server/rooms/event_graph.h"
#include "server/rooms/room_version.h"
#include "server/rooms/state_set.h"

namespace innkeeper::rooms {

// Each returns what comes of the states that `conflict` was found between. Version
// 2.1 also takes the events between disputed ones into account, and judges by what
// the events themselves name before it judges by what the states agree on.
//
// Where the specification is silent we do as servers do, for all servers of a room
// must agree: power levels and join rules count as power events only with an empty
// state key, and an event is ordered behind another only if it names it, or others
// that are resolved over lead from the one to the other.
StateSet ResolveStateV2(const RoomVersion& version, const EventGraph& graph,
                        const StateConflict& conflict);
StateSet ResolveStateV21(const RoomVersion& version, const EventGraph& graph,
                         const StateConflict& conflict);

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_STATE_RESOLUTION_V2_H_
