// File: server/feed/stream_reader.h
//
// What a stream says, message by message: what is in the log, and then what comes.

#ifndef INNKEEPER_SERVER_FEED_STREAM_READER_H_
#define INNKEEPER_SERVER_FEED_STREAM_READER_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "innkeeper/v1/room.pb.h"
#include "innkeeper/v1/room_lifecycle.pb.h"
#include "server/base/clock.h"
#include "server/feed/cursor.h"
#include "server/feed/encoded_stretch.h"
#include "server/feed/event_filter.h"
#include "server/feed/event_log.h"
#include "server/feed/logged_commit.h"
#include "server/feed/room_snapshot.h"
#include "server/feed/stream_access.h"
#include "server/feed/watch_messages.h"
#include "server/metrics/metrics.h"
#include "storage/engine.h"

namespace innkeeper::feed {

// The parts of the feed that all its streams use. Must outlive them.
struct StreamSources {
  const storage::Engine& engine;
  const EventLog& log;
  const CursorCodec& cursors;
  const Clock& clock;  // the one that commit times come from
  const v1::EventRetention& retention;
  metrics::FeedMetrics& metrics;
};

// Where a stream starts.
struct StreamStart {
  enum class Kind {
    kBehind,    // `position`
    kAtTime,    // with the first event since `time`
    kSnapshot,  // with the rooms as they are
  };
  Kind kind = Kind::kBehind;
  storage::LogPosition position = 0;
  absl::Time time;
};

// Where a stream is and what comes next. It holds one batch at most, read but not yet
// said, and otherwise only its position. For one thread at a time.
class StreamReader {
 public:
  struct Parameters {
    std::string stream_id;
    EventFilter filter;
    StreamStart start;
    storage::LogBounds bounds;  // of the log at the start
    StretchLimits batch_limits;
    StretchLimits catch_up_limits;         // at least as much: see NotePace()
    std::unique_ptr<StreamAccess> access;  // none: the reader may see everything
  };

  // What there is to say.
  struct Next {
    enum class Kind {
      kMessage,   // `message`
      kNothing,   // until more is committed
      kMustRead,  // to be found out by Read()
    };
    Kind kind = Kind::kNothing;
    DraftMessage message;  // a serialised v1::WatchRoomEventsResponse, for Complete()
  };

  // `sources` must outlive the reader.
  StreamReader(const StreamSources& sources, Parameters parameters);

  const std::string& stream_id() const { return parameters_.stream_id; }

  // Takes into account what the reader may see by now. An error is one to end with.
  absl::Status RefreshAccess();

  // Returns the next message, if it is known without reading the database.
  Next TryNext();

  // Puts into a message what it lacks, and returns it. Thread-safe.
  std::string Complete(DraftMessage message) const;

  // Reads what the next message needs. Blocks. Errors: EVENT_HISTORY_GONE; those of the
  // engine. The stream can't go on then.
  absl::Status Read();

  // True on the way to the end of the log, as long as what comes next is to be read: Read()
  // then does it ahead of TryNext(), while the last message is being sent.
  bool CanReadAhead() const;

  // Tells whether the reader had taken a message when what comes behind it had been read: what
  // is read from the log next is more at a time then, or if it had not, less.
  void NotePace(bool reader_waited);

  // Returns a `progress` message; nothing before the stream has a place in the log that it
  // could be resumed from.
  std::optional<std::string> Progress() const;

  // True until the snapshot of rooms that the stream starts with has been said.
  bool InSnapshot() const {
    return parameters_.start.kind == StreamStart::Kind::kSnapshot && !snapshot_said_;
  }

  // Lets go of what the reader holds. Nothing but stream_id() and Complete() may be called any
  // more.
  void Release();

 private:
  static Next Message(std::string bytes) {
    return {Next::Kind::kMessage, {.bytes = std::move(bytes)}};
  }
  static Next MustRead() { return {Next::Kind::kMustRead, {}}; }

  absl::Status Begin();
  absl::Status FindStart();
  absl::Status ReadRooms();
  absl::Status ReadEvents();
  absl::Status HistoryGone() const;
  Next Confirmed();
  Next FromSnapshot();
  Next FellBehind();
  Next FromBacklog();
  bool HasCaughtUp() const;
  Next CaughtUp();
  Next Events(EncodedStretch stretch);
  void MoveBehind(const EncodedStretch& stretch);
  void NoteReadingOfLog();
  bool MayReadMore() const;
  Lag LagSince(absl::Time oldest_time) const;

  const StreamSources& sources_;
  Parameters parameters_;
  EventFilter filter_;  // shows what the reader may see
  EventDetail detail_ = EventDetail::kAsLogged;
  const WatchMessages messages_;
  bool begun_;  // the place to start is known
  bool confirmed_ = false;
  std::optional<RoomSnapshot> snapshot_;
  std::vector<v1::Room> rooms_;  // read from it, and not yet said
  bool snapshot_said_ = false;
  // Everything up to here was said or left out.
  storage::LogPosition position_;
  // When what follows was committed; InfiniteFuture if nothing was there yet.
  absl::Time next_time_ = absl::InfiniteFuture();
  bool at_end_ = false;        // of the log, as it was
  StretchLimits read_limits_;  // of what is read from the log at a time
  // Read by Read(), and not yet said.
  std::optional<EncodedStretch> backlog_;
  // What the stream has to reach, on its way to an end of the log, to be caught up.
  storage::LogPosition target_;
  bool caught_up_ = false;
  bool in_commit_ = false;    // whose rest comes next: nothing is said in between
  bool fell_behind_ = false;  // which is not yet said
};

}  // namespace innkeeper::feed

#endif  // INNKEEPER_SERVER_FEED_STREAM_READER_H_
