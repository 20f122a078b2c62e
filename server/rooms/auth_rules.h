// File: server/rooms/auth_rules.h
//
// Which events a room allows: the authorisation rules of every room version. Pure
// functions.
//
// Source: Matrix specification, "Authorization rules" of each room version.

#ifndef INNKEEPER_SERVER_ROOMS_AUTH_RULES_H_
#define INNKEEPER_SERVER_ROOMS_AUTH_RULES_H_

#include "absl/status/status.h"
#include "server/rooms/event.h"
#include "server/rooms/room_state.h"
#include "server/rooms/room_version.h"

namespace innkeeper::rooms {

// Returns OK if the authorisation rules of `version` allow `event`, which must be
// complete (FinishEvent), where `state` stands. Else PERMISSION_DENIED, its
// message fit for a user, its metadata with the `rule` that refuses: see
// auth_refusal.h.
//
// `state` may be the room's whole state or less: all that counts is what stands in
// it at AuthStateKeys (auth_events.h), so that it may be made of the event's auth
// events, and of m.room.create where the version implies it. An event that is not
// there counts as one that the room does not have. What stands there must have been
// allowed itself.
//
// Not judged, as they say nothing about the state: the event's auth_events
// (CheckAuthEvents in auth_events.h), and its signatures (CheckEventSignatures in
// signing.h), of which one may be asked for by join_authorised_via_users_server.
//
// Where Synapse refuses what the specification allows, we do so too, so that no
// server takes offence at what we write: m.federate is anything but true, or the
// target of a membership is of another server in a room that is not federated. And an
// m.room.create must have an empty state key: it is looked for there, so that one
// elsewhere would make a room without any.
absl::Status CheckAuthRules(const RoomVersion& version, const Event& event, const RoomState& state);

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_AUTH_RULES_H_
