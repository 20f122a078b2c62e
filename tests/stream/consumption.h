// File: tests/stream/consumption.h
//
// What the consumers of a durable subscription were done with, and what finds it wrong.

#ifndef INNKEEPER_TESTS_STREAM_CONSUMPTION_H_
#define INNKEEPER_TESTS_STREAM_CONSUMPTION_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "innkeeper/v1/room_event.pb.h"
#include "tests/stream/validators.h"

namespace innkeeper::stream {

// What the consumers of a subscription were done with, in the order in which they were.
struct Consumption {
  std::string subscription;
  v1::RoomEventFilter filter;
  std::vector<int64_t> done;  // sequences; an event may come more than once
  std::set<int64_t> parked;
  // Those that were parked at some time, or may have been, and then were delivered again out of
  // order.
  std::set<int64_t> once_parked;
  // Everything up to here is acknowledged, said the server when `done` was already what it is.
  int64_t acknowledged = 0;
};

// At least once: what is acknowledged was done, or parked, and all of it passes the filter.
Problems CheckDelivered(const Consumption& consumption, const Log& log);

// In order: no event of a room was done for the first time before one that came before it, but
// for those that are parked or were. Of what was not done at all, CheckDelivered() tells.
Problems CheckRoomOrder(const Consumption& consumption, const Log& log);

}  // namespace innkeeper::stream

#endif  // INNKEEPER_TESTS_STREAM_CONSUMPTION_H_
