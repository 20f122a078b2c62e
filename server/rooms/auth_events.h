// File: server/rooms/auth_events.h
//
// The events that authorise another: which they are, and whether an event names
// the right ones. Pure functions.
//
// Source: Matrix server-server API, "Auth events selection"; rules 2 and 3 of
// "Authorization rules" of each room version.

#ifndef INNKEEPER_SERVER_ROOMS_AUTH_EVENTS_H_
#define INNKEEPER_SERVER_ROOMS_AUTH_EVENTS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "server/rooms/event.h"
#include "server/rooms/json.h"
#include "server/rooms/room_state.h"
#include "server/rooms/room_version.h"

namespace innkeeper::rooms {

// Returns the places in the state whose events, as far as there are any, are the
// auth_events of an event with these properties: each place once, in the order in
// which we write them. Event ids depend on this order.
std::vector<StateKey> AuthEventKeys(const RoomVersion& version, absl::string_view type,
                                    absl::string_view sender,
                                    const std::optional<std::string>& state_key,
                                    const Json& content);

// Returns all places in the state that CheckAuthRules looks at for such an event:
// those above, and m.room.create in versions that imply it.
std::vector<StateKey> AuthStateKeys(const RoomVersion& version, absl::string_view type,
                                    absl::string_view sender,
                                    const std::optional<std::string>& state_key,
                                    const Json& content);

// One of the auth_events of an event, and what became of it. Refers to the event.
struct AuthEvent {
  const Event* event = nullptr;
  bool rejected = false;
};

// Returns OK if `event` may have these auth_events, which must be all of those
// that it names; else PERMISSION_DENIED as from CheckAuthRules. An event that was
// built here never fails this; one from elsewhere has to pass it, then
// CheckAuthRules with the state that its auth_events make.
absl::Status CheckAuthEvents(const RoomVersion& version, const Event& event,
                             absl::Span<const AuthEvent> auth_events);

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_AUTH_EVENTS_H_
