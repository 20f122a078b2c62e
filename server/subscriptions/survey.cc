#include "server/subscriptions/survey.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "server/subscriptions/stored_subscription.h"
#include "storage/records.pb.h"
#include "storage/room_store.h"
#include "storage/subscription_hold.h"

namespace innkeeper::subscriptions {
namespace {

using metrics::SubscriptionState;
using metrics::SubscriptionStates;
using storage::LogPosition;
using storage::RoomReader;
using storage::SubscriptionProgressRecord;
using storage::SubscriptionRecord;

absl::Status AddAll(const RoomReader& reader, LogPosition head, SubscriptionStates& states) {
  return reader.ScanSubscriptionProgress([&](const SubscriptionProgressRecord& progress) {
    const LogPosition position = storage::PositionOf(progress);
    ++states.count;
    states.parked_events += progress.parked_event_count();
    if (position < head) states.most_lag_events = std::max(states.most_lag_events, head - position);
    return true;
  });
}

absl::StatusOr<SubscriptionState> StateOf(const std::string& name, const RoomReader& reader,
                                          const storage::Engine& engine,
                                          const Dispatcher& dispatcher, absl::Time now) {
  const auto progress = ReadProgress(reader, name);
  if (!progress.ok()) return progress.status();
  const auto lag = LagBehind(storage::PositionOf(progress->record), engine, now);
  if (!lag.ok()) return lag.status();
  return SubscriptionState{.name = name,
                           .lag_events = lag->events,
                           .lag_age = lag->age,
                           .parked_events = progress->record.parked_event_count(),
                           .consumers = dispatcher.ConsumerCount(name)};
}

}  // namespace

absl::StatusOr<feed::Lag> LagBehind(LogPosition position, const storage::Engine& engine,
                                    absl::Time now) {
  const storage::LogBounds bounds = engine.log_bounds();
  if (position >= bounds.head) return feed::Lag();
  const auto entries = engine.ReadLog(std::max(position + 1, bounds.oldest), 1, 1);
  if (!entries.ok() && !absl::IsOutOfRange(entries.status())) return entries.status();
  absl::Duration age;
  if (entries.ok() && !entries->empty()) age = now - entries->front().commit_time;
  return feed::Lag{bounds.head - position, std::max(age, absl::ZeroDuration())};
}

absl::StatusOr<SubscriptionStates> Survey(const storage::Engine& engine,
                                          const Dispatcher& dispatcher, absl::Time now,
                                          size_t max_listed) {
  const RoomReader reader(engine);
  SubscriptionStates states;
  states.consumers = dispatcher.consumer_count();
  absl::Status added = AddAll(reader, engine.log_bounds().head, states);
  if (!added.ok()) return added;
  absl::Status scanned = reader.ScanSubscriptions("", [&](const SubscriptionRecord& record) {
    if (states.listed.size() == max_listed) return false;
    auto state = StateOf(record.name(), reader, engine, dispatcher, now);
    added = state.status();
    if (added.ok()) states.listed.push_back(*std::move(state));
    return added.ok();
  });
  if (!scanned.ok()) return scanned;
  if (!added.ok()) return added;
  return states;
}

}  // namespace innkeeper::subscriptions
