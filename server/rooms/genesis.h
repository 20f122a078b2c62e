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
#include "server/rooms/room_state.h"
#include "server/rooms/room_version.h"

namespace innkeeper::rooms {

enum class Preset { kPrivateChat, kTrustedPrivateChat, kPublicChat };

// A state event to set at creation.
struct InitialStateEvent {
  std::string type;
  std::string state_key;
  Json content = Json::object();
};

// What a room is to be like. Field names and meanings are those of
// innkeeper.v1.CreateRoomRequest, defaults filled in.
struct RoomSpec {
  std::string creator;
  const RoomVersion* version = nullptr;
  Preset preset = Preset::kPrivateChat;
  bool is_public = false;
  std::vector<InitialStateEvent> initial_state;
  Json creation_content = Json::object();
  Json power_level_content_override = Json::object();
  std::string name;
  std::string topic;
  std::string alias;
  std::vector<std::string> invites;
  bool is_direct = false;
  std::string encryption_algorithm;
};

// Bounds on a RoomSpec.
struct RoomLimits {
  size_t max_initial_state = 1000;
  size_t max_invites = 1000;
};

// Returns OK, or INVALID_ARGUMENT with a BadRequest that names every wrong field
// of `spec` by its name in CreateRoomRequest ("invites[3]",
// "initial_state[0].content.a"). `server_name` is this server's.
absl::Status CheckRoomSpec(const RoomSpec& spec, const RoomLimits& limits,
                           absl::string_view server_name);

// A new room: its id, its first events, and the state that they make.
struct Genesis {
  std::string room_id;
  std::vector<Event> events;
  RoomState state;
};

// Builds the first events of the room, in the order of the specification:
// create, the creator's join, power levels, canonical alias, the preset's rules,
// initial state (with encryption last in it if it isn't there already), name,
// topic, invites. `spec` must have passed CheckRoomSpec. INVALID_ARGUMENT with a
// BadRequest if an event comes out too large.
absl::StatusOr<Genesis> BuildGenesis(const RoomSpec& spec, const BuildContext& context);

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_GENESIS_H_
