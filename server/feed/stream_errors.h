// File: server/feed/stream_errors.h
//
// Errors that streams are refused or ended with.

#ifndef INNKEEPER_SERVER_FEED_STREAM_ERRORS_H_
#define INNKEEPER_SERVER_FEED_STREAM_ERRORS_H_

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace innkeeper::feed {

// SHUTTING_DOWN.
absl::Status ShuttingDownError();

// OVERLOADED: there are as many streams as the server takes.
absl::Status TooManyStreamsError();

// STREAM_STALLED: the reader took no message for that long.
absl::Status StreamStalledError(absl::Duration limit);

// STREAM_STALLED: the caller of an upload sent no message for that long.
absl::Status UploadStalledError(absl::Duration limit);

// STREAM_STALLED: the reader did not take the snapshot within that time.
absl::Status SnapshotTooSlowError(absl::Duration limit);

// STREAM_AGED.
absl::Status StreamAgedError();

}  // namespace innkeeper::feed

#endif  // INNKEEPER_SERVER_FEED_STREAM_ERRORS_H_
