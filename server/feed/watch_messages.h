// File: server/feed/watch_messages.h
//
// The messages of a stream, as they go over the wire: serialised
// v1::WatchRoomEventsResponse messages.

#ifndef INNKEEPER_SERVER_FEED_WATCH_MESSAGES_H_
#define INNKEEPER_SERVER_FEED_WATCH_MESSAGES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "innkeeper/v1/room_lifecycle.pb.h"
#include "server/feed/cursor.h"
#include "server/feed/encoded_stretch.h"
#include "storage/engine.h"

namespace innkeeper::feed {

// How far a stream is behind the log.
struct Lag {
  uint64_t events = 0;  // that it has not dealt with
  absl::Duration age;   // of the oldest of them
};

// Writes the messages of one stream. The cursors in them are for the stream's
// filter.
class WatchMessages {
 public:
  // `cursors` must outlive it.
  WatchMessages(const CursorCodec& cursors, uint64_t filter_digest)
      : cursors_(cursors), filter_digest_(filter_digest) {}

  // A `confirmed` message for a stream that starts with the event at `start`, and can be
  // resumed from `cursor_position` if that is set.
  std::string Confirmed(std::optional<storage::LogPosition> cursor_position,
                        storage::LogPosition start, storage::LogBounds bounds,
                        const std::string& stream_id, const v1::EventRetention& retention) const;

  // An `events` message, which lacks the cursors, and what puts them in: all at once, since they
  // cost little more than one, and apart, since that can be done elsewhere.
  DraftMessage Events(EncodedStretch stretch, const Lag& lag) const;
  void PutCursors(DraftMessage& message) const;

  // The messages of a snapshot: rooms of it, and its end at `position`.
  std::string Snapshot(std::vector<v1::Room> rooms) const;
  std::string SnapshotEnd(storage::LogPosition position) const;

  // Messages of a stream that is at `position`.
  std::string CaughtUp(storage::LogPosition position) const;
  std::string FellBehind(storage::LogPosition position, const Lag& lag) const;
  std::string Progress(storage::LogPosition position, const Lag& lag) const;

 private:
  std::string CursorAt(storage::LogPosition position) const {
    return cursors_.Encode(position, filter_digest_);
  }

  const CursorCodec& cursors_;
  const uint64_t filter_digest_;
};

}  // namespace innkeeper::feed

#endif  // INNKEEPER_SERVER_FEED_WATCH_MESSAGES_H_
