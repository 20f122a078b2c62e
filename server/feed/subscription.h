// File: server/feed/subscription.h
//
// One stream of events: when it says something, and when it ends.

#ifndef INNKEEPER_SERVER_FEED_SUBSCRIPTION_H_
#define INNKEEPER_SERVER_FEED_SUBSCRIPTION_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/base/executor.h"
#include "server/feed/encoded_stretch.h"
#include "server/feed/stream_reader.h"
#include "server/metrics/metrics.h"

namespace innkeeper::feed {

// The transport's end of a stream, to be implemented by it. Its methods are
// called on threads of the feed, of the executor, and those that the transport
// calls the subscription on; one at a time, Break() and Abort() aside. They must not
// block, and not call the subscription back before they return.
class SubscriptionSink {
 public:
  virtual ~SubscriptionSink() = default;

  // Sends a message, a serialised v1::WatchRoomEventsResponse. Nothing is sent
  // before Subscription::Sent() has told that this is done.
  virtual void Send(std::string message) = 0;

  // Ends the stream. Nothing is called after it: the sink may be gone then.
  virtual void End(absl::Status status) = 0;

  // Ends the stream, behind a message that the reader does not take. Sent() must still
  // be called for that message. Only Abort() may be called after it.
  virtual void Break(absl::Status status) = 0;

  // Breaks the stream off, so that Sent(false) comes soon if a message is being
  // sent. May be called during Send().
  virtual void Abort() = 0;
};

// A stream. A reader that is slow or stuck costs the message that is being sent and
// one that was read from the log, and goes on by reading the log. Thread-safe.
//
// At any time at most one thread is at work on a stream or one party, the sink
// or the executor, has been asked to do something and will call back; what happens
// meanwhile is noted and attended to after that. Otherwise the stream is idle, and any
// thread may wake it. While the log is being caught up with, both have been asked: the
// executor reads what comes behind the message that the sink sends, and whoever calls
// back last goes on.
class Subscription : public std::enable_shared_from_this<Subscription> {
 public:
  // Who runs it. Thread-safe; no method blocks.
  class Owner {
   public:
    virtual ~Owner() = default;

    // Has `task` run on a thread that may block, behind what was submitted before. Or returns
    // false, and leaves `task` as it is, if too much else is to be done there.
    virtual bool TrySubmit(Executor::Task&& task) = 0;

    // Whether a thread is free for a task that is submitted now.
    virtual bool HasIdleThread() const = 0;

    // Calls Wake() on subscriptions a little later.
    virtual void WakeSoon() = 0;

    // The subscription ends: it makes no more use of the owner and of what its
    // parameters refer to.
    virtual void Ended(uint64_t id) = 0;
  };

  struct Parameters {
    uint64_t id = 0;                   // tells the owner's subscriptions apart
    absl::Duration progress_interval;  // the longest silence
    // How long a message may wait for its reader; the stream is ended soon after.
    absl::Duration stall_timeout = absl::InfiniteDuration();
    // How long a reader that was told of its end has to take that before it is broken off.
    absl::Duration break_grace = absl::Seconds(30);
    absl::Duration max_age = absl::InfiniteDuration();
    // How long a snapshot may take.
    absl::Duration snapshot_timeout = absl::InfiniteDuration();
  };

  // `owner`, `sink`, `metrics` and what `reader` uses must outlive the subscription's end.
  Subscription(Owner& owner, SubscriptionSink& sink, metrics::FeedMetrics& metrics,
               StreamReader reader, Parameters parameters);

  // For the transport.

  // Sends the first message. Call once, before anything else.
  void Start();

  // Tells that the last message is on its way and the sink is free for the next,
  // or with `ok` false that the stream is broken.
  void Sent(bool ok);

  // Tells that nobody wants the stream any more; it ends with CANCELLED.
  void Cancel();

  // For the owner.

  // Looks for something to do: after the log has grown, or when NextWake() says.
  void Wake();

  // Returns when Wake() should be called even if nothing happens, on the scale of
  // MonotonicNow().
  absl::Duration NextWake() const;

  // Sends a last progress message as soon as it can be, and ends with
  // SHUTTING_DOWN.
  void Drain();

  // Breaks the stream off if it has not ended.
  void Abort();

  uint64_t id() const { return parameters_.id; }

  // Names the stream, in its first message and in the log.
  const std::string& stream_id() const { return reader_.stream_id(); }

 private:
  enum class State { kIdle, kSending, kReading, kEnded };

  // What to do next.
  struct Step {
    enum class Action { kWait, kSend, kRead, kEnd, kBreak, kForget };
    Action action = Action::kWait;
    DraftMessage message = {};  // to send
    bool reads_ahead = false;   // while that is being sent
    absl::Status status = {};   // to end with
  };

  // Which thread is at work on the stream.
  enum class Thread { kAny, kExecutor };

  void GoOn(Thread thread = Thread::kAny);
  void GoOnIfIdle();
  void Perform(Step step, Thread thread = Thread::kAny);

  Step NextStep() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Step Follow() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Step SayFarewell() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status FindError() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Step CheckReader() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Step Send(DraftMessage message) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void HandOver(DraftMessage message);
  void HandOverElsewhere(DraftMessage message);
  void SendAndReadAhead(Step step, Thread thread);
  void StartReadingAhead();
  bool TrySubmitRead();
  void Read();
  Step End(absl::Status status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Owner& owner_;
  SubscriptionSink& sink_;
  metrics::FeedMetrics& metrics_;
  const Parameters parameters_;

  // Belongs to whoever is at work on the stream, but for what is thread-safe.
  StreamReader reader_;

  mutable absl::Mutex mutex_;
  State state_ ABSL_GUARDED_BY(mutex_) = State::kReading;  // Start() is to come
  // In kSending: the reader belongs to the executor, and whether Sent() was called since.
  bool reading_ahead_ ABSL_GUARDED_BY(mutex_) = false;
  bool sent_meanwhile_ ABSL_GUARDED_BY(mutex_) = false;
  // Messages that are on their way into the sink, which must not be overtaken by the news that
  // they are not taken. At most two: the next one may be made before Send() has returned.
  int handing_over_ ABSL_GUARDED_BY(mutex_) = 0;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  // What the stream is to end with, once it is not OK: at the next chance, behind a last
  // progress message, behind a message that is not taken.
  absl::Status error_ ABSL_GUARDED_BY(mutex_);
  absl::Status farewell_ ABSL_GUARDED_BY(mutex_);
  absl::Status break_ ABSL_GUARDED_BY(mutex_);
  bool farewell_sent_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t sending_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  // On the scale of MonotonicNow().
  absl::Duration progress_due_ ABSL_GUARDED_BY(mutex_);
  absl::Duration age_due_ ABSL_GUARDED_BY(mutex_);
  absl::Duration snapshot_due_ ABSL_GUARDED_BY(mutex_);
  absl::Duration stall_due_ ABSL_GUARDED_BY(mutex_);  // while sending; then, of the abort
};

}  // namespace innkeeper::feed

#endif  // INNKEEPER_SERVER_FEED_SUBSCRIPTION_H_
