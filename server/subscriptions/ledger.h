// File: server/subscriptions/ledger.h
//
// Who has what of a subscription: how its buckets are shared among consumers, which
// events they were sent, and what is to be sent again or given up. Values in, values
// out: no I/O, no clock, no threads.

#ifndef INNKEEPER_SERVER_SUBSCRIPTIONS_LEDGER_H_
#define INNKEEPER_SERVER_SUBSCRIPTIONS_LEDGER_H_

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/feed/logged_commit.h"
#include "server/subscriptions/buckets.h"
#include "storage/engine.h"

namespace innkeeper::subscriptions {

// How a subscription delivers; see v1::Subscription.
struct DeliverySettings {
  absl::Duration ack_deadline = absl::Minutes(1);
  int max_attempts = 5;
  absl::Duration retry_delay = absl::Seconds(1);
};

// Tells the consumers of a subscription apart.
using ConsumerNumber = uint64_t;

// Counts what a consumer is sent, message by message, from 1.
using Ordinal = uint64_t;

// The books of one subscription. Not thread-safe.
//
// A bucket belongs to one consumer at a time and goes to another only when nothing of
// it is out. Its events are sent in the order of the log. When an attempt at one fails,
// the bucket goes back to the first event that is not acknowledged, and until it has
// passed the last one that was out it is careful: one event at a time, in a message of
// its own, so that only the event that fails again is found at fault.
//
// Times are on the scale of MonotonicNow().
class Ledger {
 public:
  // Everything up to `positions` is dealt with. Of what fails for good, `parkable`
  // events may be given up; beyond that they are delivered again.
  Ledger(DeliverySettings settings, const Positions& positions, int64_t parkable);

  // For attempts from now on.
  void set_settings(DeliverySettings settings) { settings_ = settings; }
  void set_parkable(int64_t parkable) { parkable_ = parkable; }

  // Consumers. All others below take one that has joined and not left.

  // Adds a consumer that may have `max_unacknowledged` events out.
  void Join(ConsumerNumber number, size_t max_unacknowledged);

  // Removes a consumer. If it `broke_off`, the attempt at the first event that it had
  // not acknowledged has failed. Returns whether there was one.
  bool Leave(ConsumerNumber number, bool broke_off, absl::Duration now);

  // Shares the buckets evenly. To be called after anything else has changed.
  void Rebalance();

  bool HasConsumer(ConsumerNumber number) const { return consumers_.contains(number); }
  size_t consumer_count() const { return consumers_.size(); }
  size_t ShareOf(ConsumerNumber number) const;
  size_t UnacknowledgedBy(ConsumerNumber number) const;

  // Sending.

  // Returns the position behind which the consumer's next events stand; nothing if it
  // takes none now.
  std::optional<storage::LogPosition> NextRead(ConsumerNumber number, absl::Duration now) const;

  struct Sent {
    std::shared_ptr<const feed::LoggedEvent> event;
    int attempt = 1;
  };
  struct GivenUp {
    std::shared_ptr<const feed::LoggedEvent> event;
    int attempts = 0;
    std::string error;  // of the last one
  };
  struct Taken {
    std::vector<Sent> events;  // to be sent in one message
    Ordinal ordinal = 0;       // of that message
    // To be parked, in the same commit with which the positions move past them.
    std::vector<GivenUp> given_up;
  };
  // Takes what is the consumer's from a stretch of the log that begins at the position
  // that NextRead() returned for the same `now`, `max_events` at most. NextRead() goes
  // up by this, unless it is nothing then.
  Taken Take(ConsumerNumber number, const feed::Stretch& stretch, size_t max_events,
             absl::Duration now);

  // Notes that the transport has taken on everything that the consumer was sent: only
  // what it has taken on can lapse.
  void NoteWritten(ConsumerNumber number);

  // Outcomes.

  // The consumer acknowledges everything up to the message `ordinal`. Returns how many
  // events of that were still out.
  size_t Acknowledge(ConsumerNumber number, Ordinal ordinal);

  // The consumer's attempt at an event has failed.
  struct Rejection {
    bool was_out = false;
    // The last message that the consumer was sent, if events of the log were taken back that
    // it may have been sent by then.
    std::optional<Ordinal> taken_back_through;
  };
  Rejection Reject(ConsumerNumber number, int64_t sequence, absl::string_view error,
                   absl::Duration now);

  // Fails the attempts that went on for too long. Returns how many.
  size_t FailLapsed(absl::Duration now);

  // Takes back what is out of the log, and goes on behind `positions`.
  void Seek(const Positions& positions);

  // Events that were parked and are to be delivered once more. They are sent beside
  // those of the log, but belong to their bucket's consumer.

