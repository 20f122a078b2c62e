// File: tests/server/subscriptions/test_delivery.h
//
// A dispatcher over a real store, and consumers whose transport is the test.

#ifndef INNKEEPER_TESTS_SERVER_SUBSCRIPTIONS_TEST_DELIVERY_H_
#define INNKEEPER_TESTS_SERVER_SUBSCRIPTIONS_TEST_DELIVERY_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "innkeeper/v1/event_subscriptions.pb.h"
#include "server/base/clock.h"
#include "server/base/executor.h"
#include "server/base/random.h"
#include "server/base/signed_token.h"
#include "server/feed/event_feed.h"
#include "server/feed/stream_access.h"
#include "server/lifecycle/transaction.h"
#include "server/metrics/metrics.h"
#include "server/subscriptions/delivery.h"
#include "server/subscriptions/dispatcher.h"
#include "server/subscriptions/subscription_manager.h"
#include "storage/engine.h"
#include "tests/support/hooked_engine.h"
#include "tests/support/temp_dir.h"

namespace innkeeper::subscriptions {

// A store with the parts that deliver its events.
class TestDelivery {
 public:
  explicit TestDelivery(Dispatcher::Options options = {});
  ~TestDelivery();

  storage::HookedEngine& engine() { return *engine_; }
  Dispatcher& dispatcher() { return *dispatcher_; }
  const SubscriptionManager& manager() const { return *manager_; }
  lifecycle::Transactor& transactor() { return *transactor_; }
  // For a delivery that the dispatcher does not know of.
  DeliveryEnvironment environment();

  // Commits an event about each of the rooms, one by one.
  void Append(const std::vector<std::string>& room_ids);

  // Creates a subscription to the whole log. Crashes if it can't.
  void Subscribe(const v1::Subscription& subscription);

  // Makes a change, and tells of it. Crashes if it can't.
  void Seek(v1::SeekSubscriptionRequest request);

  v1::Subscription Get(const std::string& name) const;

  // Breaks off what is under way, and opens the same store again.
  void Reopen();

 private:
  void Open();
  void Close();

  const Dispatcher::Options options_;
  const TempDir dir_;
  const TokenSigner signer_{"the key of these tests"};
  const RandomBytes random_ = SecureRandom();
  const Clock clock_ = SystemClock();
  metrics::SubscriptionMetrics metrics_;
  std::unique_ptr<storage::Engine> store_;
  std::unique_ptr<storage::HookedEngine> engine_;
  std::unique_ptr<Executor> executor_;
  std::unique_ptr<lifecycle::Transactor> transactor_;
  std::unique_ptr<feed::EventFeed> feed_;
  std::unique_ptr<Dispatcher> dispatcher_;
  std::unique_ptr<SubscriptionManager> manager_;
};

// A consumer. A message that was sent stays untaken until the test takes it.
class TestConsumer final : private ConsumerSink {
 public:
  // Crashes if the stream is refused at once.
  TestConsumer(TestDelivery& delivery, const v1::ConsumeEventsRequest& request,
               std::unique_ptr<feed::StreamAccess> access = nullptr);

  // Ends the stream if it has not ended.
  ~TestConsumer() override;

  // Waits for the next message and takes it; nothing if the stream ends instead.
  std::optional<v1::ConsumeEventsResponse> Next();

  // Waits for the next messages with events, until these are `least` in number or the stream
  // ends, and returns their sequences.
  std::vector<int64_t> NextEvents(size_t least = 1);

  // Waits for a message to be sent, and leaves it.
  void AwaitMessage();

  // Acknowledges what came; returns how many events that were.
  absl::StatusOr<int64_t> Ack();

  // Rejects an event. Crashes if that fails.
  void Reject(int64_t sequence);

  // Waits for the end, past messages, and returns what the stream ended with.
  absl::Status AwaitEnd();

  void Cancel() { consumer_->Cancel(); }

  bool broken() const;

 private:
  void Send(std::string message) override;
  void End(absl::Status status) override;
  void Break(absl::Status status) override;
  void Abort() override;

  bool HasMessageOrEnded() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return message_.has_value() || end_.has_value();
  }

  TestDelivery& delivery_;
  const std::string name_;
  std::shared_ptr<Consumer> consumer_;
  std::string consumer_id_;
  std::string cursor_;

  mutable absl::Mutex mutex_;
  std::optional<v1::ConsumeEventsResponse> message_ ABSL_GUARDED_BY(mutex_);
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mutex_);
  bool broken_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace innkeeper::subscriptions

#endif  // INNKEEPER_TESTS_SERVER_SUBSCRIPTIONS_TEST_DELIVERY_H_
