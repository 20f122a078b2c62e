// File: server/lifecycle/upgrade_run.h
//
// One attempt at an upgrade whose lock is held: plans it, writes the new room part by
// part, and makes everything true in the last commit.

#ifndef INNKEEPER_SERVER_LIFECYCLE_UPGRADE_RUN_H_
#define INNKEEPER_SERVER_LIFECYCLE_UPGRADE_RUN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "innkeeper/v1/room_lifecycle.pb.h"
#include "server/audit/trail.h"
#include "server/lifecycle/request_log.h"
#include "server/lifecycle/room_edit.h"
#include "server/lifecycle/room_succession.h"
#include "server/lifecycle/staged_room.h"
#include "server/lifecycle/upgrade_planning.h"
#include "server/rooms/event.h"
#include "storage/engine.h"
#include "storage/records.pb.h"
#include "storage/room_store.h"

namespace innkeeper::lifecycle {

// Not thread-safe. Its methods block.
class UpgradeRun {
 public:
  struct Options {
    absl::Duration lease;
    absl::Duration request_retention;
  };

  // `old_room` was read with `reader`; `links` knows of the attempts before. The references
  // must outlive the run.
  UpgradeRun(storage::Engine& engine, const storage::RoomReader& reader,
             storage::Stored<storage::RoomRecord> old_room, const UpgradeTarget& target,
             const EditContext& context, Options options, LinkRepairs& links);

  // Upgrades the room, which is locked, and tells the audit log of it by `trail`. Returns nothing
  // if somebody else was faster: the room is not locked by this upgrade any more, or it or
  // something that was to be changed with it has changed. Nothing of the attempt is left then, nor
  // after an error. The response is recorded for the request `identity` and, if it is not null, for
  // `approval`. Errors of PlanUpgrade, and CommitError.
  absl::StatusOr<std::optional<v1::UpgradeRoomResponse>> Commit(
      const RequestIdentity& identity, const audit::Trail& trail,
      const RequestIdentity* approval = nullptr);

  // The lock as it was last written.
  const storage::UpgradeRecord& lock() const { return old_room_.record.upgrade(); }

  // Returns what Commit() would, with the plan, and writes nothing.
  absl::StatusOr<v1::UpgradeRoomResponse> Preview();

 private:
  absl::StatusOr<PlannedUpgrade> Plan(TakeEvents take);
  // Appends to the new room, and commits each part of it that is full.
  absl::Status Append(std::vector<rooms::Event> events, int64_t processed_members);
  absl::Status CommitPart(int64_t processed_members);
  absl::StatusOr<v1::UpgradeRoomResponse> StageLastCommit(PlannedUpgrade planned,
                                                          storage::RoomCommit& commit);
  void Renew(int64_t processed_members, storage::RoomCommit& commit);
  void DiscardParts();

  storage::Engine& engine_;
  const storage::RoomReader& reader_;
  storage::Stored<storage::RoomRecord> old_room_;  // follows the commits of parts
  const UpgradeTarget& target_;
  const EditContext& context_;
  const Options options_;
  LinkRepairs& links_;
  StagedRoom new_room_;
  bool lost_ = false;  // somebody else was faster
};

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_UPGRADE_RUN_H_
