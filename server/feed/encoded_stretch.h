// File: server/feed/encoded_stretch.h
//
// A stretch of the log with its events as they go over the wire.

#ifndef INNKEEPER_SERVER_FEED_ENCODED_STRETCH_H_
#define INNKEEPER_SERVER_FEED_ENCODED_STRETCH_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/events/event_completer.h"
#include "server/feed/logged_commit.h"
#include "storage/engine.h"

namespace innkeeper::feed {

// A message that lacks its cursors, and where they belong, in order: in place of kCursorSize
// bytes each.
struct DraftMessage {
  struct Gap {
    storage::LogPosition position = 0;  // that the cursor stands for
    size_t begin = 0;
  };

  std::string bytes;
  std::vector<Gap> gaps;
};

// Events, serialised one behind the other as the field `events` of a v1::RoomEventBatch,
// with room for their cursors, which depend on who reads.
class EncodedEvents {
 public:
  // Adds an event without its cursor: the bytes of `event` and `more`, serialised.
  void Add(storage::LogPosition position, absl::string_view event, absl::string_view more = "");

  // Leaves only the first `count`.
  void Truncate(size_t count);

  bool empty() const { return places_.empty(); }
  size_t count() const { return places_.size(); }
  storage::LogPosition last_position() const { return places_.back().position; }

  // What was given to Add(), without what Truncate() took away.
  size_t event_bytes() const { return empty() ? 0 : places_.back().event_bytes; }

  // Sets memory aside for so much, and gives back what is left of it.
  void Reserve(StretchLimits events);
  void Shrink();

  // Returns a message of which field `field` is the batch: the events, and behind them the
  // fields in `rest`, usually no more than kRestRoom bytes.
  DraftMessage Wrap(int field, absl::string_view rest) &&;

 private:
  // What stands before batches of 16 KiB to 2 MiB: those need not be moved for it.
  static constexpr size_t kHeaderRoom = 4;
  static constexpr size_t kRestRoom = 128;

  struct Place {
    storage::LogPosition position;
    size_t end;          // of the event in `bytes_`, and so of its cursor
    size_t event_bytes;  // up to here
  };

  std::string bytes_ = std::string(kHeaderRoom, '\0');
  std::vector<Place> places_;
};

// As Stretch.
struct EncodedStretch {
  EncodedEvents events;
  storage::LogPosition through = 0;
  bool commit_continues = false;
  absl::Time first_time = absl::InfiniteFuture();
  absl::Time next_time = absl::InfiniteFuture();
};

EncodedStretch Encode(const Stretch& stretch);

// Picks a stretch for a reader who gets every event, and so without parsing those that
// need no completing.
class EncodedStretchBuilder {
 public:
  // The stretch begins right behind `after`. `completer` must outlive the builder; it
  // completes the events if it is given.
  EncodedStretchBuilder(storage::LogPosition after, StretchLimits limits,
                        const EventCompleter* completer = nullptr)
      : after_(after), limits_(limits), completer_(completer) {
    stretch_.events.Reserve(limits);
  }

  // Adds the next entry of the log. Returns false if the stretch is complete without it.
  // Blocks if the event is to be completed.
  bool Add(const storage::LogEntryView& entry);

  // Returns the stretch; ends the building. `scanned` is what became of the scan that the
  // entries are from: behind an error, as behind a damaged entry, the stretch has the
  // commits before, and if there are none that error is returned.
  absl::StatusOr<EncodedStretch> Take(absl::Status scanned);

 private:
  bool AddCompleted(const storage::LogEntryView& entry);
  bool AddBytes(const storage::LogEntryView& entry, absl::string_view event,
                absl::string_view more);
  bool HasPlaceFor(size_t event_bytes) const;
  bool CutBefore(const storage::LogEntryView& entry);
  bool EndWith(absl::Status damage);

  const storage::LogPosition after_;
  const StretchLimits limits_;
  const EventCompleter* const completer_;
  EncodedStretch stretch_;
  storage::Revision revision_ = 0;  // of the last entry's commit
  size_t commit_start_ = 0;         // that commit's first event
  absl::Status damage_;
};

}  // namespace innkeeper::feed

#endif  // INNKEEPER_SERVER_FEED_ENCODED_STRETCH_H_
