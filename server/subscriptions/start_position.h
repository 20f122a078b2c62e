// File: server/subscriptions/start_position.h
//
// Where a subscription starts, or is moved to.

#ifndef INNKEEPER_SERVER_SUBSCRIPTIONS_START_POSITION_H_
#define INNKEEPER_SERVER_SUBSCRIPTIONS_START_POSITION_H_

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "innkeeper/v1/room_lifecycle.pb.h"
#include "server/feed/cursor.h"
#include "storage/engine.h"

namespace innkeeper::subscriptions {

// The position of the last entry that was committed before `time`, or that right before
// the oldest. Errors of Engine::ReadLog.
absl::StatusOr<storage::LogPosition> PositionBefore(const storage::Engine& engine, absl::Time time);

// The position behind which the `start` of a request begins, which is now if it has
// none. Errors: those of CursorCodec::Decode; those of Engine::ReadLog.
template <typename Request>
absl::StatusOr<storage::LogPosition> StartOf(const Request& request, const storage::Engine& engine,
                                             const feed::CursorCodec& cursors,
                                             uint64_t filter_digest) {
  const storage::LogBounds bounds = engine.log_bounds();
  if (request.has_after_cursor()) {
    return cursors.Decode(request.after_cursor(), filter_digest, bounds);
  }
  if (request.has_start_time()) {
    return PositionBefore(engine, absl::FromUnixSeconds(request.start_time().seconds()) +
                                      absl::Nanoseconds(request.start_time().nanos()));
  }
  return request.position() == v1::START_POSITION_OLDEST ? bounds.oldest - 1 : bounds.head;
}

}  // namespace innkeeper::subscriptions

#endif  // INNKEEPER_SERVER_SUBSCRIPTIONS_START_POSITION_H_
