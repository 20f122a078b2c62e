// File: server/values/duration.h

#ifndef INNKEEPER_SERVER_VALUES_DURATION_H_
#define INNKEEPER_SERVER_VALUES_DURATION_H_

#include <cstdint>

#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"

namespace innkeeper {

// Sets `proto` to `duration`, which is finite and not negative, cut to nanoseconds.
inline void SetDuration(absl::Duration duration, google::protobuf::Duration* proto) {
  proto->set_seconds(absl::IDivDuration(duration, absl::Seconds(1), &duration));
  proto->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(duration)));
}

}  // namespace innkeeper

#endif  // INNKEEPER_SERVER_VALUES_DURATION_H_
