// File: server/lifecycle/maintenance.h
//
// What has to be done now and then.

#ifndef INNKEEPER_SERVER_LIFECYCLE_MAINTENANCE_H_
#define INNKEEPER_SERVER_LIFECYCLE_MAINTENANCE_H_

#include "absl/time/time.h"
#include "server/lifecycle/supervisor.h"
#include "server/lifecycle/upgrade_room.h"
#include "storage/engine.h"

namespace innkeeper::lifecycle {

// Gives back locks whose lease ran out, gives up creations that nobody approved in time, and
// forgets expired requests. What fails is logged, for the next time to make good. Blocks.
void Maintain(storage::Engine& engine, RoomUpgrader& upgrader, Supervisor& supervisor,
              absl::Time now);

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_MAINTENANCE_H_
