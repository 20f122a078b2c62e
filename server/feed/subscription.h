// File: server/feed/subscription.h
//
// One stream of events: where it stands, and what its next message is.

#ifndef INNKEEPER_SERVER_FEED_SUBSCRIPTION_H_
#define INNKEEPER_SERVER_FEED_SUBSCRIPTION_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/feed/cursor.h"
#include "server/feed/event_filter.h"
#include "server/feed/event_log.h"
#include "server/feed/logged_commit.h"
#include "server/feed/watch_messages.h"
#include "storage/engine.h"

namespace innkeeper::feed {

// The transport's end of a stream, to be implemented by it. Its methods are
// called on threads of the feed, of the executor, and those that the transport
// calls the subscription on; one at a time, Abort() aside. They must not block,
// and not call the subscription back before they return.
class SubscriptionSink {
 public:
  virtual ~SubscriptionSink() = default;

  // Sends a message, a serialised v1::WatchRoomEventsResponse. Nothing is sent
  // before Subscription::Sent() has told that this is done.
  virtual void Send(std::string message) = 0;

  // Ends the stream. Nothing is called after it: the sink may be gone then.
  virtual void End(absl::Status status) = 0;

  // Breaks the stream off, so that Sent(false) comes soon if a message is being
  // sent. May be called during Send().
  virtual void Abort() = 0;
};

// A stream. It holds one message at most, the one that is being sent, and
// otherwise only its position: a reader that is slow or stuck costs no memory,
// and goes on by reading the log. Thread-safe.
//
// At any time at most one thread is at work on a stream or one party, the sink
// or the executor, has been asked to do something and will call back (`busy`);
// what happens meanwhile is noted and attended to after that. Otherwise the
// stream is idle, and any thread may wake it.
class Subscription : public std::enable_shared_from_this<Subscription> {
 public:
  // Who runs it. Thread-safe; no method blocks.
  class Owner {
   public:
    virtual ~Owner() = default;

    // Has ReadLog() called on a thread that may block, or returns false if too
    // much else is to be done there.
    virtual bool TrySubmitRead(std::shared_ptr<Subscription> subscription) = 0;

    // Calls Wake() on subscriptions a little later.
    virtual void WakeSoon() = 0;

    // The subscription ends: it makes no more use of the owner and of what its
    // parameters refer to.
    virtual void Ended(uint64_t id) = 0;
  };

  struct Parameters {
    uint64_t id = 0;  // tells the owner's subscriptions apart
    EventFilter filter;
    storage::LogPosition position = 0;  // starts behind it
    storage::LogBounds bounds;          // of the log at the start
    absl::Duration progress_interval;   // the longest silence
    StretchLimits batch_limits;
  };

  // `owner`, `sink`, `log` and `cursors` must outlive the subscription's end.
  Subscription(Owner& owner, SubscriptionSink& sink, const EventLog& log,
               const CursorCodec& cursors, Parameters parameters);

  // For the transport.

  // Sends the first message. Call once, before anything else.
  void Start();

  // Tells that the last message is on its way and the sink is free for the next,
  // or with `ok` false that the stream is broken.
  void Sent(bool ok);

  // Tells that nobody wants the stream any more; it ends with CANCELLED.
  void Cancel();

  // For the owner.

  // Looks for something to do: after the log has grown, or a message may be due.
  void Wake();

  // Returns when Wake() should be called for the sake of a progress message, on
  // the scale of MonotonicNow().
  absl::Duration NextWake() const;

  // Sends a last progress message as soon as it can be, and ends with
  // SHUTTING_DOWN.
  void Drain();

  // Breaks the stream off if it has not ended.
  void Abort();

  // Reads a stretch of the log that is no longer in memory. Blocks.
  void ReadLog();

  uint64_t id() const { return parameters_.id; }

 private:
  enum class State { kIdle, kBusy, kEnded };

  // What to do next.
  struct Step {
    enum class Action { kWait, kSend, kReadLog, kEnd };
    Action action = Action::kWait;
    std::string message;  // to send
    absl::Status status;  // to end with
  };

  void GoOn();
  void GoOnIfIdle();
  void Perform(Step step);

  Step NextStep() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Step FollowLog() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::optional<Stretch> NextStretch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Step Send(std::string message) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Step End(absl::Status status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Owner& owner_;
  SubscriptionSink& sink_;
  const EventLog& log_;
  const CursorCodec& cursors_;
  const Parameters parameters_;
  const WatchMessages messages_;

  mutable absl::Mutex mutex_;
  State state_ ABSL_GUARDED_BY(mutex_) = State::kBusy;
  // Everything up to here was sent or filtered out.
  storage::LogPosition position_ ABSL_GUARDED_BY(mutex_);
  // Read from the log by ReadLog(), and not yet sent.
  std::optional<Stretch> backlog_ ABSL_GUARDED_BY(mutex_);
  absl::Status read_error_ ABSL_GUARDED_BY(mutex_);
  bool caught_up_ ABSL_GUARDED_BY(mutex_) = false;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  bool farewell_sent_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Duration progress_due_ ABSL_GUARDED_BY(mutex_);  // on the scale of MonotonicNow()
};

}  // namespace innkeeper::feed

#endif  // INNKEEPER_SERVER_FEED_SUBSCRIPTION_H_
