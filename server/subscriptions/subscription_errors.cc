#include "server/subscriptions/subscription_errors.h"

#include "server/errors/errors.h"

namespace innkeeper::subscriptions {

absl::Status SubscriptionNotFound(const std::string& name) {
  return WithResource(
      MakeError(absl::StatusCode::kNotFound, v1::ERROR_REASON_SUBSCRIPTION_NOT_FOUND,
                "there is no such subscription, or it is another principal's; check the name"),
      "subscription", name);
}

absl::Status SubscriptionExists(const std::string& name) {
  return WithResource(
      MakeError(absl::StatusCode::kAlreadyExists, v1::ERROR_REASON_SUBSCRIPTION_EXISTS,
                "subscription.name: there is a subscription of this name; choose another one"),
      "subscription", name);
}

absl::Status ConsumerNotFound(const std::string& consumer_id) {
  return WithResource(
      MakeError(absl::StatusCode::kNotFound, v1::ERROR_REASON_CONSUMER_NOT_FOUND,
                "consumer_id: the consumer's stream has ended; what it did not acknowledge is "
                "delivered again"),
      "consumer", consumer_id);
}

absl::Status EtagMismatch() {
  return MakeError(absl::StatusCode::kAborted, v1::ERROR_REASON_ETAG_MISMATCH,
                   "etag: the subscription has changed since; read it again");
}

}  // namespace innkeeper::subscriptions
