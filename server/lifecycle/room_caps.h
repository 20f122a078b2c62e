// File: server/lifecycle/room_caps.h
//
// How large a room may become. What upgrades and imports bring along is not refused.

#ifndef INNKEEPER_SERVER_LIFECYCLE_ROOM_CAPS_H_
#define INNKEEPER_SERVER_LIFECYCLE_ROOM_CAPS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "storage/records.pb.h"

namespace innkeeper::lifecycle {

// 0 stands for no limit.
struct RoomCaps {
  int64_t max_members = 0;        // joined and invited
  int64_t max_state_entries = 0;  // beside those of members
  int64_t max_aliases = 0;
};

// Each returns OK, or LIMIT_EXCEEDED if the room has or would have more than it may: `room`
// with its counts of members, or that of other entries of its state; or `aliases` of them.
absl::Status CheckMembers(const RoomCaps& caps, const storage::RoomRecord& room);
absl::Status CheckStateEntries(const RoomCaps& caps, const storage::RoomRecord& room);
absl::Status CheckAliases(const RoomCaps& caps, const storage::RoomRecord& room, int64_t aliases);

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_ROOM_CAPS_H_
