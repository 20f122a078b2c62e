// File: server/lifecycle/upgrade_planning.h
//
// Runs the planner of upgrades over a stored room, whose members are read a part at a
// time.

#ifndef INNKEEPER_SERVER_LIFECYCLE_UPGRADE_PLANNING_H_
#define INNKEEPER_SERVER_LIFECYCLE_UPGRADE_PLANNING_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/lifecycle/upgrade_access.h"
#include "server/rooms/event.h"
#include "server/rooms/event_chain.h"
#include "server/rooms/room_version.h"
#include "server/rooms/upgrade_options.h"
#include "server/rooms/upgrade_plan.h"
#include "server/rooms/upgrade_report.h"
#include "storage/records.pb.h"
#include "storage/room_store.h"

namespace innkeeper::lifecycle {

// What is asked of an upgrade.
struct UpgradeTarget {
  UpgradeActor actor;
  const rooms::RoomVersion& version;  // of the new room
  const rooms::UpgradeOptions& options;
};

// What is known of an upgrade once its last event is planned.
struct PlannedUpgrade {
  std::string new_room_id;
  std::vector<rooms::Event> old_room_events;
  rooms::RoomSummary new_room;
  rooms::UpgradeReport report;
};

// Takes the next events of the new room; `processed_members` joined and invited members
// of the old one have been dealt with by then. An error ends the planning.
using TakeEvents =
    absl::FunctionRef<absl::Status(std::vector<rooms::Event> events, int64_t processed_members)>;

// Plans the upgrade of `room`, which was read with `reader`. Holds the state without
// members in memory, and some members at a time. Errors of PermitUpgrade, of
// rooms::UpgradePlanner, of RoomReader and of `take`.
absl::StatusOr<PlannedUpgrade> PlanUpgrade(const storage::RoomReader& reader,
                                           const storage::RoomRecord& room,
                                           const UpgradeTarget& target,
                                           const rooms::BuildContext& context, TakeEvents take);

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_UPGRADE_PLANNING_H_
