// File: server/lifecycle/imported_room.h
//
// A room that was taken over, as records.

#ifndef INNKEEPER_SERVER_LIFECYCLE_IMPORTED_ROOM_H_
#define INNKEEPER_SERVER_LIFECYCLE_IMPORTED_ROOM_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "server/rooms/room_import.h"
#include "server/rooms/room_version.h"
#include "server/rooms/signing.h"
#include "storage/records.pb.h"
#include "storage/room_store.h"

namespace innkeeper::lifecycle {

// The head of the room, at revision 1. Created when its m.room.create says, but not
// later than now.
storage::RoomRecord ImportedRoomRecord(const rooms::RoomVersion& version,
                                       const rooms::ImportedRoom& room, int64_t now_us);

// Those of `keys`, but for `server_name`'s, that the room's events were checked with.
storage::RoomKeysRecord KeysOfOthers(const rooms::ImportedRoom& room, const rooms::VerifyKeys& keys,
                                     absl::string_view server_name);

// Writes the room, whose head is `record`: its events in their order, its state, and
// what is found by the state. Invites of users of other servers are not noted as pending:
// they were delivered when they were sent.
void StageImportedRoom(storage::RoomCommit& commit, const storage::RoomRecord& record,
                       const rooms::ImportedRoom& room);

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_IMPORTED_ROOM_H_
