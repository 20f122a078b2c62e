#include "server/feed/start_position.h"

#include "absl/status/status.h"

namespace innkeeper::feed {

absl::StatusOr<storage::LogPosition> PositionBefore(absl::Time time, const EventLog& log,
                                                    const CursorCodec& cursors,
                                                    uint64_t filter_digest) {
  const absl::StatusOr<storage::LogPosition> first = log.FirstSince(time);
  if (absl::IsOutOfRange(first.status())) return cursors.HistoryGone(filter_digest, log.bounds());
  if (!first.ok()) return first.status();
  return *first - 1;
}

}  // namespace innkeeper::feed
