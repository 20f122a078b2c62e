// File: server/subscriptions/stored_subscription.h

#ifndef INNKEEPER_SERVER_SUBSCRIPTIONS_STORED_SUBSCRIPTION_H_
#define INNKEEPER_SERVER_SUBSCRIPTIONS_STORED_SUBSCRIPTION_H_

#include <string>

#include "absl/status/statusor.h"
#include "server/subscriptions/caller.h"
#include "storage/records.pb.h"
#include "storage/room_store.h"

namespace innkeeper::subscriptions {

// Returns the subscription `name`. Errors: SUBSCRIPTION_NOT_FOUND, also if the caller may
// not know of it; those of RoomReader.
absl::StatusOr<storage::Stored<storage::SubscriptionRecord>> ReadSubscription(
    const storage::RoomReader& reader, const std::string& name, const Caller& caller);

// Returns how far the subscription `name`, which is there, has come. Errors: DATA_LOSS if
// the record is damaged; those of RoomReader.
absl::StatusOr<storage::Stored<storage::SubscriptionProgressRecord>> ReadProgress(
    const storage::RoomReader& reader, const std::string& name);

// A subscription, and how far it has come.
struct WholeSubscription {
  storage::Stored<storage::SubscriptionRecord> subscription;
  storage::Stored<storage::SubscriptionProgressRecord> progress;
};

// Returns both. Errors: those of both.
absl::StatusOr<WholeSubscription> ReadWhole(const storage::RoomReader& reader,
                                            const std::string& name, const Caller& caller);

}  // namespace innkeeper::subscriptions

#endif  // INNKEEPER_SERVER_SUBSCRIPTIONS_STORED_SUBSCRIPTION_H_
