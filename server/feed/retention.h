// File: server/feed/retention.h
//
// How long the event log keeps events.

#ifndef INNKEEPER_SERVER_FEED_RETENTION_H_
#define INNKEEPER_SERVER_FEED_RETENTION_H_

#include <cstdint>
#include <optional>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "storage/engine.h"

namespace innkeeper::feed {

// An event is forgotten if it is older than `min_age`, and older than `max_age` or
// beyond `max_bytes`. The newest event never is.
struct RetentionPolicy {
  absl::Duration min_age = absl::ZeroDuration();
  // Infinite: age alone removes nothing.
  absl::Duration max_age = absl::InfiniteDuration();
  // What the log may take where the engine keeps it, about. 0: size alone removes
  // nothing.
  uint64_t max_bytes = 0;
};

// Returns the oldest position that the policy keeps at the time `now`, at least the
// oldest that there is, and never inside a commit. Reads a few dozen entries of the log at most.
// Blocks. Errors: those of Engine::ReadLog and EstimateLogBytes.
absl::StatusOr<storage::LogPosition> OldestKept(const storage::Engine& engine,
                                                const RetentionPolicy& policy, absl::Time now);

// Returns the lowest position that somebody is promised, if there is one.
using HeldPosition = absl::FunctionRef<absl::StatusOr<std::optional<storage::LogPosition>>()>;

// Removes what the policy does not keep and is below the `held` position; returns how many events
// that were. Asks for the position when all else is known, so that little time is left for a new
// promise that would be broken. Blocks. Errors: those of OldestKept, `held` and Engine::TrimLog.
absl::StatusOr<uint64_t> EnforceRetention(storage::Engine& engine, const RetentionPolicy& policy,
                                          absl::Time now, HeldPosition held);

}  // namespace innkeeper::feed

#endif  // INNKEEPER_SERVER_FEED_RETENTION_H_
