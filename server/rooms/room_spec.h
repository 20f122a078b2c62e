// File: server/rooms/room_spec.h
//
// What the creator of a room asks for, and whether it can be had. Pure functions.
//
// Source: Matrix client-server API, POST /createRoom.

#ifndef INNKEEPER_SERVER_ROOMS_ROOM_SPEC_H_
#define INNKEEPER_SERVER_ROOMS_ROOM_SPEC_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/rooms/json.h"
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
//
// What passes makes events that are all allowed. Beyond the grammar of each field
// this means for power levels, whether they come as an override or in
// initial_state: up to version 11 the creator has at least 100 and nothing and
// nobody is above the creator; in version 12 no creator is in `users`.
absl::Status CheckRoomSpec(const RoomSpec& spec, const RoomLimits& limits,
                           absl::string_view server_name);

// The functions below complete a spec that has passed CheckRoomSpec.

// Returns the index of the entry of spec.initial_state that counts at (type,
// state_key): of several the last one.
std::optional<size_t> FindInitialState(const RoomSpec& spec, absl::string_view type,
                                       absl::string_view state_key = "");

// Returns the users besides spec.creator who will be creators of the room, where
// the version knows such: those of creation_content and, with
// kTrustedPrivateChat, the invited ones. Sorted, each once.
std::vector<std::string> AdditionalCreators(const RoomSpec& spec);

// Returns the content of the room's first m.room.power_levels: that of
// initial_state, or else the defaults with the preset's changes (invitations free
// for all in private rooms; level 100 for everybody invited with
// kTrustedPrivateChat) and then those of the override.
Json InitialPowerLevels(const RoomSpec& spec);

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_ROOM_SPEC_H_
