// File: server/lifecycle/maintenance.h
//
// What has to be done now and then.

#ifndef INNKEEPER_SERVER_LIFECYCLE_MAINTENANCE_H_
#define INNKEEPER_SERVER_LIFECYCLE_MAINTENANCE_H_

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/lifecycle/upgrade_room.h"
#include "storage/engine.h"

namespace innkeeper::lifecycle {

// Removes the entries of the log that were committed before `horizon`; always
// leaves the newest one. Blocks. Errors of Engine.
absl::Status TrimLogBefore(storage::Engine& engine, absl::Time horizon);

// Gives back locks whose lease ran out, forgets expired requests, and removes log
// entries older than `event_retention`, if that is not zero. What fails is logged,
// for the next time to make good. Blocks.
void Maintain(storage::Engine& engine, RoomUpgrader& upgrader, absl::Time now,
              absl::Duration event_retention);

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_MAINTENANCE_H_
