// File: client/event_reader.h
//
// The event stream, for an application that asks for the next event. For one that
// wants to be called there is client/event_watcher.h.

#ifndef INNKEEPER_CLIENT_EVENT_READER_H_
#define INNKEEPER_CLIENT_EVENT_READER_H_

#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/innkeeper_client.h"
#include "innkeeper/v1/room.pb.h"
#include "innkeeper/v1/room_event.pb.h"
#include "innkeeper/v1/room_lifecycle.pb.h"

namespace innkeeper {

// Where a watch starts that does not go on from a cursor.
enum class WatchStart {
  kNow,       // behind the newest event
  kOldest,    // with the oldest event that the log has
  kSnapshot,  // with all rooms as they are, and then what comes
};

// What a watch does when events that it has not delivered are no longer in the log.
enum class OnHistoryGone {
  kFail,      // ends with the error
  kSkip,      // goes on with the oldest event that there is
  kSnapshot,  // delivers all rooms as they are, and then what comes
};

struct WatchOptions {
  // Which events to deliver, and the rooms of a snapshot, whatever the types. Default: all
  // that the principal may see.
  v1::RoomEventFilter filter;
  // Goes on right behind the item with this cursor, of an earlier watch with the same
  // filter. Default: none, which starts at `start`.
  std::string after_cursor;
  WatchStart start = WatchStart::kNow;
  OnHistoryGone on_history_gone = OnHistoryGone::kFail;
  // After about this long without another item there is a WatchProgress. Whole seconds,
  // 1 s to 1 h.
  absl::Duration progress_interval = absl::Seconds(30);
  // A server that says nothing for this long is taken for dead, and the watch is taken
  // up again. Default: three times `progress_interval`.
  std::optional<absl::Duration> silence_limit;
};

// The connection broke, or the server could not go on. The watch is taken up again
// after `retry_delay`, where it was; it tries for ever. For the application's log.
struct WatchInterrupted {
  absl::Status error;
  absl::Duration retry_delay;
};

// Events were lost to this watch (OnHistoryGone::kSkip): those behind `lost_cursor` up
// to the next event, whose sequence tells how many.
struct HistorySkipped {
  std::string lost_cursor;
};

// A snapshot comes, which takes the role `read-all`: a v1::Room for each room, and then
// SnapshotEnd. Whatever was known of rooms before is void. What the rooms of the snapshot
// do not show yet is delivered behind it, and nothing else. A snapshot that is interrupted
// begins again.
struct SnapshotBegin {};
struct SnapshotEnd {};

// What a watch delivers. A v1::RoomEvent is what happened, a v1::Room part of a snapshot.
// A v1::WatchCaughtUp tells that all events so far were delivered, also anew after an
// interruption; a v1::WatchFellBehind, that this is not so any more, because the
// application is slow; a v1::WatchProgress, that there is nothing new.
struct WatchItem {
  std::variant<v1::RoomEvent, v1::Room, SnapshotBegin, SnapshotEnd, HistorySkipped,
               v1::WatchCaughtUp, v1::WatchFellBehind, v1::WatchProgress, WatchInterrupted>
      what;
  // Where a later watch goes on that is not to deliver this item again. To be stored
  // when the application is done with the item. Empty if there is no such place yet.
  std::string cursor;
};

// A watch: every event once, in the order of the log, across broken connections and
// restarts of the server. It ends by Stop(), or with an error that waiting won't mend:
//
//   UNAUTHENTICATED, PERMISSION_DENIED  also when a token is revoked later on; one that has
//                                       expired is replaced by the one there is by then
//   INVALID_ARGUMENT                    wrong options; CURSOR_INVALID: the cursor belongs
//                                       to another log or filter, or to what the server
//                                       lost when its store was put back from a backup
//   OUT_OF_RANGE                        EVENT_HISTORY_GONE, with OnHistoryGone::kFail
//
// It has no thread: what it does, it does in Next(). An application that does not call
// for long holds up nobody but itself.
class EventReader {
 public:
  // Does not connect yet.
  EventReader(const Client& client, WatchOptions options);

  // No call of Next() may be under way.
  ~EventReader();

  EventReader(const EventReader&) = delete;
  EventReader& operator=(const EventReader&) = delete;

  // Waits for the next item. Nothing once the watch has ended. For one thread at a time.
  std::optional<WatchItem> Next();

  // What the watch ended with, once Next() has returned nothing; CANCELLED by Stop().
  // For the thread that calls Next().
  const absl::Status& status() const;

  // Ends the watch: a call of Next() under way returns soon, later ones at once, with
  // nothing. For any thread. Does not block. Idempotent.
  void Stop();

 private:
  class Impl;

  const std::unique_ptr<Impl> impl_;
};

}  // namespace innkeeper

#endif  // INNKEEPER_CLIENT_EVENT_READER_H_
