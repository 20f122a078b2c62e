#include "server/feed/stream_errors.h"

#include "absl/strings/str_cat.h"
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
                "the server has as many streams as it takes; try again later or elsewhere",
                {{"limit", "max_streams"}}),
      absl::Seconds(5));
}

absl::Status StreamStalledError(absl::Duration limit) {
  return MakeError(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_STREAM_STALLED,
                   "the reader of the stream took no message for too long; resume from the last "
                   "cursor, and read faster",
                   {{"limit_seconds", absl::StrCat(absl::ToDoubleSeconds(limit))}});
}

absl::Status UploadStalledError(absl::Duration limit) {
  return MakeError(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_STREAM_STALLED,
                   "the upload brought no message for too long; begin again, and send faster",
                   {{"limit_seconds", absl::StrCat(absl::ToDoubleSeconds(limit))}});
}

absl::Status SnapshotTooSlowError(absl::Duration limit) {
  return MakeError(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_STREAM_STALLED,
                   "the reader of the stream took too long over the snapshot; begin again, read "
                   "faster, or ask for fewer rooms",
                   {{"limit_seconds", absl::StrCat(absl::ToDoubleSeconds(limit))}});
}

absl::Status StreamAgedError() {
  return MakeError(
      absl::StatusCode::kUnavailable, v1::ERROR_REASON_STREAM_AGED,
      "the stream is as old as the server lets one become; resume from the last cursor");
}

}  // namespace innkeeper::feed
