// File: server/subscriptions/delivery.h
//
// The delivery of one subscription, while it has consumers.

#ifndef INNKEEPER_SERVER_SUBSCRIPTIONS_DELIVERY_H_
#define INNKEEPER_SERVER_SUBSCRIPTIONS_DELIVERY_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "innkeeper/v1/event_subscriptions.pb.h"
#include "server/base/audience.h"
#include "server/base/clock.h"
#include "server/base/executor.h"
#include "server/base/signed_token.h"
#include "server/feed/cursor.h"
#include "server/feed/event_filter.h"
#include "server/feed/event_log.h"
#include "server/lifecycle/transaction.h"
#include "server/metrics/metrics.h"
#include "server/subscriptions/consumer.h"
#include "server/subscriptions/ledger.h"
#include "server/subscriptions/progress_update.h"
#include "storage/engine.h"
#include "storage/records.pb.h"

namespace innkeeper::subscriptions {

// What deliveries work with. All must outlive them, and the executor must not be
// stopped before they have ended.
struct DeliveryEnvironment {
  const storage::Engine& engine;
  const feed::EventLog& log;
  const feed::CursorCodec& cursors;
  lifecycle::Transactor& transactor;
  Executor& executor;
  const Clock& clock;
  const TokenSigner& signer;
  metrics::SubscriptionMetrics& metrics;
};

// How deliveries behave, whatever their subscription.
struct DeliveryOptions {
  // One message.
  size_t max_batch_bytes = 256 << 10;
  // How long a consumer may leave a message untaken before its stream is ended.
  absl::Duration stall_timeout = absl::Minutes(10);
  // How often it is checked that consumers may still consume.
  absl::Duration access_check_interval = absl::Seconds(1);
  // How often progress is written that nobody waits for: past events that the filter
  // leaves out.
  absl::Duration idle_update_interval = absl::Seconds(10);
  // How long failures are remembered when there are no consumers.
  absl::Duration failure_retention = absl::Minutes(10);
};

// Delivers. Thread-safe.
//
// All work is done by one thread of the executor at a time, in turns: what happened
// since the last one is noted in the ledger, each consumer that is free gets its next
// message, and what has changed is written. Acknowledgements that come while a write is
// under way share the next one.
class Delivery : public std::enable_shared_from_this<Delivery> {
 public:
  // Who keeps it. Thread-safe; no method blocks.
  class Owner {
   public:
    virtual ~Owner() = default;

    // Calls Wake() at that time, on the scale of MonotonicNow(), and no longer at the
    // one that was set before.
    virtual void SetAlarm(Delivery& delivery, absl::Duration time) = 0;

    // Lets go of a delivery that has nothing to do, and returns true, unless it has got
    // something to do meanwhile.
    virtual bool TryForget(Delivery& delivery) = 0;
  };

  using CountDone = absl::AnyInvocable<void(absl::StatusOr<int64_t>)>;
  using RejectDone = absl::AnyInvocable<void(absl::StatusOr<v1::RejectEventResponse>)>;

  // Delivers the subscription `record`. `owner` must outlive the delivery.
  Delivery(Owner& owner, const DeliveryEnvironment& environment, DeliveryOptions options,
           const storage::SubscriptionRecord& record);

  const std::string& name() const { return name_; }
  const std::string& principal() const { return principal_; }  // whose subscription it is
  uint64_t uid() const { return uid_; }

  // None of these blocks; what they ask for happens in a later turn.

  // Adds a consumer, whose stream begins, or ends with the reason why not.
  void Join(std::shared_ptr<Consumer> consumer);

  // Acknowledges everything that the consumer was sent up to a message. `done` gets the
  // number of events once that is on disk, or CONSUMER_NOT_FOUND, or the error of the
  // write, after which all streams end with it.
  void Acknowledge(ConsumerNumber number, Ordinal ordinal, CountDone done);

  // Fails a consumer's attempt. `done` gets what RejectEvent answers, or
  // CONSUMER_NOT_FOUND.
  void Reject(ConsumerNumber number, int64_t sequence, std::string error, RejectDone done);

  // Follows what has become of the subscription in the store: other settings, another
  // place, replays, its end.
  void Refresh();

  // Ends all streams with this error as soon as nothing is being sent, and takes on no
  // others.
  void Close(const absl::Status& status);

