// File: server/subscriptions/subscription_manager.h
//
// The use cases of EventSubscriptions that are about subscriptions themselves.

#ifndef INNKEEPER_SERVER_SUBSCRIPTIONS_SUBSCRIPTION_MANAGER_H_
#define INNKEEPER_SERVER_SUBSCRIPTIONS_SUBSCRIPTION_MANAGER_H_

#include <string>

#include "absl/status/statusor.h"
#include "innkeeper/v1/event_subscriptions.pb.h"
#include "server/base/clock.h"
#include "server/base/random.h"
#include "server/base/signed_token.h"
#include "server/feed/cursor.h"
#include "server/feed/event_log.h"
#include "server/lifecycle/request_log.h"
#include "server/lifecycle/transaction.h"
#include "server/subscriptions/caller.h"
#include "server/subscriptions/dispatcher.h"
#include "storage/engine.h"
#include "storage/records.pb.h"
#include "storage/room_store.h"

namespace innkeeper::subscriptions {

// Creates, shows, changes and removes subscriptions. Whoever calls has seen to it that
// the fields of the request are what they should be, and calls Dispatcher::Refresh()
// once a change is made.
//
// The writes must not outlive the manager. Methods may block on the disk. Errors are as
// documented for the RPCs, and those without a reason that are internal. Thread-safe.
class SubscriptionManager {
 public:
  // The references must outlive the manager.
  SubscriptionManager(const storage::Engine& engine, const feed::EventLog& log,
                      const feed::CursorCodec& cursors, const TokenSigner& signer,
                      const Clock& clock, const RandomBytes& random, const Dispatcher& dispatcher)
      : engine_(engine),
        log_(log),
        cursors_(cursors),
        signer_(signer),
        clock_(clock),
        random_(random),
        dispatcher_(dispatcher) {}

  lifecycle::Write<v1::CreateSubscriptionResponse> Create(
      v1::CreateSubscriptionRequest request, Caller caller,
      lifecycle::RequestIdentity identity) const;

  absl::StatusOr<v1::GetSubscriptionResponse> Get(const v1::GetSubscriptionRequest& request,
                                                  const Caller& caller) const;

  absl::StatusOr<v1::ListSubscriptionsResponse> List(const v1::ListSubscriptionsRequest& request,
                                                     const Caller& caller) const;

  lifecycle::Write<v1::UpdateSubscriptionResponse> Update(v1::UpdateSubscriptionRequest request,
                                                          Caller caller) const;

  lifecycle::Write<v1::SeekSubscriptionResponse> Seek(v1::SeekSubscriptionRequest request,
                                                      Caller caller) const;

  lifecycle::Write<v1::DeleteSubscriptionResponse> Delete(v1::DeleteSubscriptionRequest request,
                                                          Caller caller) const;

 private:
  absl::StatusOr<lifecycle::Outcome<v1::CreateSubscriptionResponse>> TryCreate(
      const v1::CreateSubscriptionRequest& request, const Caller& caller,
      const storage::RoomReader& reader) const;
  absl::StatusOr<lifecycle::Outcome<v1::UpdateSubscriptionResponse>> TryUpdate(
      const v1::UpdateSubscriptionRequest& request, const Caller& caller,
      const storage::RoomReader& reader) const;
  absl::StatusOr<lifecycle::Outcome<v1::SeekSubscriptionResponse>> TrySeek(
      const v1::SeekSubscriptionRequest& request, const Caller& caller,
      const storage::RoomReader& reader) const;
  absl::StatusOr<lifecycle::Outcome<v1::DeleteSubscriptionResponse>> TryDelete(
      const v1::DeleteSubscriptionRequest& request, const Caller& caller,
      const storage::RoomReader& reader) const;

  // The subscription as callers see it.
  absl::StatusOr<v1::Subscription> Show(const storage::SubscriptionRecord& record,
                                        const storage::SubscriptionProgressRecord& progress) const;
  absl::StatusOr<v1::Subscription> Show(const storage::SubscriptionRecord& record,
                                        const storage::RoomReader& reader) const;

  const storage::Engine& engine_;
  const feed::EventLog& log_;
  const feed::CursorCodec& cursors_;
  const TokenSigner& signer_;
  const Clock& clock_;
  const RandomBytes& random_;
  const Dispatcher& dispatcher_;
};

}  // namespace innkeeper::subscriptions

#endif  // INNKEEPER_SERVER_SUBSCRIPTIONS_SUBSCRIPTION_MANAGER_H_
