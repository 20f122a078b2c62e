// File: server/rooms/room_links.h
//
// How other rooms refer to a room that is replaced, and how they come to refer to
// its successor. Pure functions.
//
// Source: Matrix client-server API, "Spaces" and "Restricted rooms".

#ifndef INNKEEPER_SERVER_ROOMS_ROOM_LINKS_H_
#define INNKEEPER_SERVER_ROOMS_ROOM_LINKS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "server/rooms/event.h"
#include "server/rooms/room_state.h"
#include "server/rooms/room_version.h"
#include "server/rooms/upgrade_report.h"

namespace innkeeper::rooms {

struct Replacement {
  std::string old_room_id;
  std::string new_room_id;
  std::string server_name;  // the server where the new room is to be found
};

// A room that may refer to the old one.
struct LinkingRoom {
  const RoomVersion* version = nullptr;
  std::string room_id;
  // Its state, at least as far as LinkPositions.
  RoomState state;
};

// Returns the places in the state of such a room that matter: those that refer to
// the old room, and those that say what `sender` may do.
std::vector<StateKey> LinkPositions(absl::string_view old_room_id, absl::string_view sender);

// Returns the ids, sorted, of the rooms that the state of a room refers to as its
// parent spaces or, where it is a space itself, its children. There the links back
// may be.
std::vector<std::string> LinkedRooms(const RoomState& state);

// What makes a room refer to the new room instead of the old one.
struct LinkRepair {
  std::vector<EventDraft> events;  // of `sender`, to be appended in this order
  // The links that stay as they are.
  std::vector<Unmoved> unmoved;
};

// Repairs, where `sender` is joined and has the power:
//
//   - m.space.child and m.space.parent of the old room: the same of the new room,
//     with `server_name` at the head of `via` (`order`, `suggested`, `canonical` and the
//     rest are kept), and then the old link emptied;
//   - m.room.join_rules whose `allow` names the old room: each such entry names the
//     new one.
LinkRepair RepairLinks(const LinkingRoom& room, const std::string& sender,
                       const Replacement& replacement);

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_ROOM_LINKS_H_