  // Breaks off the streams that have not ended.
  void AbortAll();

  // Looks for something to do.
  void Wake();

  // How many consumers there were at the end of the last turn.
  size_t consumer_count() const;

  // True if something is to be done in a turn that has not begun.
  bool HasTasks() const;

  // For Consumer.
  void Sent(ConsumerNumber number, bool ok);
  void Cancel(ConsumerNumber number);

 private:
  using Task = absl::AnyInvocable<void()>;

  // A stream. Its consumer has left the ledger when `end` is set.
  struct Stream {
    std::shared_ptr<Consumer> consumer;
    bool busy = false;  // with a message
    bool started = false;
    AudienceScope scope = AudienceScope::All();  // as of the last check
    std::optional<absl::Status> end;
    bool broken = false;  // the sink has been told of the end, but not yet of its message
    absl::Duration progress_due;
    absl::Duration check_due;
    absl::Duration age_due;
    absl::Duration stall_due;  // if busy
  };

  struct Waiter {
    int64_t count = 0;
    CountDone done;
  };

  void Post(Task task);
  void Schedule() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // All below is done in turns.

  void TakeTurn();
  bool Work();

  void Load();
  void StartOver();
  absl::Status ReadSettings(const storage::RoomReader& reader);
  absl::Status Follow();
  absl::Status FollowProgress(const storage::SubscriptionProgressRecord& progress);
  absl::Status FollowReplays(const storage::RoomReader& reader);

  void Admit(const std::shared_ptr<Consumer>& consumer);
  void End(ConsumerNumber number, Stream& stream, absl::Status status, bool broke_off = false);
  void EndStreams();
  void Fail(const absl::Status& status);

  void Break(Stream& stream, absl::Duration now);
  bool Serve(ConsumerNumber number, Stream& stream, absl::Duration now);
  void Check(ConsumerNumber number, Stream& stream, absl::Duration now);
  bool SendReplay(ConsumerNumber number, Stream& stream, absl::Duration now);
  bool SendEvents(ConsumerNumber number, Stream& stream, absl::Duration now);
  void Count(size_t sent, size_t redelivered) const;
  void Send(Stream& stream, std::string message, absl::Duration now);
  absl::StatusOr<feed::Stretch> Read(storage::LogPosition after) const;
  std::string CursorOf(ConsumerNumber number, Ordinal ordinal) const;

  void WriteProgress(absl::Duration now);
  void Answer(Waiter& waiter, const absl::Status& status) const;
  void Written(const ProgressUpdate& update,
               const absl::StatusOr<storage::SubscriptionProgressRecord>& progress);
  bool IsUnwritten() const { return ledger_->positions() != written_positions_; }

  absl::Duration NextDue(absl::Duration now) const;
  bool IsOver(absl::Duration now) const;

  Owner& owner_;
  const DeliveryEnvironment environment_;
  const DeliveryOptions options_;
  const std::string name_;
  const std::string principal_;
  const uint64_t uid_;
  const feed::EventFilter filter_;

  mutable absl::Mutex mutex_;
  std::vector<Task> tasks_ ABSL_GUARDED_BY(mutex_);
  bool scheduled_ ABSL_GUARDED_BY(mutex_) = false;
  bool woken_ ABSL_GUARDED_BY(mutex_) = false;
  size_t consumer_count_ ABSL_GUARDED_BY(mutex_) = 0;

  // All below belongs to the turn.
  std::map<ConsumerNumber, Stream> streams_;
  DeliverySettings settings_;
  std::optional<Ledger> ledger_;  // once loaded
  int64_t seek_count_ = 0;
  // What ended everything, if not OK: whoever comes next begins anew, with another
  // delivery.
  absl::Status failure_;
  // What streams are refused with, if not OK.
  absl::Status closed_;

  // To be written.
  std::vector<Waiter> waiters_;
  std::vector<Ledger::GivenUp> given_up_;
  size_t being_parked_ = 0;  // by the write under way
  // What is being written.
  bool writing_ = false;
  std::vector<Ledger::ReplayEnd> replay_ends_;
  Positions written_positions_ = {};
  absl::Duration idle_update_due_;
  absl::Duration forget_due_;
};

}  // namespace innkeeper::subscriptions

#endif  // INNKEEPER_SERVER_SUBSCRIPTIONS_DELIVERY_H_
