// File: tests/bench/acknowledging_consumers.h
//
// Consumers of a durable subscription that acknowledge all they get, as fast as it comes.

#ifndef INNKEEPER_TESTS_BENCH_ACKNOWLEDGING_CONSUMERS_H_
#define INNKEEPER_TESTS_BENCH_ACKNOWLEDGING_CONSUMERS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/channel.h"
#include "grpcpp/support/byte_buffer.h"
#include "innkeeper/v1/event_subscriptions.grpc.pb.h"
#include "tests/bench/stream_reader.h"

namespace innkeeper::bench {

// Some consumers that share a subscription, each on a connection of its own and with one
// acknowledgement under way at a time, which covers what came by then.
class AcknowledgingConsumers {
 public:
  // Creates a subscription to all events from the oldest on, and opens `count` streams.
  AcknowledgingConsumers(const std::string& address, const std::string& subscription, int count);

  // Ends the streams.
  ~AcknowledgingConsumers();

  // Waits until `events` were acknowledged.
  void AwaitAcknowledged(int64_t events);

 private:
  struct Consumer {
    std::shared_ptr<grpc::Channel> channel;
    std::unique_ptr<v1::EventSubscriptions::Stub> stub;
    std::string id;
    std::string cursor;  // of the last message, until it is being acknowledged
    bool acknowledging = false;
    std::unique_ptr<StreamReader> stream;  // ends before what it writes to
  };

  void Receive(Consumer& consumer, grpc::ByteBuffer& bytes);
  void Acknowledge(Consumer& consumer) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Acknowledged(Consumer& consumer, int64_t events);
  bool NoneAcknowledges() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);

  const std::string subscription_;
  absl::Mutex mutex_;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t acknowledged_ ABSL_GUARDED_BY(mutex_) = 0;
  // What changes in them is guarded by `mutex_`, too.
  std::vector<std::unique_ptr<Consumer>> consumers_;
};

}  // namespace innkeeper::bench

#endif  // INNKEEPER_TESTS_BENCH_ACKNOWLEDGING_CONSUMERS_H_
