// File: server/values/timestamp.h

#ifndef INNKEEPER_SERVER_VALUES_TIMESTAMP_H_
#define INNKEEPER_SERVER_VALUES_TIMESTAMP_H_

#include <algorithm>
#include <cstdint>

#include "google/protobuf/timestamp.pb.h"

namespace innkeeper {

// Sets `timestamp` to a number of microseconds since the Unix epoch, not
// negative. What is later than a Timestamp can say counts as the last moment that it can.
inline void SetTimestamp(int64_t unix_micros, google::protobuf::Timestamp* timestamp) {
  constexpr int64_t kEndOfYear9999Micros = 253'402'300'799'999'999;
  unix_micros = std::min(unix_micros, kEndOfYear9999Micros);
  timestamp->set_seconds(unix_micros / 1'000'000);
  timestamp->set_nanos(static_cast<int32_t>(unix_micros % 1'000'000) * 1000);
}

}  // namespace innkeeper

#endif  // INNKEEPER_SERVER_VALUES_TIMESTAMP_H_
