// File: server/lifecycle/room_succession.h
//
// What passes from a room to its successor, whoever made that: its aliases, and its
// place in what other rooms say; and what the stream is told of it.

#ifndef INNKEEPER_SERVER_LIFECYCLE_ROOM_SUCCESSION_H_
#define INNKEEPER_SERVER_LIFECYCLE_ROOM_SUCCESSION_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "innkeeper/v1/room_event.pb.h"
#include "server/lifecycle/room_edit.h"
#include "server/rooms/upgrade_report.h"
#include "storage/engine.h"
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

// Has the rooms of this server that refer to a room refer to its successor. One lasts over all
// attempts at a succession, so that rooms which go on changing do not keep it from ending. Not
// thread-safe.
class LinkRepairs {
 public:
  // Has the rooms refer to the new one, where the sender may do that (rooms::RepairLinks), and
  // adds to `report` where they do and where they do not. At most 1,000 rooms are changed, and
  // 10,000 looked at; tombstoned ones are left alone. Each change is conditional on its room.
  // Errors of RoomReader.
  absl::Status Stage(storage::RoomCommit& commit, const storage::RoomReader& reader,
                     const RoomSuccession& succession, const EditContext& context,
                     rooms::UpgradeReport& report);

  // To be told that the commit was lost, with what `reader` reads behind that. If that was
  // because of rooms that refer to the old one, those are left alone from the third attempt on;
  // when more have made four fail, all are.
  void NoteLost(const storage::RoomReader& reader);

 private:
  bool IsLeftAlone(const std::string& room_id) const;

  // What the latest commit depends on: the rooms that it changes, and the revisions of them.
  std::vector<std::pair<std::string, storage::Revision>> staged_;
  absl::btree_set<std::string> busy_;  // rooms that changed under a commit
  int losses_ = 0;                     // commits that were lost to such rooms
};

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_ROOM_SUCCESSION_H_
