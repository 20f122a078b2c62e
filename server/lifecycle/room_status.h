// File: server/lifecycle/room_status.h
//
// The state machine of a room's life: the only place where a room's status
// changes.
//
//                LockForUpgrade
//     active ────────────────────▶ upgrading
//        ▲                             │
//        └────── ReleaseLock ──────────┤
//                                      ▼  Tombstone
//                                 tombstoned

#ifndef INNKEEPER_SERVER_LIFECYCLE_ROOM_STATUS_H_
#define INNKEEPER_SERVER_LIFECYCLE_ROOM_STATUS_H_

#include "absl/strings/string_view.h"
#include "storage/records.pb.h"

namespace innkeeper::lifecycle {

// active → upgrading, under `upgrade`. Crashes unless the room is active.
void LockForUpgrade(storage::RoomRecord& room, storage::UpgradeRecord upgrade);

// upgrading → active. Crashes unless the room is upgrading.
void ReleaseLock(storage::RoomRecord& room);

// upgrading → tombstoned, for ever. Crashes unless the room is upgrading.
void Tombstone(storage::RoomRecord& room, absl::string_view successor_room_id);

// A room that is taken over begins as tombstoned if it was replaced before, by
// `successor_room_id`, and as active otherwise (""). Crashes if the room has begun.
void BeginTakenOver(storage::RoomRecord& room, absl::string_view successor_room_id);

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_ROOM_STATUS_H_
