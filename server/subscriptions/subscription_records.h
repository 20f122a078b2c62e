// File: server/subscriptions/subscription_records.h
//
// Between records of subscriptions and the API. Pure functions.

#ifndef INNKEEPER_SERVER_SUBSCRIPTIONS_SUBSCRIPTION_RECORDS_H_
#define INNKEEPER_SERVER_SUBSCRIPTIONS_SUBSCRIPTION_RECORDS_H_

#include <string>

#include "innkeeper/v1/event_subscriptions.pb.h"
#include "storage/records.pb.h"

namespace innkeeper::subscriptions {

// Takes over what `subscription` says about delivery, with defaults for what it does
// not say.
void SetAckDeadline(const v1::Subscription& subscription, storage::SubscriptionRecord& record);
void SetMaxAttempts(const v1::Subscription& subscription, storage::SubscriptionRecord& record);
void SetRetryDelay(const v1::Subscription& subscription, storage::SubscriptionRecord& record);

// The etag of the record.
std::string EtagOf(const storage::SubscriptionRecord& record);

// What the record says.
v1::Subscription ToProto(const storage::SubscriptionRecord& record);

// The filter of the record.
v1::RoomEventFilter FilterIn(const storage::SubscriptionRecord& record);

v1::ParkedEvent ToProto(const storage::ParkedEventRecord& record);

}  // namespace innkeeper::subscriptions

#endif  // INNKEEPER_SERVER_SUBSCRIPTIONS_SUBSCRIPTION_RECORDS_H_
