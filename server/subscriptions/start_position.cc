#include "server/subscriptions/start_position.h"

#include "absl/status/status.h"

namespace innkeeper::subscriptions {

absl::StatusOr<storage::LogPosition> PositionBefore(const storage::Engine& engine,
                                                    absl::Time time) {
  // Commit times rise with positions, so the boundary can be searched for.
  storage::LogPosition before = engine.log_bounds().oldest - 1;
  storage::LogPosition end = engine.log_bounds().head + 1;
  while (before + 1 < end) {
    const storage::LogPosition middle = before + (end - before) / 2;
    const auto entries = engine.ReadLog(middle, 1, 1);
    const bool was_trimmed = absl::IsOutOfRange(entries.status());
    if (!entries.ok() && !was_trimmed) return entries.status();
    if (was_trimmed || (!entries->empty() && entries->front().commit_time < time)) {
      before = middle;
    } else {
      end = middle;
    }
  }
  return before;
}

}  // namespace innkeeper::subscriptions
