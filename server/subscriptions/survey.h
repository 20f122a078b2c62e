// File: server/subscriptions/survey.h
//
// How subscriptions are doing.

#ifndef INNKEEPER_SERVER_SUBSCRIPTIONS_SURVEY_H_
#define INNKEEPER_SERVER_SUBSCRIPTIONS_SURVEY_H_

#include <cstddef>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/feed/watch_messages.h"
#include "server/metrics/metrics.h"
#include "server/subscriptions/dispatcher.h"
#include "storage/engine.h"

namespace innkeeper::subscriptions {

// Returns how far a subscription that has been through everything up to `position` is
// behind. Of one whose next event is gone, only the age of what is left is known. Blocks.
// Errors of Engine::ReadLog.
absl::StatusOr<feed::Lag> LagBehind(storage::LogPosition position, const storage::Engine& engine,
                                    absl::Time now);

// Returns how all subscriptions are doing, and lists the first `max_listed`. Blocks, for
// longer the more there are. Errors: those of RoomReader and of Engine::ReadLog; DATA_LOSS
// if a record is damaged.
absl::StatusOr<metrics::SubscriptionStates> Survey(const storage::Engine& engine,
                                                   const Dispatcher& dispatcher, absl::Time now,
                                                   size_t max_listed);

}  // namespace innkeeper::subscriptions

#endif  // INNKEEPER_SERVER_SUBSCRIPTIONS_SURVEY_H_
