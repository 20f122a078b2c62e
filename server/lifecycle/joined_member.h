// File: server/lifecycle/joined_member.h
//
// Finds a member of a room whose power nothing names but the default for everybody.

#ifndef INNKEEPER_SERVER_LIFECYCLE_JOINED_MEMBER_H_
#define INNKEEPER_SERVER_LIFECYCLE_JOINED_MEMBER_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/rooms/power_levels.h"
#include "storage/records.pb.h"
#include "storage/room_store.h"

namespace innkeeper::lifecycle {

// Returns the first joined user of `server_name`, as the store has them, whose level in
// `levels`, those of the room, is at least `required`; "" if there is none. Reads members until
// then: for levels that everybody has. Errors of RoomReader; DATA_LOSS if a content is no JSON.
absl::StatusOr<std::string> FindJoinedMember(const storage::RoomReader& reader,
                                             const storage::RoomRecord& room,
                                             absl::string_view server_name,
                                             const rooms::PowerLevels& levels, int64_t required);

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_JOINED_MEMBER_H_
