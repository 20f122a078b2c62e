// File: client/event_consumer.h
//
// A consumer of a durable subscription: an application that is called with each event
// and need not remember how far it is. The server does (docs/subscriptions.md).

#ifndef INNKEEPER_CLIENT_EVENT_CONSUMER_H_
#define INNKEEPER_CLIENT_EVENT_CONSUMER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/innkeeper_client.h"
#include "innkeeper/v1/event_subscriptions.pb.h"

namespace innkeeper {

struct ConsumerOptions {
  // The name of the subscription, which must be there. Required.
  std::string subscription;
  // How many events the server may send ahead: what one takes, times this, is to be well
  // below the subscription's `ack_deadline`. 1 to 10,000; 0 for the server's 1,000.
  int32_t max_unacknowledged_events = 0;
  // How many events come together and are acknowledged together: who is stopped in their
  // midst gets all of them again. 1 to 1,000; 0 for the server's 100.
  int32_t max_batch_events = 0;
  // At least so much time lies between two acknowledgements; what is done meanwhile shares
  // the next. To be well below `ack_deadline`, and `max_unacknowledged_events` must do for
  // it. Default: as soon as the one before has come through.
  absl::Duration ack_interval = absl::ZeroDuration();
  // A server that has nothing to deliver says so about this often. Whole seconds, 1 s to
  // 1 h.
  absl::Duration progress_interval = absl::Seconds(30);
  // A server that says nothing for this long is taken for dead, and the stream opened
  // again. Default: three times `progress_interval`.
  std::optional<absl::Duration> silence_limit;
  // Called when the stream ended and will be opened again after `retry_delay`, on the
  // thread that events come on. For the application's log. Default: nobody.
  std::function<void(const absl::Status& error, absl::Duration retry_delay)> on_interrupted;
};

// Consumes, on a thread of its own, until Stop() or an error that waiting won't mend:
//
//   UNAUTHENTICATED, PERMISSION_DENIED  also when a token is revoked later on; one that has
//                                       expired is replaced by the one there is by then
//   INVALID_ARGUMENT                    wrong options
//   NOT_FOUND                           there is no such subscription, or not any more
//   OUT_OF_RANGE                        EVENT_HISTORY_GONE: the subscription has lost its
//                                       place; Client::SeekSubscription gives it another
//
// Every event is delivered until the application is done with it: at least once, and again
// after whatever went wrong, so it must not mind. An event comes only when the application
// is done with those before it about the same room, or they were parked: this holds across
// rejections, other consumers, and restarts of the server. The one exception is an
// application that takes longer than the `ack_deadline`, which others then begin anew.
// Those that were parked and are replayed come whenever they do. Thread-safe.
class EventConsumer {
 public:
  // Called with each event, one at a time. OK says that the application is done with it,
  // and it is acknowledged; an error rejects it: it comes again, or is parked if that was
  // the last attempt, with the error's message, UTF-8 of which 1,024 bytes are kept. May
  // block; must not destroy the consumer.
  using OnEvent = std::function<absl::Status(const v1::DeliveredEvent& event)>;
  // Called once, at the end, with what it came to; CANCELLED by Stop(). Must not destroy
  // the consumer.
  using OnEnd = std::function<void(const absl::Status& status)>;

  // Begins to consume.
  EventConsumer(const Client& client, ConsumerOptions options, OnEvent on_event, OnEnd on_end);

  // As Stop(), and waits for the callback under way and for OnEnd.
  ~EventConsumer();

  EventConsumer(const EventConsumer&) = delete;
  EventConsumer& operator=(const EventConsumer&) = delete;

  // Ends it behind the event that the application is at, once what is done is
  // acknowledged, for which the server gets five seconds. Does not wait. Also for
  // callbacks. Idempotent.
  void Stop();

 private:
  class Impl;

  const std::unique_ptr<Impl> impl_;
  std::thread thread_;
};

}  // namespace innkeeper

#endif  // INNKEEPER_CLIENT_EVENT_CONSUMER_H_
