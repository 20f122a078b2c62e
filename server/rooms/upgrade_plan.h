// File: server/rooms/upgrade_plan.h
//
// How a room is replaced: from the old room's state to the events of the new
// room and the last events of the old one. Pure functions.
//
// Source: Matrix client-server API, "Room Upgrades".

#ifndef INNKEEPER_SERVER_ROOMS_UPGRADE_PLAN_H_
#define INNKEEPER_SERVER_ROOMS_UPGRADE_PLAN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/rooms/event.h"
#include "server/rooms/event_chain.h"
#include "server/rooms/genesis.h"
#include "server/rooms/room_state.h"
#include "server/rooms/room_version.h"

namespace innkeeper::rooms {

// The room to be replaced, as of one revision.
struct OldRoom {
  const RoomVersion* version = nullptr;
  RoomTip tip;
  RoomState state;
};

// Returns OK if `requester` is joined and has the power to send m.room.tombstone;
// else PERMISSION_DENIED with reason INSUFFICIENT_POWER.
absl::Status CheckMayUpgrade(const OldRoom& old_room, absl::string_view requester);

// Everything that an upgrade writes into the two rooms.
struct UpgradePlan {
  Genesis new_room;
  // To append to the old room: the canonical alias without its local parts, if it
  // had any and the requester may change it, and last the tombstone.
  std::vector<Event> old_room_events;
  // The old room's state behind them.
  RoomState old_room_state;
  int64_t joined_member_count = 0;  // the requester included
  int64_t invited_member_count = 0;
  int64_t banned_member_count = 0;
};

// Plans the upgrade of `old_room` to `new_version` by `requester`, who must have
// passed CheckMayUpgrade and becomes the new room's creator. The state of a large
// room is dear to copy: move it in.
//
// The new room gets: m.room.create with the old one's `type` and `m.federate` and
// with `predecessor`; the old room's server_acl, encryption, name, avatar, topic,
// guest_access, history_visibility, join_rules and power levels, and nothing that
// the old room lacked; its bans; its local members joined, its remote members and
// open invites invited, all with their displayname and avatar_url; and the local
// parts of its canonical alias. In a room that is not federated remote users are
// left out.
//
// Every event is allowed in the new room, whatever the old one's rules are: unless
// the join rule is public, members are invited, join, and only then the join rule
// comes; and if the requester's level would not carry all that, they have the
// highest one meanwhile and the copied power levels come last.
//
// INVALID_ARGUMENT with a BadRequest naming "room_id" if a copied event is too
// large in the new room.
absl::StatusOr<UpgradePlan> PlanUpgrade(OldRoom old_room, absl::string_view requester,
                                        const RoomVersion& new_version,
                                        const BuildContext& context);

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_UPGRADE_PLAN_H_
