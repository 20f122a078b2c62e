#include "server/lifecycle/maintenance.h"

#include <glog/logging.h>

#include "server/lifecycle/request_log.h"

namespace innkeeper::lifecycle {
namespace {

// The commit time of the entry at `position`.
absl::StatusOr<absl::Time> CommitTimeOf(const storage::Engine& engine,
                                        storage::LogPosition position) {
  auto entries = engine.ReadLog(position, 1, 1);
  if (!entries.ok()) return entries.status();
  if (entries->empty()) return absl::DataLossError("the log has a gap");
  return entries->front().commit_time;
}

}  // namespace

absl::Status TrimLogBefore(storage::Engine& engine, absl::Time horizon) {
  // Commit times rise with positions, so the boundary can be searched for.
  const storage::LogBounds bounds = engine.log_bounds();
  storage::LogPosition first_kept = bounds.oldest;
  storage::LogPosition end = bounds.head;
  while (first_kept < end) {
    const storage::LogPosition middle = first_kept + (end - first_kept) / 2;
    absl::StatusOr<absl::Time> time = CommitTimeOf(engine, middle);
    if (!time.ok()) return time.status();
    if (*time < horizon) {
      first_kept = middle + 1;
    } else {
      end = middle;
    }
  }
  if (first_kept == bounds.oldest) return absl::OkStatus();
  return engine.TrimLog(first_kept);
}

void Maintain(storage::Engine& engine, RoomUpgrader& upgrader, absl::Time now,
              absl::Duration event_retention) {
  absl::Status status = upgrader.RecoverExpired();
  LOG_IF(ERROR, !status.ok()) << "giving back expired locks: " << status;
  status = ForgetExpiredRequests(engine, now);
  LOG_IF(ERROR, !status.ok()) << "forgetting expired requests: " << status;
  if (event_retention > absl::ZeroDuration()) {
    status = TrimLogBefore(engine, now - event_retention);
    LOG_IF(ERROR, !status.ok()) << "trimming the log: " << status;
  }
}

}  // namespace innkeeper::lifecycle
