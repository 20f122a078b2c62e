// File: server/rooms/genesis.h
//
// How a room begins: from what its creator asks for to its first events. Pure
// functions.
//
// Source: Matrix client-server API, POST /createRoom; the order of the events is
// the one given there.

#ifndef INNKEEPER_SERVER_ROOMS_GENESIS_H_
#define INNKEEPER_SERVER_ROOMS_GENESIS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/rooms/event.h"
#include "server/rooms/event_chain.h"
#include "server/rooms/json.h"
#include "server/rooms/room_spec.h"
#include "server/rooms/room_state.h"
#include "server/rooms/room_version.h"

namespace innkeeper::rooms {

// A new room: its id, its first events, and the state that they make.
struct Genesis {
  std::string room_id;
  std::vector<Event> events;
  RoomState state;
};

// Returns the content of the m.room.create of a room of `version`: `content` with
// room_version, with or without `creator` as the version has it, and, where the
// room's id is the hash of this event, with "org.innkeeper.nonce", so that two
// rooms made at the same time are two.
Json CreateContent(const RoomVersion& version, absl::string_view creator, Json content,
                   const BuildContext& context);

// Builds the first events of the room, in the order of the specification:
// create, the creator's join, power levels, canonical alias, the preset's rules,
// initial state (with encryption last in it if it isn't there already), name,
// topic, invites. What initial state says about the preset's rules stands in their
// place. `spec` must have passed CheckRoomSpec. INVALID_ARGUMENT with a BadRequest
// if an event comes out too large, or is one that the rules do not allow behind those
// before it (with the `rule` in the metadata).
absl::StatusOr<Genesis> BuildGenesis(const RoomSpec& spec, const BuildContext& context);

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_GENESIS_H_
