#include "server/lifecycle/room_status.h"

#include <gtest/gtest.h>

namespace innkeeper::lifecycle {
namespace {

storage::RoomRecord RoomIn(storage::RoomStatusRecord status) {
  storage::RoomRecord room;
  room.set_room_id("!a:example.org");
  room.set_status(status);
  return room;
}

TEST(RoomStatusTest, GoesFromActiveThroughUpgradingToTombstoned) {
  storage::RoomRecord room = RoomIn(storage::ROOM_STATUS_RECORD_ACTIVE);
  storage::UpgradeRecord upgrade;
  upgrade.set_upgrade_id("u1");
  LockForUpgrade(room, upgrade);
  EXPECT_EQ(room.status(), storage::ROOM_STATUS_RECORD_UPGRADING);
  EXPECT_EQ(room.upgrade().upgrade_id(), "u1");
  Tombstone(room, "!b:example.org");
  EXPECT_EQ(room.status(), storage::ROOM_STATUS_RECORD_TOMBSTONED);
  EXPECT_EQ(room.successor_room_id(), "!b:example.org");
  EXPECT_FALSE(room.has_upgrade());
}

TEST(RoomStatusTest, GoesBackToActive) {
  storage::RoomRecord room = RoomIn(storage::ROOM_STATUS_RECORD_ACTIVE);
  LockForUpgrade(room, {});
  ReleaseLock(room);
  EXPECT_EQ(room.status(), storage::ROOM_STATUS_RECORD_ACTIVE);
  EXPECT_FALSE(room.has_upgrade());
}

TEST(RoomStatusTest, ARoomThatIsTakenOverBeginsAsItIs) {
  storage::RoomRecord active;
  BeginTakenOver(active, "");
  EXPECT_EQ(active.status(), storage::ROOM_STATUS_RECORD_ACTIVE);
  storage::RoomRecord replaced;
  BeginTakenOver(replaced, "!b:example.org");
  EXPECT_EQ(replaced.status(), storage::ROOM_STATUS_RECORD_TOMBSTONED);
  EXPECT_EQ(replaced.successor_room_id(), "!b:example.org");
}

TEST(RoomStatusDeathTest, TakesNoOtherWay) {
  storage::RoomRecord active = RoomIn(storage::ROOM_STATUS_RECORD_ACTIVE);
  storage::RoomRecord upgrading = RoomIn(storage::ROOM_STATUS_RECORD_UPGRADING);
  storage::RoomRecord tombstoned = RoomIn(storage::ROOM_STATUS_RECORD_TOMBSTONED);
  EXPECT_DEATH(LockForUpgrade(upgrading, {}), "!a:example.org");
  EXPECT_DEATH(LockForUpgrade(tombstoned, {}), "!a:example.org");
  EXPECT_DEATH(ReleaseLock(active), "!a:example.org");
  EXPECT_DEATH(ReleaseLock(tombstoned), "!a:example.org");
  EXPECT_DEATH(Tombstone(active, "!b:example.org"), "!a:example.org");
  EXPECT_DEATH(Tombstone(tombstoned, "!b:example.org"), "!a:example.org");
  EXPECT_DEATH(BeginTakenOver(active, ""), "!a:example.org");
}

}  // namespace
}  // namespace innkeeper::lifecycle
