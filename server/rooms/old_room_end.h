// File: server/rooms/old_room_end.h
//
// The last events of a room that is replaced.

#ifndef INNKEEPER_SERVER_ROOMS_OLD_ROOM_END_H_
#define INNKEEPER_SERVER_ROOMS_OLD_ROOM_END_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/rooms/canonical_alias.h"
#include "server/rooms/event_chain.h"
#include "server/rooms/room_version.h"
#include "server/rooms/upgrade_report.h"

namespace innkeeper::rooms {

// Appends to the old room, `chain`, what `sender`, who has passed CheckMayUpgrade,
// sends to end it:
//
//   - m.room.power_levels that lock it (LockedPowerLevels), unless it is locked;
//   - m.room.canonical_alias without the aliases that move, if any do;
//   - m.room.tombstone with `new_room_id`.
//
// What the rules of the room do not allow `sender`, or what is too large, is left out
// and reported, but for the tombstone, which is an error of EventChain::Append then.
absl::Status EndOldRoom(const RoomVersion& version, const std::string& sender,
                        const DividedAlias& alias, absl::string_view new_room_id, EventChain& chain,
                        UpgradeReport& report);

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_OLD_ROOM_END_H_
