// File: server/feed/cursor.h
//
// Cursors: places in the event log, as callers hold them.
//
// A cursor is a numbered token (server/base/numbered_token.h) of purpose "cursor" with the
// position as its number and the context
//
//   version 2 (1 byte)  epoch of the position  digest of the filter
//
// with the numbers in 8 bytes each, big-endian. It stands for "everything up to
// this position was seen through this filter", and is 55 characters long.
//
// The epoch (storage/log_epochs.h) makes cursors outlive a store that is put back from
// a backup as far as they can: one that stands in what the backup has goes on there,
// and one that stands behind it is refused, however far the log has grown since.

#ifndef INNKEEPER_SERVER_FEED_CURSOR_H_
#define INNKEEPER_SERVER_FEED_CURSOR_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "server/base/signed_token.h"
#include "storage/engine.h"
#include "storage/log_epochs.h"

namespace innkeeper::feed {

// The length of every cursor.
inline constexpr size_t kCursorSize = 55;

// Makes and reads the cursors of one log. Thread-safe.
class CursorCodec {
 public:
  // Returns the epochs of the log as they are now. Thread-safe, and quick.
  using EpochsSource = absl::AnyInvocable<std::shared_ptr<const storage::LogEpochs>() const>;

  // `signer` must outlive the codec.
  CursorCodec(const TokenSigner& signer, EpochsSource epochs)
      : signer_(signer), epochs_(std::move(epochs)) {}

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
  //   "other-log"     it belongs to an epoch that this log does not know: to another
  //                   store, or to one that this store was put back before;
  //   "other-filter"  it belongs to another filter;
  //   "lost"          what it stands behind is no longer in the log, which was put back
  //                   to before it and written on. Then the metadata `common_cursor`
  //                   stands behind the last event that is the same in both.
  // OUT_OF_RANGE, as HistoryGone(), if the log no longer has the event behind it.
  absl::StatusOr<storage::LogPosition> Decode(absl::string_view cursor, uint64_t filter_digest,
                                              storage::LogBounds bounds) const;

  // The error for a reader who needs events that are no longer in a log with
  // these bounds: EVENT_HISTORY_GONE with the metadata `oldest_cursor`, which
  // stands right before the oldest event.
  absl::Status HistoryGone(uint64_t filter_digest, storage::LogBounds bounds) const;

 private:
  std::string EncodeIn(uint64_t epoch, absl::Span<const storage::LogPosition> positions,
                       uint64_t filter_digest) const;

  const TokenSigner& signer_;
  const EpochsSource epochs_;
};

}  // namespace innkeeper::feed

#endif  // INNKEEPER_SERVER_FEED_CURSOR_H_
