#include "server/limits/limit_errors.h"

#include "absl/strings/str_cat.h"
#include "server/errors/errors.h"

namespace innkeeper::limits {
namespace {

constexpr absl::Duration kOverloadDelay = absl::Milliseconds(200);

absl::Status Exhausted(v1::ErrorReason reason, absl::string_view message, absl::string_view limit) {
  return MakeError(absl::StatusCode::kResourceExhausted, reason, message, {{"limit", limit}});
}

}  // namespace

absl::Status RateLimited(absl::string_view limit, const std::string& subject, absl::Duration wait) {
  absl::Status error =
      Exhausted(v1::ERROR_REASON_RATE_LIMITED,
                "too many calls of this kind in too short a time; wait before the next one", limit);
  return WithQuotaFailure(WithRetryDelay(std::move(error), wait), subject,
                          absl::StrCat("the limit ", limit, " is used up"));
}

absl::Status CreationRateLimited(const std::string& subject, absl::Duration wait) {
  absl::Status error =
      Exhausted(v1::ERROR_REASON_ROOM_CREATION_RATE_LIMITED,
                "You have created too many rooms recently. Please wait before creating another.",
                "room_creation_rate");
  return WithQuotaFailure(WithRetryDelay(std::move(error), wait), subject,
                          "the limit room_creation_rate is used up");
}

absl::Status LimitExceeded(absl::string_view limit, const std::string& subject, int64_t most,
                           absl::string_view message) {
  absl::Status error = Exhausted(v1::ERROR_REASON_LIMIT_EXCEEDED, message, limit);
  return WithQuotaFailure(WithMetadata(std::move(error), {{"most", absl::StrCat(most)}}), subject,
                          absl::StrCat("the limit ", limit, " is ", most));
}

absl::Status Overloaded(absl::string_view limit) {
  return WithRetryDelay(
      Exhausted(v1::ERROR_REASON_OVERLOADED,
                "the server has more under way than it can take on; try again later", limit),
      kOverloadDelay);
}

}  // namespace innkeeper::limits
