#include "server/feed/retention.h"

#include <algorithm>

#include "absl/functional/function_ref.h"
#include "storage/log_search.h"

namespace innkeeper::feed {
namespace {

using storage::LogEntry;
using storage::LogPosition;

using Predicate = absl::FunctionRef<absl::StatusOr<bool>(LogPosition)>;

// Returns the first position from `begin` on for which `predicate` is true, as it is
// for all behind that; `end` if there is none before it.
absl::StatusOr<LogPosition> FirstWhere(LogPosition begin, LogPosition end, Predicate predicate) {
  while (begin < end) {
    const LogPosition middle = begin + (end - begin) / 2;
    const absl::StatusOr<bool> found = predicate(middle);
    if (!found.ok()) return found.status();
    if (*found) {
      end = middle;
    } else {
      begin = middle + 1;
    }
  }
  return begin;
}

absl::StatusOr<LogEntry> EntryAt(const storage::Engine& engine, LogPosition position) {
  auto entries = engine.ReadLog(position, 1, 1);
  if (!entries.ok()) return entries.status();
  if (entries->empty()) return absl::DataLossError("the log has a gap");
  return std::move(entries->front());
}

// The oldest position that was not committed before `horizon`, at most the head.
absl::StatusOr<LogPosition> FirstSince(const storage::Engine& engine, storage::LogBounds bounds,
                                       absl::Time horizon) {
  const absl::StatusOr<LogPosition> first = storage::FirstPositionSince(engine, horizon);
  if (!first.ok()) return first.status();
  return std::min(*first, bounds.head);
}

// The oldest position from which on the log takes at most `bytes`, at most the head.
absl::StatusOr<LogPosition> FirstThatFits(const storage::Engine& engine, storage::LogBounds bounds,
                                          uint64_t bytes) {
  const auto fits = [&](LogPosition position) -> absl::StatusOr<bool> {
    const absl::StatusOr<uint64_t> size = engine.EstimateLogBytes(position, bounds.head + 1);
    if (!size.ok()) return size.status();
    return *size <= bytes;
  };
  const absl::StatusOr<bool> all = fits(bounds.oldest);
  if (!all.ok()) return all.status();
  return *all ? bounds.oldest : FirstWhere(bounds.oldest, bounds.head, fits);
}

// The first position of the commit that `position` belongs to, as far as it is there.
absl::StatusOr<LogPosition> CommitStart(const storage::Engine& engine, storage::LogBounds bounds,
                                        LogPosition position) {
  const absl::StatusOr<LogEntry> entry = EntryAt(engine, position);
  if (!entry.ok()) return entry.status();
  return FirstWhere(bounds.oldest, position, [&](LogPosition before) -> absl::StatusOr<bool> {
    const absl::StatusOr<LogEntry> other = EntryAt(engine, before);
    if (!other.ok()) return other.status();
    return other->revision >= entry->revision;
  });
}

}  // namespace

absl::StatusOr<LogPosition> OldestKept(const storage::Engine& engine, const RetentionPolicy& policy,
                                       absl::Time now) {
  const storage::LogBounds bounds = engine.log_bounds();
  if (bounds.oldest >= bounds.head) return bounds.oldest;
  LogPosition kept = bounds.oldest;
  if (policy.max_age < absl::InfiniteDuration()) {
    const auto by_age = FirstSince(engine, bounds, now - policy.max_age);
    if (!by_age.ok()) return by_age.status();
    kept = std::max(kept, *by_age);
  }
  if (policy.max_bytes > 0) {
    const auto by_size = FirstThatFits(engine, bounds, policy.max_bytes);
    if (!by_size.ok()) return by_size.status();
    kept = std::max(kept, *by_size);
  }
  if (kept == bounds.oldest) return kept;
  const auto young = FirstSince(engine, bounds, now - policy.min_age);
  if (!young.ok()) return young.status();
  return CommitStart(engine, bounds, std::min(kept, *young));
}

absl::StatusOr<uint64_t> EnforceRetention(storage::Engine& engine, const RetentionPolicy& policy,
                                          absl::Time now, HeldPosition held) {
  const storage::LogBounds bounds = engine.log_bounds();
  absl::StatusOr<LogPosition> kept = OldestKept(engine, policy, now);
  if (!kept.ok()) return kept.status();
  if (*kept <= bounds.oldest) return 0;
  const absl::StatusOr<std::optional<LogPosition>> lowest = held();
  if (!lowest.ok()) return lowest.status();
  if (*lowest && **lowest < *kept) {
    kept = CommitStart(engine, bounds, std::max(**lowest, bounds.oldest));
    if (!kept.ok()) return kept.status();
    if (*kept <= bounds.oldest) return 0;
  }
  if (absl::Status trimmed = engine.TrimLog(*kept); !trimmed.ok()) return trimmed;
  return *kept - bounds.oldest;
}

}  // namespace innkeeper::feed
