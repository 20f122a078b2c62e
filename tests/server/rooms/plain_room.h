// File: tests/server/rooms/plain_room.h

#ifndef INNKEEPER_TESTS_SERVER_ROOMS_PLAIN_ROOM_H_
#define INNKEEPER_TESTS_SERVER_ROOMS_PLAIN_ROOM_H_

#include "absl/strings/string_view.h"
#include "server/rooms/room_spec.h"
#include "server/rooms/room_version.h"
#include "tests/support/people.h"

namespace innkeeper::rooms {

inline constexpr char kMegolm[] = "m.megolm.v1.aes-sha2";

// A room of Alice's with nothing but what every room has.
inline RoomSpec Plain(absl::string_view version = "11") {
  return {.creator = kAlice, .version = FindRoomVersion(version)};
}

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_TESTS_SERVER_ROOMS_PLAIN_ROOM_H_
