// File: server/subscriptions/start_position.h
//
// Where a subscription starts, or is moved to.

#ifndef INNKEEPER_SERVER_SUBSCRIPTIONS_START_POSITION_H_
#define INNKEEPER_SERVER_SUBSCRIPTIONS_START_POSITION_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "innkeeper/v1/room_lifecycle.pb.h"
#include "server/feed/cursor.h"
#include "server/feed/event_log.h"
#include "server/feed/start_position.h"
#include "server/values/timestamp.h"
#include "storage/engine.h"

namespace innkeeper::subscriptions {

// The position behind which the `start` of a request begins, which is now if it has
// none; as WatchRoomEvents begins with the same. Blocks if that is a time. Errors: those of
// CursorCodec::Decode; EVENT_HISTORY_GONE for a time that the log does not reach back to;
// those of Engine::ReadLog.
template <typename Request>
absl::StatusOr<storage::LogPosition> StartOf(const Request& request, const feed::EventLog& log,
                                             const feed::CursorCodec& cursors,
                                             uint64_t filter_digest) {
  const storage::LogBounds bounds = log.bounds();
  if (request.has_after_cursor()) {
    return cursors.Decode(request.after_cursor(), filter_digest, bounds);
  }
  if (request.has_start_time()) {
    return feed::PositionBefore(*TimeFrom(request.start_time()), log, cursors, filter_digest);
  }
  return request.position() == v1::START_POSITION_OLDEST ? bounds.oldest - 1 : bounds.head;
}

}  // namespace innkeeper::subscriptions

#endif  // INNKEEPER_SERVER_SUBSCRIPTIONS_START_POSITION_H_
