#include "server/state/writable_room.h"

#include <utility>

#include "server/lifecycle/room_edit.h"
#include "server/lifecycle/room_errors.h"

namespace innkeeper::state {

absl::StatusOr<storage::Stored<storage::RoomRecord>> ReadWritableRoom(
    const storage::RoomReader& reader, const std::string& room_id, const std::string& requester) {
  auto room = reader.GetRoom(room_id);
  if (!room.ok()) return room.status();
  auto member = reader.GetState(room_id, "m.room.member", requester);
  if (!member.ok()) return member.status();
  if (!room->has_value() || !member->has_value()) return lifecycle::RoomNotFound(room_id);
  absl::Status writable = lifecycle::CheckWritable((*room)->record);
  if (!writable.ok()) return writable;
  return **std::move(room);
}

}  // namespace innkeeper::state
