// File: tests/server/rooms/version.h

#ifndef INNKEEPER_TESTS_SERVER_ROOMS_VERSION_H_
#define INNKEEPER_TESTS_SERVER_ROOMS_VERSION_H_

#include "absl/strings/string_view.h"
#include "server/rooms/room_version.h"

namespace innkeeper::rooms {

// The room version with this id, which must be a known one.
inline const RoomVersion& Version(absl::string_view id) { return *FindRoomVersion(id); }

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_TESTS_SERVER_ROOMS_VERSION_H_
