#include "server/lifecycle/room_status.h"

#include <glog/logging.h>

#include <string>
#include <utility>

namespace innkeeper::lifecycle {

void LockForUpgrade(storage::RoomRecord& room, storage::UpgradeRecord upgrade) {
  CHECK_EQ(room.status(), storage::ROOM_STATUS_RECORD_ACTIVE) << room.room_id();
  room.set_status(storage::ROOM_STATUS_RECORD_UPGRADING);
  *room.mutable_upgrade() = std::move(upgrade);
}

void ReleaseLock(storage::RoomRecord& room) {
  CHECK_EQ(room.status(), storage::ROOM_STATUS_RECORD_UPGRADING) << room.room_id();
  room.set_status(storage::ROOM_STATUS_RECORD_ACTIVE);
  room.clear_upgrade();
}

void Tombstone(storage::RoomRecord& room, absl::string_view successor_room_id) {
  CHECK_EQ(room.status(), storage::ROOM_STATUS_RECORD_UPGRADING) << room.room_id();
  room.set_status(storage::ROOM_STATUS_RECORD_TOMBSTONED);
  room.clear_upgrade();
  room.set_successor_room_id(std::string(successor_room_id));
}

void BeginTakenOver(storage::RoomRecord& room, absl::string_view successor_room_id) {
  CHECK_EQ(room.status(), storage::ROOM_STATUS_RECORD_UNSPECIFIED) << room.room_id();
  room.set_status(successor_room_id.empty() ? storage::ROOM_STATUS_RECORD_ACTIVE
                                            : storage::ROOM_STATUS_RECORD_TOMBSTONED);
  room.set_successor_room_id(std::string(successor_room_id));
}

}  // namespace innkeeper::lifecycle
