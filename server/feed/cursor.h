// File: server/feed/cursor.h
//
// Cursors: places in the event log, as callers hold them.
//
// A cursor is a numbered token (server/base/numbered_token.h) of purpose "cursor" with the
// position as its number and the context
//
//   version 2 (1 byte)  incarnation of the log  digest of the filter
//
// with the numbers in 8 bytes each, big-endian. It stands for "everything up to
// this position was seen through this filter", and is 55 characters long.

#ifndef INNKEEPER_SERVER_FEED_CURSOR_H_
#define INNKEEPER_SERVER_FEED_CURSOR_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "server/base/signed_token.h"
#include "storage/engine.h"

namespace innkeeper::feed {

// The length of every cursor.
inline constexpr size_t kCursorSize = 55;

// Makes and reads the cursors of one log. Thread-safe.
class CursorCodec {
 public:
  // `incarnation` is that of the log. `signer` must outlive the codec.
  CursorCodec(const TokenSigner& signer, uint64_t incarnation)
      : signer_(signer), incarnation_(incarnation) {}

  // Returns the cursor for having seen everything up to `position` through the
  // filter with that digest.
  std::string Encode(storage::LogPosition position, uint64_t filter_digest) const;

  // Returns the cursors for several positions, one behind the other, each kCursorSize
  // characters long: in little more time than one of them takes.
  std::string EncodeAll(absl::Span<const storage::LogPosition> positions,
                        uint64_t filter_digest) const;

  // Returns the position of a cursor. `bounds` are those of the log now.
  //
  // Errors: INVALID_ARGUMENT, CURSOR_INVALID, about the field "after_cursor" and
  // with the metadata `cause`, which is
  //   "damaged"       it was not made by us, or altered;
  //   "other-log"     it belongs to a log of another incarnation;
  //   "other-filter"  it belongs to another filter;
  //   "ahead"         the log does not reach that far.
  // OUT_OF_RANGE, as HistoryGone(), if the log no longer has the event behind it.
  absl::StatusOr<storage::LogPosition> Decode(absl::string_view cursor, uint64_t filter_digest,
                                              storage::LogBounds bounds) const;

  // The error for a reader who needs events that are no longer in a log with
  // these bounds: EVENT_HISTORY_GONE with the metadata `oldest_cursor`, which
  // stands right before the oldest event.
  absl::Status HistoryGone(uint64_t filter_digest, storage::LogBounds bounds) const;

 private:
  const TokenSigner& signer_;
  const uint64_t incarnation_;
};

}  // namespace innkeeper::feed

#endif  // INNKEEPER_SERVER_FEED_CURSOR_H_
