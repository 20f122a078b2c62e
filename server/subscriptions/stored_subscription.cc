#include "server/subscriptions/stored_subscription.h"

#include <utility>

#include "server/subscriptions/progress_update.h"
#include "server/subscriptions/subscription_errors.h"

namespace innkeeper::subscriptions {

absl::StatusOr<storage::Stored<storage::SubscriptionRecord>> ReadSubscription(
    const storage::RoomReader& reader, const std::string& name, const Caller& caller) {
  auto stored = reader.GetSubscription(name);
  if (!stored.ok()) return stored.status();
  if (!stored->has_value() || !caller.MayKnowOfThoseOf((*stored)->record.owner())) {
    return SubscriptionNotFound(name);
  }
  return **std::move(stored);
}

absl::StatusOr<storage::Stored<storage::SubscriptionProgressRecord>> ReadProgress(
    const storage::RoomReader& reader, const std::string& name) {
  auto stored = reader.GetSubscriptionProgress(name);
  if (!stored.ok()) return stored.status();
  if (!stored->has_value()) return absl::DataLossError("a subscription has no progress");
  absl::Status whole = PositionsIn((*stored)->record).status();
  if (!whole.ok()) return whole;
  return **std::move(stored);
}

absl::StatusOr<WholeSubscription> ReadWhole(const storage::RoomReader& reader,
                                            const std::string& name, const Caller& caller) {
  auto subscription = ReadSubscription(reader, name, caller);
  if (!subscription.ok()) return subscription.status();
  auto progress = ReadProgress(reader, name);
  if (!progress.ok()) return progress.status();
  return WholeSubscription{*std::move(subscription), *std::move(progress)};
}

}  // namespace innkeeper::subscriptions
