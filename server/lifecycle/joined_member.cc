#include "server/lifecycle/joined_member.h"

#include <utility>

#include "server/lifecycle/room_records.h"
#include "server/rooms/event_types.h"
#include "server/rooms/identifiers.h"
#include "server/rooms/json.h"

namespace innkeeper::lifecycle {

absl::StatusOr<std::string> FindJoinedMember(const storage::RoomReader& reader,
                                             const storage::RoomRecord& room,
                                             absl::string_view server_name,
                                             const rooms::PowerLevels& levels, int64_t required) {
  std::string found;
  absl::Status status;
  absl::Status scanned = reader.ScanState(
      {.room_id = room.room_id(), .revision = room.revision(), .type = rooms::kMemberType},
      [&](storage::StatePosition position, const storage::StateRecord& record) {
        if (!rooms::IsLocal(position.state_key, server_name)) return true;
        if (levels.OfUser(position.state_key) < required) return true;
        absl::StatusOr<rooms::StateEntry> entry = ToStateEntry(record);
        status = entry.status();
        if (!status.ok()) return false;
        if (rooms::StringViewOrEmpty(entry->content, "membership") != "join") return true;
        found = std::move(position.state_key);
        return false;
      });
  if (!scanned.ok()) return scanned;
  if (!status.ok()) return status;
  return found;
}

}  // namespace innkeeper::lifecycle
