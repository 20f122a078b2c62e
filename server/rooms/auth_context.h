// File: server/rooms/auth_context.h
//
// What the authorisation rules judge an event by; shared by the files that they
// are divided into, and by nothing else.

#ifndef INNKEEPER_SERVER_ROOMS_AUTH_CONTEXT_H_
#define INNKEEPER_SERVER_ROOMS_AUTH_CONTEXT_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/rooms/auth_refusal.h"
#include "server/rooms/event.h"
#include "server/rooms/power_levels_view.h"
#include "server/rooms/room_state.h"
#include "server/rooms/room_version.h"

namespace innkeeper::rooms {

// An event, never an m.room.create, and the state where it is to stand.
struct AuthContext {
  AuthContext(const RoomVersion& room_version, const Event& judged_event,
              const StateEntry& create_entry, const RoomState& state_before)
      : version(room_version),
        event(judged_event),
        create(create_entry),
        state(state_before),
        levels(version, create, state) {}

  // The membership of a user; "leave" for one without a member event.
  absl::string_view MembershipOf(absl::string_view user_id) const {
    const StateEntry* const entry = FindState(state, "m.room.member", user_id);
    return entry == nullptr ? "leave" : StringViewOrEmpty(entry->content, "membership");
  }

  // OK if the sender's level is at least `required`, else refusal by `rule`.
  absl::Status NeedLevel(int64_t required, AuthRule rule) const {
    const int64_t actual = levels.OfUser(event.sender);
    return actual >= required ? absl::OkStatus() : RefusePower(rule, required, actual);
  }

  const RoomVersion& version;
  const Event& event;
  const StateEntry& create;  // m.room.create
  const RoomState& state;
  const PowerLevelsView levels;
};

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_AUTH_CONTEXT_H_
