#include "storage/subscription_hold.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "storage/room_store.h"

namespace innkeeper::storage {
namespace {

// A place in the log that a subscription needs, and when it came there.
struct Need {
  LogPosition position = 0;
  absl::Time since;
};

// Whether the entry at `position` has been in the log since before `horizon`.
absl::StatusOr<bool> IsOlder(const Engine& engine, LogPosition position, absl::Time horizon) {
  auto entries = engine.ReadLog(position, 1, 1);
  if (!entries.ok()) return entries.status();
  return !entries->empty() && entries->front().commit_time < horizon;
}

}  // namespace

LogPosition PositionOf(const SubscriptionProgressRecord& progress) {
  if (progress.positions().empty()) return 0;
  return *std::min_element(progress.positions().begin(), progress.positions().end());
}

absl::StatusOr<std::optional<LogPosition>> LowestHeldPosition(const Engine& engine, absl::Time now,
                                                              absl::Duration hold) {
  std::vector<Need> needs;
  absl::Status scanned =
      RoomReader(engine).ScanSubscriptionProgress([&](const SubscriptionProgressRecord& progress) {
        needs.push_back({PositionOf(progress) + 1, absl::FromUnixMicros(progress.move_time_us())});
        return true;
      });
  if (!scanned.ok()) return scanned;
  std::sort(needs.begin(), needs.end(),
            [](const Need& a, const Need& b) { return a.position < b.position; });
  const absl::Time horizon = hold == absl::ZeroDuration() ? absl::InfinitePast() : now - hold;
  for (const Need& need : needs) {
    if (need.position < engine.log_bounds().oldest) continue;
    if (need.since >= horizon) return need.position;
    absl::StatusOr<bool> lapsed = IsOlder(engine, need.position, horizon);
    if (absl::IsOutOfRange(lapsed.status())) continue;
    if (!lapsed.ok()) return lapsed.status();
    if (!*lapsed) return need.position;
  }
  return std::nullopt;
}

}  // namespace innkeeper::storage
