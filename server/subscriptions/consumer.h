// File: server/subscriptions/consumer.h
//
// A consumer's stream, between the transport and the delivery that it takes part in.

#ifndef INNKEEPER_SERVER_SUBSCRIPTIONS_CONSUMER_H_
#define INNKEEPER_SERVER_SUBSCRIPTIONS_CONSUMER_H_

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/feed/stream_access.h"
#include "server/subscriptions/ledger.h"

namespace innkeeper::subscriptions {

class Delivery;

// The transport's end of a stream, to be implemented by it. Its methods are called on
// threads of the executor, one at a time. They must not block, and not call the
// consumer back before they return.
class ConsumerSink {
 public:
  virtual ~ConsumerSink() = default;

  // Sends a message, a serialised v1::ConsumeEventsResponse. Nothing is sent before
  // Consumer::Sent() has told that this is done.
  virtual void Send(std::string message) = 0;

  // Ends the stream, when nothing is being sent. Nothing is called after it: the sink
  // may be gone then.
  virtual void End(absl::Status status) = 0;

  // Ends the stream, behind a message that the consumer does not take. Consumer::Sent()
  // must still be called for that message. Only Abort() may be called after it.
  virtual void Break(absl::Status status) = 0;

  // Breaks the stream off, so that Consumer::Sent(false) comes soon if a message is
  // being sent.
  virtual void Abort() = 0;
};

// A consumer. Thread-safe.
class Consumer : public std::enable_shared_from_this<Consumer> {
 public:
  struct Parameters {
    ConsumerNumber number = 0;
    size_t max_unacknowledged = 1000;
    size_t max_batch_events = 100;
    absl::Duration progress_interval = absl::Seconds(30);
    // How long the stream may last.
    absl::Duration max_age = absl::InfiniteDuration();
    // Whether the caller may still consume, and the events of which audiences; none: all,
    // for ever.
    std::unique_ptr<feed::StreamAccess> access;
  };

  // `sink` must outlive the stream's end.
  Consumer(ConsumerSink& sink, Parameters parameters)
      : sink_(sink), parameters_(std::move(parameters)) {}

  // For the transport.

  // Tells that the last message is on its way and the sink is free for the next, or
  // with `ok` false that the stream is broken.
  void Sent(bool ok);

  // Tells that nobody wants the stream any more; it ends with CANCELLED.
  void Cancel();

  // For the delivery.

  // Begins the consumer's part in `delivery`. Returns false if the stream was cancelled
  // before.
  bool Attach(std::shared_ptr<Delivery> delivery);

  // As those of ConsumerSink. Abort() does nothing if nothing is being sent.
  void Send(std::string message);
  void End(absl::Status status) { sink_.End(std::move(status)); }
  void Break(absl::Status status) { sink_.Break(std::move(status)); }
  void Abort();

  const Parameters& parameters() const { return parameters_; }

 private:
  ConsumerSink& sink_;
  const Parameters parameters_;

  absl::Mutex mutex_;
  std::shared_ptr<Delivery> delivery_ ABSL_GUARDED_BY(mutex_);
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  // As long as this is so, the sink is there.
  bool sending_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace innkeeper::subscriptions

#endif  // INNKEEPER_SERVER_SUBSCRIPTIONS_CONSUMER_H_
