// File: server/rooms/room_links.h
//
// Which other rooms the state of a room names. Pure functions.

#ifndef INNKEEPER_SERVER_ROOMS_ROOM_LINKS_H_
#define INNKEEPER_SERVER_ROOMS_ROOM_LINKS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "server/rooms/json.h"

namespace innkeeper::rooms {

// Returns the ids of the rooms that a state event names in a way that an upgrade of
// theirs has to mend: the child of an m.space.child and the parent of an
// m.space.parent that are in force (that have `via`), and the rooms in `allow` of
// m.room.join_rules. Each once, in bytewise order.
std::vector<std::string> LinkedRooms(absl::string_view type, absl::string_view state_key,
                                     const Json& content);

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_ROOM_LINKS_H_
