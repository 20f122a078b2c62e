// File: server/metrics/metrics.h
//
// The service's metrics, by the part that counts them. What they are called where they
// are served, and what they mean to who runs the server, stands in metrics_page.cc and in
// docs/metrics.md. None of them has the id of a room, a user or a caller in it.

#ifndef INNKEEPER_SERVER_METRICS_METRICS_H_
#define INNKEEPER_SERVER_METRICS_METRICS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/metrics/action_rates.h"
#include "server/metrics/instruments.h"

namespace innkeeper::metrics {

// A counter for each of a few names, which are a part of the program and not made from
// what callers send. Thread-safe.
class CounterByName {
 public:
  // Counts `count` times for `name`.
  void Add(absl::string_view name, uint64_t count = 1);

  // The names so far, with their counts.
  std::vector<std::pair<std::string, uint64_t>> values() const;

 private:
  mutable absl::Mutex mutex_;
  std::map<std::string, Counter, std::less<>> counters_ ABSL_GUARDED_BY(mutex_);
};

// The calls of one method.
struct MethodCalls {
  static constexpr size_t kCodes = 17;  // 0 to 16, those of gRPC

  std::array<Counter, kCodes> by_code;
  Histogram latency{0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10};
};

// How long a call took, and how long it was allowed to take, both from its arrival on.
struct CallTime {
  absl::Duration took;
  absl::Duration allowed = absl::InfiniteDuration();
};

// The calls of all methods. Thread-safe.
class CallMetrics {
 public:
  // Counts a call that is over. `method` is a part of the program; `reason` is that of
  // the error, empty if there is none.
  void Count(absl::string_view method, absl::StatusCode code, absl::string_view reason,
             const CallTime& time);

  // The methods that were called so far, by name. They stay where they are.
  std::vector<std::pair<std::string, const MethodCalls*>> methods() const;

  // Counts a call that was refused for a limit, an option of the configuration.
  void CountLimit(absl::string_view limit) { limits_.Add(limit); }

  // Counts the outcomes of actions in `rates`, too, which must outlive the calls. To be
  // called before the first of them.
  void CountActionsIn(ActionRates& rates) { action_rates_ = &rates; }

  const CounterByName& errors() const { return errors_; }
  const CounterByName& limits() const { return limits_; }

 private:
  mutable absl::Mutex mutex_;
  std::map<std::string, std::unique_ptr<MethodCalls>, std::less<>> methods_ ABSL_GUARDED_BY(mutex_);
  CounterByName errors_;  // by reason
  CounterByName limits_;  // by limit
  ActionRates* action_rates_ = nullptr;
};

// The event stream.
struct FeedMetrics {
  Gauge streams;         // open now
  Gauge queued_bytes;    // of messages that their readers have not taken yet
  Counter events_sent;   // in batches of streams
  Counter bytes_sent;    // of all messages of streams
  Counter log_reads;     // of streams whose events were no longer in memory
  Counter fell_behind;   // streams that had caught up, and no longer kept up
  CounterByName events;  // that came into the log, by type
  // How long ago the oldest event was committed that a stream had still to bring, at
  // each of its batches.
  Histogram lag{0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30, 60, 600, 3600};
};

// What is limited, besides the calls that were refused.
struct LimitMetrics {
  CounterByName observed;  // calls that would have been refused, by limit
  Gauge open_streams;      // of all methods that stream
  Gauge request_bytes;     // of requests that wait for a thread, or are worked on
};

// What is written to the store.
struct CommitMetrics {
  // Counts a batch.
  void Count(size_t commits_in_batch, size_t bytes_in_batch, absl::Duration took) {
    commits.Add(commits_in_batch);
    batches.Add();
    bytes.Add(bytes_in_batch);
    batch_commits.Observe(static_cast<double>(commits_in_batch));
    sync_time.Observe(took);
  }

  Counter commits;
  Counter batches;
  Counter bytes;
  Histogram batch_commits{1, 2, 4, 8, 16, 32, 64, 128, 256, 1024};
  Histogram sync_time{0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 1};
};

// What the log forgets.
struct RetentionMetrics {
  Counter cuts;
  Counter events_removed;
};

// The keys of a sealed store.
struct SealingMetrics {
  Gauge data_keys;
  Gauge resealing;          // 1 while values are sealed anew, else 0
  Counter resealed_values;  // since the start
};

// Refused calls, in the audit log.
struct AuditMetrics {
  Counter recorded_refusals;    // with an entry of their own
  Counter suppressed_refusals;  // only counted, for there were too many
  Counter dropped_refusals;     // only counted, for the store did not take them
};

// What durable subscriptions deliver.
struct SubscriptionMetrics {
  Counter sent_events;
  Counter redelivered_events;  // of these, those at which an attempt had failed before
  Counter acknowledged_events;
  Counter parked_events;
  CounterByName failed_attempts;  // by what they failed with
};

// How a durable subscription is doing.
struct SubscriptionState {
  std::string name;
  uint64_t lag_events = 0;
  absl::Duration lag_age;
  int64_t parked_events = 0;
  size_t consumers = 0;
};

// How durable subscriptions are doing.
struct SubscriptionStates {
  size_t count = 0;
  uint64_t most_lag_events = 0;  // of any
  int64_t parked_events = 0;     // of all
  size_t consumers = 0;          // of all
  // Some of them: so few that each may have metrics of its own.
  std::vector<SubscriptionState> listed;
};

// How the service did lately.
struct ServiceState {
  ActionCounts actions;
  bool escalation = false;  // too many of them fail
};

struct Metrics {
  CallMetrics calls;
  LimitMetrics limits;
  FeedMetrics feed;
  SubscriptionMetrics subscriptions;
  CommitMetrics commits;
  RetentionMetrics retention;
  SealingMetrics sealing;
  AuditMetrics audit;
};

}  // namespace innkeeper::metrics

#endif  // INNKEEPER_SERVER_METRICS_METRICS_H_
