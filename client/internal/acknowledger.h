// File: client/internal/acknowledger.h

#ifndef INNKEEPER_CLIENT_INTERNAL_ACKNOWLEDGER_H_
#define INNKEEPER_CLIENT_INTERNAL_ACKNOWLEDGER_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "client/internal/connection.h"
#include "client/internal/stopper.h"
#include "grpcpp/channel.h"
#include "innkeeper/v1/event_subscriptions.grpc.pb.h"

namespace innkeeper::client_internal {

// Acknowledges what one consumer was sent, on a thread of its own and one call at a time:
// what is done while a call is under way, and for `interval` after it, shares the next.
// Thread-safe.
class Acknowledger {
 public:
  struct Options {
    std::string subscription;
    std::string consumer_id;
    // How long one acknowledgement is tried for, by all attempts together.
    absl::Duration timeout;
    absl::Duration interval;
  };

  // `connection` must outlive the object. `channel` is that of the consumer's stream.
  // `on_failure` is called on the thread when an acknowledgement has failed; none is made
  // after it.
  Acknowledger(const Connection& connection, const std::shared_ptr<grpc::Channel>& channel,
               Options options, std::function<void()> on_failure);

  // Gives up what is not acknowledged.
  ~Acknowledger();

  Acknowledger(const Acknowledger&) = delete;
  Acknowledger& operator=(const Acknowledger&) = delete;

  // Has everything up to the message with that cursor acknowledged. To be called in the
  // order of the messages. Does not block.
  void Acknowledge(std::string cursor);

  // Waits until everything is acknowledged or that has failed, at most `limit`. From now on
  // nothing is tried again, and there are no intervals.
  void Flush(absl::Duration limit);

  // What an acknowledgement has failed with, or OK.
  absl::Status failure() const;

  // Whether any was taken.
  bool has_succeeded() const;

 private:
  void Run();
  // Waits for something to acknowledge; nothing at the end.
  std::optional<std::string> AwaitCursor();
  absl::Status Send(const std::string& cursor);

  const Connection& connection_;
  const std::unique_ptr<v1::EventSubscriptions::Stub> stub_;
  const Options options_;
  const std::function<void()> on_failure_;
  Stopper stopper_;

  mutable absl::Mutex mutex_;
  std::optional<std::string> cursor_ ABSL_GUARDED_BY(mutex_);
  bool sending_ ABSL_GUARDED_BY(mutex_) = false;
  bool hurries_ ABSL_GUARDED_BY(mutex_) = false;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
  bool has_succeeded_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Notification hurry_;  // notified once `hurries_`

  std::thread thread_;
};

}  // namespace innkeeper::client_internal

#endif  // INNKEEPER_CLIENT_INTERNAL_ACKNOWLEDGER_H_
