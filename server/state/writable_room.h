// File: server/state/writable_room.h
//
// Who may try to write to a room.

#ifndef INNKEEPER_SERVER_STATE_WRITABLE_ROOM_H_
#define INNKEEPER_SERVER_STATE_WRITABLE_ROOM_H_

#include <string>

#include "absl/status/statusor.h"
#include "storage/records.pb.h"
#include "storage/room_store.h"

namespace innkeeper::state {

// Returns the room, if it takes events and knows `requester`; what they may send is for
// the authorisation rules to say. Errors: ROOM_NOT_FOUND, also if the requester was
// never a member of it in any way; ROOM_TOMBSTONED, ROOM_UPGRADE_IN_PROGRESS; those of
// RoomReader.
absl::StatusOr<storage::Stored<storage::RoomRecord>> ReadWritableRoom(
    const storage::RoomReader& reader, const std::string& room_id, const std::string& requester);

}  // namespace innkeeper::state

#endif  // INNKEEPER_SERVER_STATE_WRITABLE_ROOM_H_