  // Does nothing if it was added before and its end was not taken.
  void AddReplay(int64_t sequence, size_t bucket);
  void DropReplay(int64_t sequence);

  // Returns one that can be sent to the consumer now, if there is one.
  std::optional<int64_t> NextReplay(ConsumerNumber number, absl::Duration now) const;

  // Notes that it is sent, in a message of its own.
  struct SentReplay {
    int attempt = 1;
    Ordinal ordinal = 0;
  };
  SentReplay SendReplay(ConsumerNumber number, int64_t sequence, absl::Duration now);

  // A replay that is over.
  struct ReplayEnd {
    int64_t sequence = 0;
    bool acknowledged = false;
    // If it was not: it is parked again.
    int attempts = 0;
    std::string error;
  };
  // Returns the replays that are over, once.
  std::vector<ReplayEnd> TakeReplayEnds() { return std::exchange(replay_ends_, {}); }

  // The state of things.

  // For each bucket, the position up to which everything was acknowledged, given up or
  // passed over.
  Positions positions() const;

  // When something is to be done though nothing else happens: FailLapsed(), or sending
  // what had to wait.
  absl::Duration NextDue(absl::Duration now) const;

  // True if attempts have failed at events that are not dealt with.
  bool HasFailures() const;

 private:
  // An event that a consumer was sent.
  struct Place {
    Ordinal ordinal = 0;
    int64_t sequence = 0;
    auto operator<=>(const Place& other) const = default;
  };
  struct Out {
    storage::LogPosition sequence = 0;
    Ordinal ordinal = 0;
    absl::Duration deadline;

    Place place() const { return {ordinal, static_cast<int64_t>(sequence)}; }
  };
  struct Failure {
    int count = 0;
    std::string error;
  };
  struct Replay {
    Failure failure;
    absl::Duration ready_time;  // if it waits
    Ordinal ordinal = 0;        // if it is out
    absl::Duration deadline;    // if it is out
  };
  using Replays = std::map<int64_t, Replay>;

  struct Bucket {
    std::optional<ConsumerNumber> owner;
    // Gets the bucket once nothing of it is out; until then nothing is sent.
    std::optional<ConsumerNumber> heir;
    // Everything up to here was sent, given up or passed over.
    storage::LogPosition sent = 0;
    std::deque<Out> out;
    std::map<storage::LogPosition, Failure> failures;
    storage::LogPosition careful_through = 0;
    absl::Duration ready_time;
    Replays waiting_replays;
    Replays replays_out;

    bool IsCareful() const { return sent < careful_through; }
    size_t CountOut() const { return out.size() + replays_out.size(); }
    storage::LogPosition Acknowledged() const {
      return out.empty() ? sent : out.front().sequence - 1;
    }
  };

  struct Consumer {
    size_t max_unacknowledged = 0;
    size_t unacknowledged = 0;
    Ordinal last_ordinal = 0;
    Ordinal written_ordinal = 0;
  };

  static bool IsOpenTo(const Bucket& bucket, ConsumerNumber number) {
    return bucket.owner == number && !bucket.heir;
  }
  static bool CanSend(const Bucket& bucket, ConsumerNumber number, absl::Duration now);
  bool HasRoom(const Consumer& consumer) const {
    return consumer.unacknowledged < consumer.max_unacknowledged;
  }
  bool IsWritten(const Bucket& bucket, Ordinal ordinal) const;

  // Gives up the bucket's event at `sequence`, which is the next one, if it has failed
  // for good.
  std::optional<Failure> GiveUp(Bucket& bucket, storage::LogPosition sequence);
  void Fail(Bucket& bucket, storage::LogPosition sequence, absl::string_view error,
            absl::Duration now);
  void FailReplay(Bucket& bucket, Replays::iterator replay, absl::string_view error,
                  absl::Duration now);
  void TakeBack(Bucket& bucket);
  void TakeBackReplay(Bucket& bucket, Replays::iterator replay, absl::Duration ready_time);
  // The first event that is out with the consumer; Place() if there is none that the
  // transport has taken on.
  Place FirstOut(ConsumerNumber number) const;

  std::map<ConsumerNumber, size_t> Shares() const;
  void Move(ConsumerNumber from, ConsumerNumber to);

  DeliverySettings settings_;
  int64_t parkable_;
  std::array<Bucket, kBuckets> buckets_;
  std::map<ConsumerNumber, Consumer> consumers_;
  std::vector<ReplayEnd> replay_ends_;
};

}  // namespace innkeeper::subscriptions

#endif  // INNKEEPER_SERVER_SUBSCRIPTIONS_LEDGER_H_
