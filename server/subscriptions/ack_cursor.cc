#include "server/subscriptions/ack_cursor.h"

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "server/errors/errors.h"

namespace innkeeper::subscriptions {
namespace {

constexpr absl::string_view kPurpose = "ack";
constexpr char kVersion = 1;
constexpr size_t kNumberBytes = 8;
constexpr size_t kPayloadBytes = 1 + 3 * kNumberBytes;

void AppendNumber(uint64_t number, std::string& bytes) {
  for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(number >> shift));
}

// Reads the `index`th number of a payload.
uint64_t NumberAt(absl::string_view payload, size_t index) {
  uint64_t number = 0;
  for (const char byte : payload.substr(1 + index * kNumberBytes, kNumberBytes)) {
    number = number << 8 | static_cast<unsigned char>(byte);
  }
  return number;
}

absl::Status Invalid(absl::string_view cause, absl::string_view message) {
  FieldErrors errors;
  errors.Add("cursor", message);
  return WithMetadata(errors.ToStatus(v1::ERROR_REASON_CURSOR_INVALID, message),
                      {{"cause", cause}});
}

}  // namespace

std::string EncodeAckCursor(const TokenSigner& signer, uint64_t subscription_uid,
                            ConsumerNumber consumer, Ordinal ordinal) {
  std::string payload;
  payload.reserve(kPayloadBytes);
  payload.push_back(kVersion);
  AppendNumber(subscription_uid, payload);
  AppendNumber(consumer, payload);
  AppendNumber(ordinal, payload);
  return signer.Sign(kPurpose, payload);
}

absl::StatusOr<Ordinal> DecodeAckCursor(const TokenSigner& signer, absl::string_view cursor,
                                        uint64_t subscription_uid, ConsumerNumber consumer) {
  const std::optional<std::string> payload = signer.Verify(kPurpose, cursor);
  if (!payload || payload->size() != kPayloadBytes || payload->front() != kVersion) {
    return Invalid("damaged", "the cursor is damaged or not one of ConsumeEvents");
  }
  if (NumberAt(*payload, 0) != subscription_uid) {
    return Invalid("other-subscription", "the cursor belongs to another subscription");
  }
  if (NumberAt(*payload, 1) != consumer) {
    return Invalid("other-consumer",
                   "the cursor belongs to another consumer; use the consumer_id of its stream");
  }
  return NumberAt(*payload, 2);
}

std::string ConsumerId(ConsumerNumber consumer) {
  return absl::StrCat(absl::Hex(consumer, absl::kZeroPad16));
}

std::optional<ConsumerNumber> ParseConsumerId(absl::string_view id) {
  ConsumerNumber number = 0;
  if (!absl::SimpleHexAtoi(id, &number) || ConsumerId(number) != id) return std::nullopt;
  return number;
}

}  // namespace innkeeper::subscriptions
