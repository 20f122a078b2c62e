// File: server/subscriptions/parked_events.h
//
// The use cases of EventSubscriptions that are about parked events.

#ifndef INNKEEPER_SERVER_SUBSCRIPTIONS_PARKED_EVENTS_H_
#define INNKEEPER_SERVER_SUBSCRIPTIONS_PARKED_EVENTS_H_

#include "absl/status/statusor.h"
#include "innkeeper/v1/event_subscriptions.pb.h"
#include "server/base/signed_token.h"
#include "server/lifecycle/transaction.h"
#include "server/subscriptions/caller.h"
#include "storage/engine.h"

namespace innkeeper::subscriptions {

// Whoever calls these has seen to it that the fields of the request are what they should
// be, and calls Dispatcher::Refresh() once a change is made. Errors are as documented for
// the RPCs, and those without a reason that are internal.

// Blocks on the disk.
absl::StatusOr<v1::ListParkedEventsResponse> ListParkedEvents(
    const v1::ListParkedEventsRequest& request, const Caller& caller, const storage::Engine& engine,
    const TokenSigner& signer);

lifecycle::Write<v1::ReplayParkedEventsResponse> ReplayParkedEvents(
    v1::ReplayParkedEventsRequest request, Caller caller);

lifecycle::Write<v1::DropParkedEventsResponse> DropParkedEvents(v1::DropParkedEventsRequest request,
                                                                Caller caller);

}  // namespace innkeeper::subscriptions

#endif  // INNKEEPER_SERVER_SUBSCRIPTIONS_PARKED_EVENTS_H_
