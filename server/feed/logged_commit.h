// File: server/feed/logged_commit.h
//
// Entries of the log, decoded once for however many readers, and the choice of
// those that one reader gets at a time.

#ifndef INNKEEPER_SERVER_FEED_LOGGED_COMMIT_H_
#define INNKEEPER_SERVER_FEED_LOGGED_COMMIT_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "innkeeper/v1/room_event.pb.h"
#include "server/events/event_completer.h"
#include "server/feed/event_filter.h"
#include "storage/engine.h"

namespace innkeeper::feed {

// An event of the log.
struct LoggedEvent {
  // Without its cursor, which depends on the filter.
  v1::RoomEvent event;
  std::string bytes;  // the event, serialised
  storage::LogPosition place = 0;

  storage::LogPosition position() const { return place; }
};

// The events of one commit and when that was: all of them, unless a reader began in its midst.
struct LoggedCommit {
  std::vector<LoggedEvent> events;  // at least one
  absl::Time time;

  storage::LogPosition first() const { return events.front().position(); }
  storage::LogPosition last() const { return events.back().position(); }
  size_t bytes() const;
};

// Returns how many of the first `entries`, of which there is at least one, come
// from one commit.
size_t CommitLength(absl::Span<const storage::LogEntry> entries);

// Decodes entries of one commit. DATA_LOSS if one of them is damaged.
absl::StatusOr<std::shared_ptr<const LoggedCommit>> DecodeCommit(
    absl::Span<const storage::LogEntry> entries);

// A stretch of the log as a filter shows it: every event up to `through` that
// passes the filter and was not read before is in `events`.
struct Stretch {
  std::vector<std::shared_ptr<const LoggedEvent>> events;
  storage::LogPosition through = 0;
  // True if the commit of the last event has more events that pass, behind `through`.
  bool commit_continues = false;
  // When what follows on the beginning of the stretch, and what follows on its end, was
  // committed; InfiniteFuture if nothing was there.
  absl::Time first_time = absl::InfiniteFuture();
  absl::Time next_time = absl::InfiniteFuture();
};

// How much a reader gets at a time, but at least one event. The events of one commit
// are parted only if they are more than that.
struct StretchLimits {
  size_t events = 0;
  size_t bytes = 0;  // serialised, cursors aside
};

// Picks a stretch from commits that follow each other.
class StretchBuilder {
 public:
  // The stretch begins right behind `after`. `filter` must outlive the builder, and so must
  // `completer`, which completes the events if it is given; adding blocks then.
  StretchBuilder(const EventFilter& filter, storage::LogPosition after, StretchLimits limits,
                 const EventCompleter* completer = nullptr)
      : filter_(filter), limits_(limits), completer_(completer) {
    stretch_.through = after;
  }

  // Adds what passes of the next commit. Returns false if that is too much: then the
  // stretch is complete, with nothing of the commit in it, or, if it would have nothing
  // else, with as much of it as it takes.
  bool Add(const std::shared_ptr<const LoggedCommit>& commit);

  // Completes a stretch that more could be added to: what follows was committed at
  // `next_time`.
  void Complete(absl::Time next_time) { stretch_.next_time = next_time; }

  storage::LogPosition through() const { return stretch_.through; }

  // Returns the stretch; ends the building.
  Stretch Take() { return std::move(stretch_); }

 private:
  // An event of `commit` as the stretch is to have it.
  std::shared_ptr<const LoggedEvent> Pick(const std::shared_ptr<const LoggedCommit>& commit,
                                          const LoggedEvent& event) const;
  bool HasPlaceFor(const LoggedEvent& event) const;
  void CutBefore(const LoggedEvent& event);

  const EventFilter& filter_;
  const StretchLimits limits_;
  const EventCompleter* const completer_;
  Stretch stretch_;
  size_t bytes_ = 0;
};

}  // namespace innkeeper::feed

#endif  // INNKEEPER_SERVER_FEED_LOGGED_COMMIT_H_
