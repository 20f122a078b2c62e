// File: server/rooms/event_order.h
//
// The orders in which state resolution takes events. Pure functions.
//
// Source: Matrix specification, room version 2, "State resolution", "Definitions".

#ifndef INNKEEPER_SERVER_ROOMS_EVENT_ORDER_H_
#define INNKEEPER_SERVER_ROOMS_EVENT_ORDER_H_

#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "server/rooms/event_graph.h"
#include "server/rooms/room_version.h"

namespace innkeeper::rooms {

// Returns `events`, each once in there, in reverse topological power ordering: an
// event behind those of them that it names as auth events; of several that could
// come next the one whose sender has the highest level by the event's auth events,
// then the oldest by origin_server_ts, then the one with the lowest id.
std::vector<EventIndex> ReverseTopologicalPowerOrder(const RoomVersion& version,
                                                     const EventGraph& graph,
                                                     absl::Span<const EventIndex> events);

// Returns `events` in the mainline ordering based on `power_levels`, an
// m.room.power_levels, or none: by how late in the line of power levels that ends
// there the one is that the event goes back to, then by origin_server_ts, then by id.
std::vector<EventIndex> MainlineOrder(const EventGraph& graph,
                                      std::optional<EventIndex> power_levels,
                                      absl::Span<const EventIndex> events);

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_EVENT_ORDER_H_
