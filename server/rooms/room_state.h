// File: server/rooms/room_state.h
//
// The state of a room at one point: for each type and state key the event that
// was set last. A value type.

#ifndef INNKEEPER_SERVER_ROOMS_ROOM_STATE_H_
#define INNKEEPER_SERVER_ROOMS_ROOM_STATE_H_

#include <compare>
#include <cstdint>
#include <string>

#include "absl/container/btree_map.h"
#include "absl/strings/string_view.h"
#include "server/rooms/event.h"
#include "server/rooms/json.h"
#include "server/rooms/room_version.h"

namespace innkeeper::rooms {

// A place in the state. Ordered by type, then state key, bytewise.
struct StateKey {
  std::string type;
  std::string state_key;

  auto operator<=>(const StateKey&) const = default;
};

// The event that stands at a place in the state.
struct StateEntry {
  EventReference reference;
  std::string sender;
  int64_t origin_server_ts = 0;  // milliseconds since the Unix epoch
  Json content = Json::object();
};

// A place in the state, to look it up without copying its name.
struct StateKeyView {
  absl::string_view type;
  absl::string_view state_key;
};

// The order of places, however they are given.
struct StateKeyOrder {
  using is_transparent = void;

  template <typename A, typename B>
  bool operator()(const A& a, const B& b) const {
    const int types = absl::string_view(a.type).compare(b.type);
    return types != 0 ? types < 0 : absl::string_view(a.state_key) < b.state_key;
  }
};

using RoomState = absl::btree_map<StateKey, StateEntry, StateKeyOrder>;

// Returns the entry at (type, state_key), or nullptr.
const StateEntry* FindState(const RoomState& state, absl::string_view type,
                            absl::string_view state_key = "");

// Returns the content there, or an empty object.
const Json& StateContent(const RoomState& state, absl::string_view type,
                         absl::string_view state_key = "");

// Returns the membership of `user_id`: "join", "invite", "leave", "ban" or
// "knock"; "leave" for a user without a member event.
std::string Membership(const RoomState& state, absl::string_view user_id);

// True if a room whose m.room.create has this content lets in users of other
// servers. Only `true` in m.federate, which is also its default, does so.
bool IsFederated(const Json& create_content);

// Puts the state event `event` of a room of `version` into `state`. It must have
// a state key.
void ApplyEvent(RoomState& state, const RoomVersion& version, const Event& event);

// What the room's own description draws from its state.
struct RoomSummary {
  std::string name;
  std::string topic;
  std::string canonical_alias;
  std::string encryption_algorithm;
  std::string room_type;
  std::string predecessor_room_id;
  int64_t joined_member_count = 0;
  int64_t invited_member_count = 0;
  int64_t other_entry_count = 0;  // entries of the state that are no members
};

RoomSummary Summarise(const RoomState& state);

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_ROOM_STATE_H_
