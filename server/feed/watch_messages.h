// File: server/feed/watch_messages.h
//
// The messages of a stream, as they go over the wire: serialised
// v1::WatchRoomEventsResponse messages.

#ifndef INNKEEPER_SERVER_FEED_WATCH_MESSAGES_H_
#define INNKEEPER_SERVER_FEED_WATCH_MESSAGES_H_

#include <cstdint>
#include <string>

#include "server/feed/cursor.h"
#include "server/feed/logged_commit.h"
#include "storage/engine.h"

namespace innkeeper::feed {

// Writes the messages of one stream. The cursors in them are for the stream's
// filter.
class WatchMessages {
 public:
  // `cursors` must outlive it.
  WatchMessages(const CursorCodec& cursors, uint64_t filter_digest)
      : cursors_(cursors), filter_digest_(filter_digest) {}

  // A `confirmed` message for a stream that starts behind `position`.
  std::string Confirmed(storage::LogPosition position, storage::LogBounds bounds) const;

  // An `events` message. The events' bytes are used as they are; only their
  // cursors are added.
  std::string Events(const Stretch& stretch) const;

  // `caught_up` and `progress` messages of a stream that is at `position`.
  std::string CaughtUp(storage::LogPosition position) const;
  std::string Progress(storage::LogPosition position) const;

 private:
  std::string CursorAt(storage::LogPosition position) const {
    return cursors_.Encode(position, filter_digest_);
  }

  const CursorCodec& cursors_;
  const uint64_t filter_digest_;
};

}  // namespace innkeeper::feed

#endif  // INNKEEPER_SERVER_FEED_WATCH_MESSAGES_H_
