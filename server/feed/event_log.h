// File: server/feed/event_log.h
//
// The engine's log as the feed reads it: the newest events are kept in memory,
// decoded, so that readers that keep up don't touch the database.

#ifndef INNKEEPER_SERVER_FEED_EVENT_LOG_H_
#define INNKEEPER_SERVER_FEED_EVENT_LOG_H_

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/events/event_completer.h"
#include "server/feed/encoded_stretch.h"
#include "server/feed/event_filter.h"
#include "server/feed/logged_commit.h"
#include "server/metrics/metrics.h"
#include "storage/engine.h"

namespace innkeeper::feed {

// How much of an event a reader gets.
enum class EventDetail {
  kAsLogged,
  kInFull,  // with what EventLogOptions::completer adds
};

// How an EventLog works.
struct EventLogOptions {
  // The most that is kept in memory; more only if one commit has more.
  size_t max_recent_events = 8192;
  size_t max_recent_bytes = 8 << 20;  // serialised; decoded it is about thrice that
  // How many entries of the log one Read() looks at, give or take a commit.
  size_t max_scanned_entries = 10'000;
  // Completes events for readers who get them in full; must outlive the log. None: there
  // is nothing to add.
  const EventCompleter* completer = nullptr;
};

// Reads the log. Thread-safe.
class EventLog {
 public:
  // What is committed from now on can be kept in memory. `engine` must outlive the log,
  // and so must `arrivals`, unless it is null, which counts new events by their types.
  EventLog(const storage::Engine& engine, const EventLogOptions& options,
           metrics::CounterByName* arrivals = nullptr);

  // The bounds of the engine's log.
  storage::LogBounds bounds() const { return engine_.log_bounds(); }

  // Returns the position of the first event that was committed at or after `time`, or the
  // one behind the head. Blocks. Errors: OUT_OF_RANGE if the log does not reach back that
  // far, or is not known to; else those of Engine::ReadLog.
  absl::StatusOr<storage::LogPosition> FirstSince(absl::Time time) const;

  // Takes what was committed since the last call into memory; returns whether
  // there was anything. What can't be read, or was removed already, is left to
  // readers, who will meet the error themselves. Blocks. One thread calls it.
  bool Refresh();

  // Returns what follows `after` in memory, as much of it as the limits allow;
  // nothing if memory does not reach back that far. Does not block.
  std::optional<Stretch> ReadRecent(const EventFilter& filter, storage::LogPosition after,
                                    StretchLimits limits) const;

  // Whether memory reaches back to what follows `after`. Does not block.
  bool IsRecent(storage::LogPosition after) const;

  // Returns what follows `after` in the database, as much of it as the limits
  // allow, one call may scan, and can be read. A commit that is read in parts is kept
  // until its end was read, so that its rest is not read again for every part. Blocks. Errors, if
  // not even the first event can be read: OUT_OF_RANGE if the log no longer has it, DATA_LOSS if it
  // is damaged, else those of Engine::ReadLog.
  absl::StatusOr<Stretch> Read(const EventFilter& filter, storage::LogPosition after,
                               StretchLimits limits,
                               EventDetail detail = EventDetail::kAsLogged) const;

  // As Read(), for the wire. Events that neither `filter` nor `detail` asks to look into are
  // not parsed: damage to them that the engine does not see is passed on.
  absl::StatusOr<EncodedStretch> ReadEncoded(const EventFilter& filter, storage::LogPosition after,
                                             StretchLimits limits, EventDetail detail) const;

  // Whether `stretch`, from ReadRecent(), may lack something of what Read() gives in that
  // detail. Does not block.
  bool MayLackDetail(const Stretch& stretch, EventDetail detail) const;

 private:
  bool HoldsWhatFollows(storage::LogPosition after) const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return after >= end_ || (!recent_.empty() && after + 1 >= recent_.front()->first());
  }
  absl::StatusOr<bool> RefreshChunk();
  void Append(std::shared_ptr<const LoggedCommit> commit);
  void SkipUnreadable();

  // What adds to events in that detail; none if nothing does.
  const EventCompleter* CompleterFor(EventDetail detail) const;
  std::shared_ptr<const LoggedCommit> PartedCommit(storage::LogPosition after) const;
  void SetPartedCommit(std::shared_ptr<const LoggedCommit> commit) const;

  const storage::Engine& engine_;
  const EventLogOptions options_;
  metrics::CounterByName* const arrivals_;

  mutable absl::Mutex mutex_;
  // Whole commits without a gap between them; the last ends at `end_`.
  std::deque<std::shared_ptr<const LoggedCommit>> recent_ ABSL_GUARDED_BY(mutex_);
  size_t recent_events_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t recent_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  storage::LogPosition end_ ABSL_GUARDED_BY(mutex_);

  // The commit that Read() gave a part of most recently, until it has given the end.
  mutable absl::Mutex parted_mutex_;
  mutable std::shared_ptr<const LoggedCommit> parted_ ABSL_GUARDED_BY(parted_mutex_);
};

}  // namespace innkeeper::feed

#endif  // INNKEEPER_SERVER_FEED_EVENT_LOG_H_
