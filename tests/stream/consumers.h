// File: tests/stream/consumers.h
//
// Consumers of a durable subscription, also across the deaths of the server and their own.

#ifndef INNKEEPER_TESTS_STREAM_CONSUMERS_H_
#define INNKEEPER_TESTS_STREAM_CONSUMERS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "innkeeper/v1/event_subscriptions.pb.h"
#include "innkeeper/v1/room_event.pb.h"
#include "tests/stream/consumption.h"
#include "tests/support/test_client.h"

namespace innkeeper::stream {

// Some consumers of the C++ client library that share a subscription. Not thread-safe.
class Consumers {
 public:
  struct Options {
    std::string subscription;
    v1::RoomEventFilter filter;
    size_t count = 1;
    int max_delivery_attempts = 1000;  // before an event is parked
    int32_t max_batch_events = 0;      // of a message
    // Every so manieth event fails, twice or for ever; 0: none does.
    int64_t fails_twice_one_in = 0;
    int64_t fails_one_in = 0;
  };

  explicit Consumers(Options options);
  ~Consumers();

  // Tells where the server is now, and creates the subscription if that was not done yet.
  // Returns whether that went well.
  bool Connect(const std::string& address);

  // Kills a consumer, which does not come to acknowledge anything any more, and begins
  // another.
  void Kill(size_t index);

  // Breaks a consumer's connection off.
  void Interrupt(size_t index);

  // Waits until everything up to `sequence` is acknowledged. False once nothing more has been for
  // `timeout`.
  bool AwaitAcknowledged(int64_t sequence, absl::Duration timeout) const;

  // Has no event fail any more and what is parked delivered again, and waits until nothing
  // is. False if that takes longer than `timeout`.
  bool AwaitReplays(absl::Duration timeout);

  // What came so far.
  Consumption consumption();

  // What a consumer ended with, "" if none did: none ever should.
  std::string failure() const;

  size_t size() const { return consumers_.size(); }
  const std::string& name() const { return options_.subscription; }
  // How often an event came to a consumer, whatever became of it.
  int64_t calls() const;

 private:
  class Member;

  absl::Status DealWith(const v1::DeliveredEvent& event);
  v1::Subscription Get() const;
  std::set<int64_t> Parked() const;

  const Options options_;
  std::string address_;
  std::unique_ptr<TestClient> client_;  // of the server as it is now
  bool created_ = false;
  std::set<int64_t> once_parked_;
  mutable absl::Mutex mutex_;
  // What may have been parked, and those behind it have gone on, just before the server died.
  std::set<int64_t> nearly_parked_ ABSL_GUARDED_BY(mutex_);
  std::vector<int64_t> done_ ABSL_GUARDED_BY(mutex_);
  int64_t calls_ ABSL_GUARDED_BY(mutex_) = 0;
  bool none_fails_ ABSL_GUARDED_BY(mutex_) = false;
  std::string failure_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<Member>> consumers_;
};

}  // namespace innkeeper::stream

#endif  // INNKEEPER_TESTS_STREAM_CONSUMERS_H_
