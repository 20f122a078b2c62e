#include "server/feed/cursor.h"

#include <algorithm>
#include <optional>

#include "server/base/numbered_token.h"
#include "server/errors/errors.h"

namespace innkeeper::feed {
namespace {

constexpr absl::string_view kPurpose = "cursor";
constexpr char kVersion = 2;
constexpr size_t kNumberBytes = 8;
constexpr size_t kContextBytes = 1 + 2 * kNumberBytes;

void AppendNumber(uint64_t number, std::string& bytes) {
  for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(number >> shift));
}

// What the cursors for an epoch of the log and a filter have in common.
std::string Context(uint64_t epoch, uint64_t filter_digest) {
  std::string context;
  context.reserve(kContextBytes);
  context.push_back(kVersion);
  AppendNumber(epoch, context);
  AppendNumber(filter_digest, context);
  return context;
}

// Reads the `index`th number of a context.
uint64_t NumberAt(absl::string_view context, size_t index) {
  uint64_t number = 0;
  for (char byte : context.substr(1 + index * kNumberBytes, kNumberBytes)) {
    number = number << 8 | static_cast<unsigned char>(byte);
  }
  return number;
}

absl::Status Invalid(absl::string_view cause, absl::string_view message) {
  FieldErrors errors;
  errors.Add("after_cursor", message);
  return WithMetadata(errors.ToStatus(v1::ERROR_REASON_CURSOR_INVALID, message),
                      {{"cause", cause}});
}

}  // namespace

std::string CursorCodec::Encode(storage::LogPosition position, uint64_t filter_digest) const {
  return EncodeAll({position}, filter_digest);
}

std::string CursorCodec::EncodeAll(absl::Span<const storage::LogPosition> positions,
                                   uint64_t filter_digest) const {
  const std::shared_ptr<const storage::LogEpochs> epochs = epochs_();
  std::string cursors;
  while (!positions.empty()) {
    const uint64_t epoch = epochs->IdAt(positions.front());
    size_t count = 1;
    while (count < positions.size() && epochs->IdAt(positions[count]) == epoch) ++count;
    cursors += EncodeIn(epoch, positions.first(count), filter_digest);
    positions.remove_prefix(count);
  }
  return cursors;
}

std::string CursorCodec::EncodeIn(uint64_t epoch, absl::Span<const storage::LogPosition> positions,
                                  uint64_t filter_digest) const {
  return NumberedTokens(signer_, kPurpose, Context(epoch, filter_digest)).Sign(positions);
}

absl::StatusOr<storage::LogPosition> CursorCodec::Decode(absl::string_view cursor,
                                                         uint64_t filter_digest,
                                                         storage::LogBounds bounds) const {
  const std::optional<NumberedToken> token = VerifyNumberedToken(signer_, kPurpose, cursor);
  if (!token || token->context.size() != kContextBytes || token->context.front() != kVersion) {
    return Invalid("damaged", "the cursor is damaged or not one of this service");
  }
  const uint64_t epoch = NumberAt(token->context, 0);
  const std::optional<storage::LogPosition> epoch_end = epochs_()->EndOf(epoch);
  if (!epoch_end) {
    return Invalid("other-log",
                   "the cursor belongs to another event log, such as one before a restore; start "
                   "without a cursor");
  }
  const storage::LogPosition position = token->number;
  if (NumberAt(token->context, 1) != filter_digest) {
    return Invalid("other-filter",
                   "the cursor belongs to another filter; use the filter that it came with");
  }
  const storage::LogPosition end = std::min(*epoch_end, bounds.head);
  if (position > end) {
    return WithMetadata(
        Invalid("lost",
                "the events before the cursor are no longer in the event log, as after a restore; "
                "common_cursor in the details goes on behind the last event that is still there"),
        {{"common_cursor", EncodeIn(epoch, {end}, filter_digest)}});
  }
  if (position + 1 < bounds.oldest) return HistoryGone(filter_digest, bounds);
  return position;
}

absl::Status CursorCodec::HistoryGone(uint64_t filter_digest, storage::LogBounds bounds) const {
  return MakeError(absl::StatusCode::kOutOfRange, v1::ERROR_REASON_EVENT_HISTORY_GONE,
                   "the event log no longer reaches back that far; oldest_cursor in the details "
                   "goes on with the oldest event there is",
                   {{"oldest_cursor", Encode(bounds.oldest - 1, filter_digest)}});
}

}  // namespace innkeeper::feed
