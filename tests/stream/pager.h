// File: tests/stream/pager.h
//
// A reader of the event log by pages.

#ifndef INNKEEPER_TESTS_STREAM_PAGER_H_
#define INNKEEPER_TESTS_STREAM_PAGER_H_

#include <cstdint>
#include <string>

#include "innkeeper/v1/room_lifecycle.pb.h"
#include "tests/stream/recording.h"

namespace innkeeper::stream {

// Reads with ListRoomEvents, from the oldest event on. Each page is recorded as a message.
// Not thread-safe.
class Pager {
 public:
  Pager(const v1::RoomEventFilter& filter, int32_t page_size);

  // Reads a hundred pages, or to the end of the log. False if that failed.
  bool ReadOn(const std::string& address);

  // What came so far and was not taken before.
  Recording TakeRecording();

 private:
  v1::ListRoomEventsRequest request_;
  int64_t position_ = 0;  // of the last event
  Recording recording_;
};

}  // namespace innkeeper::stream

#endif  // INNKEEPER_TESTS_STREAM_PAGER_H_
