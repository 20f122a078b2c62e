// File: server/feed/start_position.h

#ifndef INNKEEPER_SERVER_FEED_START_POSITION_H_
#define INNKEEPER_SERVER_FEED_START_POSITION_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/feed/cursor.h"
#include "server/feed/event_log.h"
#include "storage/engine.h"

namespace innkeeper::feed {

// Returns the position right before the first event that was committed at or after `time`;
// the head if there is none yet. Blocks. Errors: EVENT_HISTORY_GONE, for the filter with
// that digest, if the log does not reach back that far, or is not known to; else those of
// Engine::ReadLog.
absl::StatusOr<storage::LogPosition> PositionBefore(absl::Time time, const EventLog& log,
                                                    const CursorCodec& cursors,
                                                    uint64_t filter_digest);

}  // namespace innkeeper::feed

#endif  // INNKEEPER_SERVER_FEED_START_POSITION_H_
