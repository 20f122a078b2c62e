// File: server/rooms/old_room.h
//
// A room that is to be replaced, and who may replace it. Pure functions.

#ifndef INNKEEPER_SERVER_ROOMS_OLD_ROOM_H_
#define INNKEEPER_SERVER_ROOMS_OLD_ROOM_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/rooms/event_chain.h"
#include "server/rooms/room_state.h"
#include "server/rooms/room_version.h"
#include "server/rooms/upgrade_options.h"

namespace innkeeper::rooms {

// The room to be replaced, as of one revision.
struct OldRoom {
  const RoomVersion* version = nullptr;
  RoomTip tip;
  // Its state. Of the members only those of NamedMembers need be there.
  RoomState state;
};

// Returns the users, sorted, whose memberships an upgrade has to know from its
// start: `requester`, the creators, old and new, and those whose level
// m.room.power_levels names. `state` needs no members for it.
std::vector<std::string> NamedMembers(const RoomVersion& version, const RoomState& state,
                                      absl::string_view requester, const UpgradeOptions& options);

// Returns OK, or INVALID_ARGUMENT with a BadRequest that names the additional
// creators ("additional_creators[3]") who are banned from the room: they could not be
// in the new one.
absl::Status CheckNewCreators(const OldRoom& old_room, const UpgradeOptions& options);

// Returns OK if `user_id` is joined and has the power to send m.room.tombstone;
// else PERMISSION_DENIED with reason INSUFFICIENT_POWER.
absl::Status CheckMayUpgrade(const OldRoom& old_room, absl::string_view user_id);

// Returns the user who sends the events of an upgrade that `requester` asks for,
// and so becomes the creator of the new room: `requester`, or the error of
// CheckMayUpgrade.
//
// As an administrator of `server_name`, where `requester` may not upgrade the room,
// it is another user of that server who may. An administrator can move a room, but
// nobody rises by it: the events are those of somebody who had the power before, and
// `requester`, who might become all-powerful as a creator in version 12, has no
// part in them. Of several it is the one with the highest level, as it is they who
// can be trusted with a creator's power; of these a creator of the old room, and then
// the first by user id. PERMISSION_DENIED with reason INSUFFICIENT_POWER if there is
// nobody. Only members in old_room.state are considered.
absl::StatusOr<std::string> ChooseSender(const OldRoom& old_room, absl::string_view requester,
                                         bool as_administrator, absl::string_view server_name);

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_OLD_ROOM_H_
