#include "server/lifecycle/maintenance.h"

#include <glog/logging.h>

#include "server/lifecycle/request_log.h"

namespace innkeeper::lifecycle {

void Maintain(storage::Engine& engine, RoomUpgrader& upgrader, Supervisor& supervisor,
              absl::Time now) {
  absl::Status status = upgrader.RecoverExpired();
  LOG_IF(ERROR, !status.ok()) << "giving back expired locks: " << status;
  status = supervisor.Expire();
  LOG_IF(ERROR, !status.ok()) << "giving up creations that nobody approved: " << status;
  status = ForgetExpiredRequests(engine, now);
  LOG_IF(ERROR, !status.ok()) << "forgetting expired requests: " << status;
}

}  // namespace innkeeper::lifecycle
