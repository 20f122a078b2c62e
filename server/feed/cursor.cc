#include "server/feed/cursor.h"

#include <optional>

#include "server/errors/errors.h"

namespace innkeeper::feed {
namespace {

constexpr absl::string_view kPurpose = "cursor";
constexpr char kVersion = 1;
constexpr size_t kNumberBytes = 8;
constexpr size_t kPayloadBytes = 1 + 3 * kNumberBytes;

void AppendNumber(uint64_t number, std::string& bytes) {
  for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(number >> shift));
}

// Reads the `index`th number of a payload.
uint64_t NumberAt(absl::string_view payload, size_t index) {
  uint64_t number = 0;
  for (char byte : payload.substr(1 + index * kNumberBytes, kNumberBytes)) {
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
  std::string payload;
  payload.reserve(kPayloadBytes);
  payload.push_back(kVersion);
  AppendNumber(incarnation_, payload);
  AppendNumber(position, payload);
  AppendNumber(filter_digest, payload);
  return signer_.Sign(kPurpose, payload);
}

absl::StatusOr<storage::LogPosition> CursorCodec::Decode(absl::string_view cursor,
                                                         uint64_t filter_digest,
                                                         storage::LogBounds bounds) const {
  const std::optional<std::string> payload = signer_.Verify(kPurpose, cursor);
  if (!payload || payload->size() != kPayloadBytes || payload->front() != kVersion) {
    return Invalid("damaged", "the cursor is damaged or not one of this service");
  }
  if (NumberAt(*payload, 0) != incarnation_) {
    return Invalid("other-log",
                   "the cursor belongs to another event log, such as one before a restore; start "
                   "without a cursor");
  }
  const storage::LogPosition position = NumberAt(*payload, 1);
  if (NumberAt(*payload, 2) != filter_digest) {
    return Invalid("other-filter",
                   "the cursor belongs to another filter; use the filter that it came with");
  }
  if (position > bounds.head) {
    return Invalid("ahead",
                   "the cursor is ahead of the event log, which must have lost events; start "
                   "without a cursor");
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
