// File: server/subscriptions/dispatcher.h
//
// The deliveries of all subscriptions that have consumers.

#ifndef INNKEEPER_SERVER_SUBSCRIPTIONS_DISPATCHER_H_
#define INNKEEPER_SERVER_SUBSCRIPTIONS_DISPATCHER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "innkeeper/v1/event_subscriptions.pb.h"
#include "server/base/clock.h"
#include "server/base/executor.h"
#include "server/base/random.h"
#include "server/base/signed_token.h"
#include "server/feed/event_feed.h"
#include "server/feed/stream_access.h"
#include "server/lifecycle/transaction.h"
#include "server/metrics/metrics.h"
#include "server/subscriptions/caller.h"
#include "server/subscriptions/consumer.h"
#include "server/subscriptions/delivery.h"
#include "storage/engine.h"

namespace innkeeper::subscriptions {

// Serves ConsumeEvents, AckEvents and RejectEvent. Thread-safe.
//
// A thread of its own wakes deliveries at the times that they ask for; the feed's wakes
// them when the log has grown. They work on the executor.
class Dispatcher final : private Delivery::Owner {
 public:
  struct Options {
    DeliveryOptions delivery;
    // How old a stream may become, give or take 10 %.
    absl::Duration max_age = absl::InfiniteDuration();
    // How many consumers there may be at a time.
    size_t max_consumers = 10'000;
    // What counts. Never null.
    std::shared_ptr<metrics::SubscriptionMetrics> metrics =
        std::make_shared<metrics::SubscriptionMetrics>();
  };

  // Listens to the growth of the feed's log. The references must outlive the
  // dispatcher; `executor` must not be stopped, nor the feed, before Stop() was called.
  Dispatcher(const storage::Engine& engine, feed::EventFeed& feed,
             lifecycle::Transactor& transactor, Executor& executor, const Clock& clock,
             const TokenSigner& signer, const RandomBytes& random, Options options);

  // As Stop().
  ~Dispatcher() override;

  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  // Opens a stream as EventSubscriptions.ConsumeEvents does for a request whose fields
  // are right. It goes to `sink` until its end. `access` as in
  // Consumer::Parameters. Does not block.
  //
  // Errors, then or at the end of the stream: SUBSCRIPTION_NOT_FOUND,
  // EVENT_HISTORY_GONE, OVERLOADED, STREAM_STALLED, STREAM_AGED, SHUTTING_DOWN,
  // CANCELLED; those of `access`, of RoomReader, of Engine::ReadLog, and of writes.
  absl::StatusOr<std::shared_ptr<Consumer>> Consume(const v1::ConsumeEventsRequest& request,
                                                    Caller caller,
                                                    std::unique_ptr<feed::StreamAccess> access,
                                                    ConsumerSink& sink);

  // Do what AckEvents and RejectEvent do for a request whose fields are right. They
  // may block on the disk; `done` is called then or later, on any thread. Errors:
  // SUBSCRIPTION_NOT_FOUND, CONSUMER_NOT_FOUND, CURSOR_INVALID; those of RoomReader and
  // of writes.
  void Acknowledge(const v1::AckEventsRequest& request, const Caller& caller,
                   Delivery::CountDone done);
  void Reject(const v1::RejectEventRequest& request, const Caller& caller,
              Delivery::RejectDone done);

  // To be called when what is stored of a subscription has changed. Does not block.
  void Refresh(const std::string& name);

  // How many consumers a subscription has.
  size_t ConsumerCount(const std::string& name) const;

  // How many streams there are, those that are still being opened or closed included.
  size_t consumer_count() const { return *consumers_; }

  // Ends all streams with SHUTTING_DOWN, as soon as the message that is being sent is
  // taken, and refuses others.
  void BeginDrain();

  // As BeginDrain(), and waits until `deadline` for the end of all streams; those that are
  // left then are broken off. Blocks.
  void Drain(absl::Time deadline);

  // Drains, breaks off what is left, waits until everything is written, and ends the
  // thread. Blocks. Idempotent, but not thread-safe.
  void Stop();

 private:
  struct Entry {
    std::shared_ptr<Delivery> delivery;
    absl::Duration alarm = absl::InfiniteDuration();
  };

  // Delivery::Owner.
  void SetAlarm(Delivery& delivery, absl::Duration time) override;
  bool TryForget(Delivery& delivery) override;

  std::shared_ptr<Consumer> NewConsumer(const v1::ConsumeEventsRequest& request,
                                        std::unique_ptr<feed::StreamAccess> access,
                                        ConsumerSink& sink);
  void Open(const std::string& name, const Caller& caller, std::shared_ptr<Consumer> consumer);
  void Join(const storage::SubscriptionRecord& record, std::shared_ptr<Consumer> consumer);
  void EndOpening();

  // The delivery of a subscription that the caller may know of. Errors:
  // SUBSCRIPTION_NOT_FOUND; CONSUMER_NOT_FOUND if it has no consumers, or the id can't
  // be one's; those of RoomReader.
  absl::StatusOr<std::shared_ptr<Delivery>> Find(const std::string& name,
                                                 const std::string& consumer_id,
                                                 const Caller& caller) const;
  std::shared_ptr<Delivery> Find(const std::string& name) const;
  std::map<uint64_t, Entry>::iterator FindEntry(const Delivery& delivery)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  void WakeAll();
  void ForEach(const std::function<void(Delivery&)>& act) const;
  bool IsIdle() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return entries_.empty() && opening_ == 0;
  }

  // The thread.
  void Run();
  absl::Duration FirstAlarm() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  void SetAlarm(uint64_t uid, Entry& entry, absl::Duration time)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  feed::EventFeed& feed_;
  const RandomBytes& random_;
  const Options options_;
  const DeliveryEnvironment environment_;
  // How many consumers there are; outlives the dispatcher if they do.
  const std::shared_ptr<std::atomic<size_t>> consumers_;

  mutable absl::Mutex mutex_;
  std::map<uint64_t, Entry> entries_ ABSL_GUARDED_BY(mutex_);  // by the subscription's uid
  std::set<std::pair<absl::Duration, uint64_t>> alarms_ ABSL_GUARDED_BY(mutex_);  // with uids
  absl::flat_hash_map<std::string, uint64_t> uids_ ABSL_GUARDED_BY(mutex_);       // by its name
  size_t opening_ ABSL_GUARDED_BY(mutex_) = 0;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool signalled_ ABSL_GUARDED_BY(mutex_) = false;

  std::thread thread_;
};

}  // namespace innkeeper::subscriptions

#endif  // INNKEEPER_SERVER_SUBSCRIPTIONS_DISPATCHER_H_
