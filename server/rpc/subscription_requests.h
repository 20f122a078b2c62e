// File: server/rpc/subscription_requests.h
//
// Checks of the requests of EventSubscriptions that need no store. Pure functions.

#ifndef INNKEEPER_SERVER_RPC_SUBSCRIPTION_REQUESTS_H_
#define INNKEEPER_SERVER_RPC_SUBSCRIPTION_REQUESTS_H_

#include "absl/status/status.h"
#include "innkeeper/v1/event_subscriptions.pb.h"

namespace innkeeper::rpc {

// INVALID_ARGUMENT with a BadRequest that names every field that was found wrong.
absl::Status CheckRequest(const v1::CreateSubscriptionRequest& request);
absl::Status CheckRequest(const v1::GetSubscriptionRequest& request);
absl::Status CheckRequest(const v1::ListSubscriptionsRequest& request);
absl::Status CheckRequest(const v1::UpdateSubscriptionRequest& request);
absl::Status CheckRequest(const v1::SeekSubscriptionRequest& request);
absl::Status CheckRequest(const v1::DeleteSubscriptionRequest& request);
absl::Status CheckRequest(const v1::ConsumeEventsRequest& request);
absl::Status CheckRequest(const v1::AckEventsRequest& request);
absl::Status CheckRequest(const v1::RejectEventRequest& request);
absl::Status CheckRequest(const v1::ListParkedEventsRequest& request);
absl::Status CheckRequest(const v1::ReplayParkedEventsRequest& request);
absl::Status CheckRequest(const v1::DropParkedEventsRequest& request);

}  // namespace innkeeper::rpc

#endif  // INNKEEPER_SERVER_RPC_SUBSCRIPTION_REQUESTS_H_
