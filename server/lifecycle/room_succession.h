// File: server/lifecycle/room_succession.h
//
// What passes from a room to its successor, whoever made that: its aliases, and its
// place in what other rooms say; and what the stream is told of it.

#ifndef INNKEEPER_SERVER_LIFECYCLE_ROOM_SUCCESSION_H_
#define INNKEEPER_SERVER_LIFECYCLE_ROOM_SUCCESSION_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "innkeeper/v1/room_event.pb.h"
#include "server/lifecycle/room_edit.h"
#include "server/rooms/upgrade_report.h"
#include "storage/records.pb.h"
#include "storage/room_store.h"

namespace innkeeper::lifecycle {

struct RoomSuccession {
  std::string old_room_id;
  std::string new_room_id;
  std::string sender;  // of the events in other rooms
};

// The event of the stream that a room has been replaced.
v1::RoomUpgraded UpgradedEvent(const storage::RoomRecord& old_room,
                               const storage::RoomRecord& new_room);

// Points all aliases of the old room at the new one, and returns them. Errors of
// RoomReader.
absl::StatusOr<std::vector<std::string>> StageAliasMoves(storage::RoomCommit& commit,
                                                         const storage::RoomReader& reader,
                                                         const RoomSuccession& succession);

// Has the rooms of this server that refer to the old room refer to the new one, where
// the sender may do that (rooms::RepairLinks), and adds to `report` where they do and
// where they do not. At most 1,000 rooms are changed, and 10,000 looked at; tombstoned ones
// are left alone. Each change is conditional on its room. Errors of RoomReader.
absl::Status StageLinkRepairs(storage::RoomCommit& commit, const storage::RoomReader& reader,
                              const RoomSuccession& succession, const EditContext& context,
                              rooms::UpgradeReport& report);

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_ROOM_SUCCESSION_H_
