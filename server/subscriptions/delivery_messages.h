// File: server/subscriptions/delivery_messages.h
//
// The messages of a consumer's stream, as they go over the wire: serialised
// v1::ConsumeEventsResponse messages.

#ifndef INNKEEPER_SERVER_SUBSCRIPTIONS_DELIVERY_MESSAGES_H_
#define INNKEEPER_SERVER_SUBSCRIPTIONS_DELIVERY_MESSAGES_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "server/subscriptions/ledger.h"

namespace innkeeper::subscriptions {

// A `started` message.
std::string StartedMessage(const std::string& consumer_id, absl::Duration ack_deadline);

// An `events` message. The events' bytes are used as they are.
std::string EventsMessage(const std::vector<Ledger::Sent>& events, const std::string& cursor);

// An `events` message with one event of that bucket, a serialised v1::RoomEvent, that was
// parked.
std::string ReplayMessage(const std::string& event, size_t bucket, int attempt,
                          const std::string& cursor);

// A `progress` message.
std::string ProgressMessage(size_t share, size_t unacknowledged);

}  // namespace innkeeper::subscriptions

#endif  // INNKEEPER_SERVER_SUBSCRIPTIONS_DELIVERY_MESSAGES_H_
