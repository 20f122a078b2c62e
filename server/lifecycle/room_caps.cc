#include "server/lifecycle/room_caps.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "server/limits/limit_errors.h"

namespace innkeeper::lifecycle {
namespace {

absl::Status Check(int64_t count, int64_t most, absl::string_view limit,
                   const storage::RoomRecord& room, absl::string_view message) {
  if (most == 0 || count <= most) return absl::OkStatus();
  return limits::LimitExceeded(limit, absl::StrCat("room:", room.room_id()), most, message);
}

}  // namespace

absl::Status CheckMembers(const RoomCaps& caps, const storage::RoomRecord& room) {
  return Check(room.joined_member_count() + room.invited_member_count(), caps.max_members,
               "max_room_members", room,
               "the room has as many joined and invited members as it may; nobody else can join "
               "or be invited before some leave");
}

absl::Status CheckStateEntries(const RoomCaps& caps, const storage::RoomRecord& room) {
  return Check(room.state_entry_count(), caps.max_state_entries, "max_room_state_events", room,
               "the room's state has as many entries as it may; entries that are there can be "
               "changed");
}

absl::Status CheckAliases(const RoomCaps& caps, const storage::RoomRecord& room, int64_t aliases) {
  return Check(aliases, caps.max_aliases, "max_room_aliases", room,
               "the room has as many aliases as it may; delete one before you set another");
}

}  // namespace innkeeper::lifecycle
