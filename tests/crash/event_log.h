// File: tests/crash/event_log.h

#ifndef INNKEEPER_TESTS_CRASH_EVENT_LOG_H_
#define INNKEEPER_TESTS_CRASH_EVENT_LOG_H_

#include <cstdint>
#include <string>
#include <vector>

#include "innkeeper/v1/room_event.pb.h"
#include "tests/crash/violations.h"
#include "tests/crash/watcher.h"

namespace innkeeper::crash {

// The event log, as ListRoomEvents tells of it. Not thread-safe.
class EventLog {
 public:
  // `violations` must outlive it.
  explicit EventLog(Violations& violations) : violations_(violations) {}

  // What the log of the server at `address` has beyond what was read.
  std::vector<v1::RoomEvent> ReadOn(const std::string& address);

  // Of the last event that was read.
  int64_t head_sequence() const { return head_sequence_; }

 private:
  Violations& violations_;
  std::string cursor_;
  int64_t head_sequence_ = 0;
};

// Checks that what was streamed to `watcher` is what the log now has, up to the end of `log`.
void CheckStream(const EventLog& log, const std::string& address, Watcher& watcher,
                 Violations& violations);

}  // namespace innkeeper::crash

#endif  // INNKEEPER_TESTS_CRASH_EVENT_LOG_H_
