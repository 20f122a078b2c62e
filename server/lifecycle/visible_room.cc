#include "server/lifecycle/visible_room.h"

#include <utility>

#include "server/lifecycle/room_errors.h"

namespace innkeeper::lifecycle {

absl::StatusOr<storage::RoomRecord> ReadVisibleRoom(const storage::RoomReader& reader,
                                                    const std::string& room_id,
                                                    const std::string& requester,
                                                    const AudienceScope& scope) {
  if (requester.empty()) {
    auto room = reader.GetRoom(room_id);
    if (!room.ok()) return room.status();
    if (!room->has_value() || !scope.Includes((*room)->record.audience())) {
      return RoomNotFound(room_id);
    }
    return (*std::move(room))->record;
  }
  auto found = reader.GetRoomOfUser(room_id, requester);
  if (!found.ok()) return found.status();
  if (!found->room || !found->user_room || found->user_room->membership() != "join") {
    return RoomNotFound(room_id);
  }
  return std::move(found->room->record);
}

}  // namespace innkeeper::lifecycle
