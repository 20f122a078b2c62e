#include "storage/log_search.h"

namespace innkeeper::storage {
namespace {

absl::StatusOr<absl::Time> CommitTimeOf(const Engine& engine, LogPosition position) {
  auto entries = engine.ReadLog(position, 1, 1);
  if (!entries.ok()) return entries.status();
  if (entries->empty()) return absl::DataLossError("the log has a gap");
  return entries->front().commit_time;
}

}  // namespace

absl::StatusOr<LogPosition> FirstPositionSince(const Engine& engine, absl::Time time) {
  // Commit times rise with positions.
  const LogBounds bounds = engine.log_bounds();
  LogPosition first = bounds.oldest;
  LogPosition end = bounds.head + 1;
  while (first < end) {
    const LogPosition middle = first + (end - first) / 2;
    const absl::StatusOr<absl::Time> middle_time = CommitTimeOf(engine, middle);
    if (!middle_time.ok()) return middle_time.status();
    if (*middle_time < time) {
      first = middle + 1;
    } else {
      end = middle;
    }
  }
  return first;
}

}  // namespace innkeeper::storage
