// File: server/values/timestamp.h

#ifndef INNKEEPER_SERVER_VALUES_TIMESTAMP_H_
#define INNKEEPER_SERVER_VALUES_TIMESTAMP_H_

#include <algorithm>
#include <cstdint>
#include <optional>

#include "absl/time/time.h"
#include "google/protobuf/timestamp.pb.h"

namespace innkeeper {

// The first and the last second that a Timestamp can say, since the Unix epoch.
inline constexpr int64_t kStartOfYear1 = -62'135'596'800;
inline constexpr int64_t kEndOfYear9999 = 253'402'300'799;

// The fields of a Timestamp.
struct TimestampFields {
  int64_t seconds = 0;
  int32_t nanos = 0;
};

// Returns the fields for a number of microseconds since the Unix epoch. What is earlier or
// later than a Timestamp can say counts as the first or last moment that it can.
inline TimestampFields TimestampFieldsOf(int64_t unix_micros) {
  unix_micros =
      std::clamp(unix_micros, kStartOfYear1 * 1'000'000, kEndOfYear9999 * 1'000'000 + 999'999);
  int64_t seconds = unix_micros / 1'000'000;
  if (unix_micros % 1'000'000 < 0) --seconds;  // nanos count forward
  return {seconds, static_cast<int32_t>(unix_micros - seconds * 1'000'000) * 1000};
}

// Sets `timestamp` to that time.
inline void SetTimestamp(int64_t unix_micros, google::protobuf::Timestamp* timestamp) {
  const TimestampFields fields = TimestampFieldsOf(unix_micros);
  timestamp->set_seconds(fields.seconds);
  timestamp->set_nanos(fields.nanos);
}

// Returns the microseconds of an event's `origin_server_ts`, in milliseconds, which may be
// any number: as many as a Timestamp can say at most.
inline int64_t MicrosFromMillis(int64_t unix_millis) {
  return std::clamp(unix_millis, kStartOfYear1 * 1000, kEndOfYear9999 * 1000 + 999) * 1000;
}

// Says to a caller what is wrong with a timestamp that TimeFrom() does not take.
inline constexpr char kTimestampRange[] =
    "must be of the years 1 to 9999, with nanos of 0 to 999,999,999";

// Returns the time that `timestamp` stands for; nothing if it is none, which must be of the
// years 1 to 9999 and have 0 to 999,999,999 nanoseconds.
inline std::optional<absl::Time> TimeFrom(const google::protobuf::Timestamp& timestamp) {
  if (timestamp.seconds() < kStartOfYear1 || timestamp.seconds() > kEndOfYear9999 ||
      timestamp.nanos() < 0 || timestamp.nanos() > 999'999'999) {
    return std::nullopt;
  }
  return absl::FromUnixSeconds(timestamp.seconds()) + absl::Nanoseconds(timestamp.nanos());
}

}  // namespace innkeeper

#endif  // INNKEEPER_SERVER_VALUES_TIMESTAMP_H_
