#include "server/feed/stream_errors.h"

#include "absl/time/time.h"
#include "server/errors/errors.h"

namespace innkeeper::feed {

absl::Status ShuttingDownError() {
  return MakeError(absl::StatusCode::kUnavailable, v1::ERROR_REASON_SHUTTING_DOWN,
                   "the server is shutting down; resume from the last cursor, elsewhere or later");
}

absl::Status TooManyStreamsError() {
  return WithRetryDelay(
      MakeError(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_OVERLOADED,
                "the server has as many streams as it takes; try again later or elsewhere"),
      absl::Seconds(5));
}

}  // namespace innkeeper::feed
