// File: server/subscriptions/subscription_errors.h
//
// Errors that several use cases share.

#ifndef INNKEEPER_SERVER_SUBSCRIPTIONS_SUBSCRIPTION_ERRORS_H_
#define INNKEEPER_SERVER_SUBSCRIPTIONS_SUBSCRIPTION_ERRORS_H_

#include <string>

#include "absl/status/status.h"

namespace innkeeper::subscriptions {

// NOT_FOUND (SUBSCRIPTION_NOT_FOUND): the same, to the byte, for a subscription that is
// not there and for one that the caller may not know of.
absl::Status SubscriptionNotFound(const std::string& name);

// ALREADY_EXISTS (SUBSCRIPTION_EXISTS).
absl::Status SubscriptionExists(const std::string& name);

// NOT_FOUND (CONSUMER_NOT_FOUND).
absl::Status ConsumerNotFound(const std::string& consumer_id);

// ABORTED (ETAG_MISMATCH).
absl::Status EtagMismatch();

}  // namespace innkeeper::subscriptions

#endif  // INNKEEPER_SERVER_SUBSCRIPTIONS_SUBSCRIPTION_ERRORS_H_
