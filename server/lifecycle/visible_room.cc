#include "server/lifecycle/visible_room.h"

#include <optional>
#include <utility>

#include "server/lifecycle/room_errors.h"

namespace innkeeper::lifecycle {
namespace {

using storage::RoomRecord;
using storage::UserRoomRecord;

// Whether a room may be read by `requester`; `user_room` is its place in their list of rooms.
bool MayRead(const RoomRecord& room, const std::string& requester,
             const std::optional<UserRoomRecord>& user_room, const AudienceScope& scope) {
  if (requester.empty()) return scope.Includes(room.audience());
  return user_room && user_room->membership() == "join";
}

}  // namespace

absl::StatusOr<RoomRecord> ReadVisibleRoom(const storage::RoomReader& reader,
                                           const std::string& room_id, const std::string& requester,
                                           const AudienceScope& scope) {
  storage::RoomReader::RoomOfUser found;
  if (requester.empty()) {
    auto room = reader.GetRoom(room_id);
    if (!room.ok()) return room.status();
    found.room = *std::move(room);
  } else {
    auto read = reader.GetRoomOfUser(room_id, requester);
    if (!read.ok()) return read.status();
    found = *std::move(read);
  }
  if (!found.room || !MayRead(found.room->record, requester, found.user_room, scope)) {
    return RoomNotFound(room_id);
  }
  return std::move(found.room->record);
}

absl::StatusOr<RoomRecord> LookUpVisibleRoom(const storage::Engine& engine, storage::ReadTier tier,
                                             const std::string& room_id,
                                             const std::string& requester,
                                             const AudienceScope& scope) {
  auto found = storage::LookUpRoom(engine, tier, room_id, requester);
  if (!found.ok()) return found.status();
  if (!found->room || !MayRead(*found->room, requester, found->user_room, scope)) {
    return RoomNotFound(room_id);
  }
  return *std::move(found->room);
}

}  // namespace innkeeper::lifecycle
