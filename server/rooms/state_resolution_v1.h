// File: server/rooms/state_resolution_v1.h
//
// State resolution of room version 1. A pure function.
//
// Source: Matrix specification, room version 1, "State resolution".

#ifndef INNKEEPER_SERVER_ROOMS_STATE_RESOLUTION_V1_H_
#define INNKEEPER_SERVER_ROOMS_STATE_RESOLUTION_V1_H_

#include "server/rooms/auth_difference.h"
#include "server/rooms/event_graph.h"
#include "server/rooms/room_version.h"
#include "server/rooms/state_set.h"

namespace innkeeper::rooms {

// Returns what comes of the states that `conflict` was found between.
//
// Where the specification is silent we do as servers do, for all servers of a room
// must agree: each place in the state is resolved by itself, not seeing what becomes
// of others of the same type; and if at a place none of the events is allowed that do
// not decide over others, the one of the least depth stands.
StateSet ResolveStateV1(const RoomVersion& version, const EventGraph& graph,
                        const StateConflict& conflict);

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_STATE_RESOLUTION_V1_H_
