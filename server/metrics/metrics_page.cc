#include "server/metrics/metrics_page.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "prometheus/client_metric.h"
#include "prometheus/metric_type.h"

namespace innkeeper::metrics {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

ClientMetric CounterSample(double value, Labels labels = {}) {
  ClientMetric sample;
  sample.label = std::move(labels);
  sample.counter.value = value;
  return sample;
}

ClientMetric GaugeSample(double value, Labels labels = {}) {
  ClientMetric sample;
  sample.label = std::move(labels);
  sample.gauge.value = value;
  return sample;
}

ClientMetric HistogramSample(const Histogram& histogram, Labels labels = {}) {
  ClientMetric sample;
  sample.label = std::move(labels);
  uint64_t count = 0;
  for (size_t bucket = 0; bucket <= histogram.bounds().size(); ++bucket) {
    count += histogram.count(bucket);
    ClientMetric::Bucket bucket_sample;
    bucket_sample.cumulative_count = count;
    bucket_sample.upper_bound = bucket < histogram.bounds().size()
                                    ? histogram.bounds()[bucket]
                                    : std::numeric_limits<double>::infinity();
    sample.histogram.bucket.push_back(bucket_sample);
  }
  sample.histogram.sample_count = count;
  sample.histogram.sample_sum = histogram.sum();
  return sample;
}

// Collects families.
class Page {
 public:
  MetricFamily& Add(const char* name, MetricType type, const char* help) {
    MetricFamily& family = families_.emplace_back();
    family.name = name;
    family.help = help;
    family.type = type;
    return family;
  }

  void Count(const char* name, uint64_t count, const char* help) {
    Add(name, MetricType::Counter, help)
        .metric.push_back(CounterSample(static_cast<double>(count)));
  }

  void Count(const char* name, const Counter& counter, const char* help) {
    Count(name, counter.value(), help);
  }

  void Count(const char* name, const CounterByName& counters, const char* label, const char* help) {
    MetricFamily& family = Add(name, MetricType::Counter, help);
    for (const auto& [value, count] : counters.values()) {
      family.metric.push_back(CounterSample(static_cast<double>(count), {{label, value}}));
    }
  }

  template <typename Number>
  void Gauge(const char* name, Number value, const char* help) {
    Add(name, MetricType::Gauge, help).metric.push_back(GaugeSample(static_cast<double>(value)));
  }

  // One value for each of the subscriptions.
  template <typename ValueOf>
  void Gauges(const char* name, const std::vector<SubscriptionState>& subscriptions,
              ValueOf value_of, const char* help) {
    MetricFamily& family = Add(name, MetricType::Gauge, help);
    for (const SubscriptionState& subscription : subscriptions) {
      family.metric.push_back(GaugeSample(static_cast<double>(value_of(subscription)),
                                          {{"subscription", subscription.name}}));
    }
  }

  void Distribution(const char* name, const Histogram& histogram, const char* help) {
    Add(name, MetricType::Histogram, help).metric.push_back(HistogramSample(histogram));
  }

  std::vector<MetricFamily> Take() { return std::move(families_); }

 private:
  std::vector<MetricFamily> families_;
};

void AddCalls(const CallMetrics& calls, Page& page) {
  const auto methods = calls.methods();
  MetricFamily& counts = page.Add("innkeeper_calls_total", MetricType::Counter,
                                  "Calls that are over, by method and code.");
  for (const auto& [method, of_method] : methods) {
    for (size_t code = 0; code < MethodCalls::kCodes; ++code) {
      const uint64_t count = of_method->by_code[code].value();
      if (count == 0) continue;
      const std::string name = absl::StatusCodeToString(static_cast<absl::StatusCode>(code));
      counts.metric.push_back(
          CounterSample(static_cast<double>(count), {{"method", method}, {"code", name}}));
    }
  }
  MetricFamily& latencies = page.Add(
      "innkeeper_call_duration_seconds", MetricType::Histogram,
      "How long calls took from their arrival to their end, by method; streams from end to end.");
  for (const auto& [method, of_method] : methods) {
    latencies.metric.push_back(HistogramSample(of_method->latency, {{"method", method}}));
  }
  page.Count(
      "innkeeper_errors_total", calls.errors(), "reason",
      "Calls that ended with an error, by its reason: OVERLOADED are those that were refused "
      "by overload, STREAM_STALLED the streams of readers that took nothing, and imports whose "
      "callers sent nothing.");
}

void AddService(const ServiceState& service, Page& page) {
  const ActionCounts& actions = service.actions;
  page.Gauge("innkeeper_success_ratio", actions.success_rate(),
             "How many of the creations and upgrades within escalation_window succeeded, of those "
             "and of what failed by the service's fault: from 0 to 1, and 1 if there were none.");
  page.Gauge("innkeeper_error_recovery_ratio", actions.recovery_rate(),
             "How many of the errors within escalation_window were made good without anybody's "
             "help: from 0 to 1, and 1 if there were none.");
  page.Gauge("innkeeper_window_actions", actions.actions(),
             "Creations and upgrades within escalation_window that count.");
  page.Gauge("innkeeper_window_failures", actions.failed,
             "Creations and upgrades of these that failed by the service's fault.");
  page.Gauge("innkeeper_window_recoveries", actions.recovered,
             "Errors within escalation_window that were made good: upgrades that other writes had "
             "got in the way of, and upgrades that were interrupted and whose room is as it was.");
  page.Gauge("innkeeper_escalation", service.escalation,
             "1 from service.escalation that says so until the one that says that it is over.");
}

void AddLimits(const CallMetrics& calls, const LimitMetrics& limits, Page& page) {
  page.Count("innkeeper_limit_refusals_total", calls.limits(), "limit",
             "Calls that were refused for a limit, by the option that sets it.");
  page.Count("innkeeper_limit_observed_total", limits.observed, "limit",
             "Calls that went through although a rate was exceeded, because rate_limits is "
             "observe.");
  page.Gauge("innkeeper_open_streams", limits.open_streams.value(),
             "Calls of methods that stream, exports and imports included: what max_streams "
             "bounds.");
  page.Gauge("innkeeper_request_bytes", limits.request_bytes.value(),
             "Bytes of requests that wait for a thread or are worked on: what "
             "max_request_bytes bounds.");
}

void AddFeed(const FeedMetrics& feed, Page& page) {
  page.Count(
      "innkeeper_room_events_total", feed.events, "type",
      "Events that came into the log, by type: room.upgraded and room.upgrade.failed are the "
      "outcomes of upgrades.");
  page.Gauge("innkeeper_streams", feed.streams.value(), "Streams of events that are open.");
  page.Gauge("innkeeper_stream_queued_bytes", feed.queued_bytes.value(),
             "Bytes of messages that the readers of streams have not taken yet.");
  page.Count("innkeeper_stream_events_total", feed.events_sent, "Events that streams brought.");
  page.Count("innkeeper_stream_bytes_total", feed.bytes_sent, "Bytes of all messages of streams.");
  page.Count("innkeeper_stream_log_reads_total", feed.log_reads,
             "Times that a stream read the log on disk, because what it had to bring was no longer "
             "in memory.");
  page.Count("innkeeper_stream_fell_behind_total", feed.fell_behind,
             "Times that a stream which had caught up no longer kept up.");
  page.Distribution("innkeeper_stream_lag_seconds", feed.lag,
                    "How long ago the oldest event was committed that a stream had still to bring, "
                    "at each batch of events; 0 if there was none.");
}

void AddDelivery(const SubscriptionMetrics& delivery, Page& page) {
  page.Count("innkeeper_subscription_sent_events_total", delivery.sent_events,
             "Events that consumers were sent, again or for the first time.");
  page.Count("innkeeper_subscription_redelivered_events_total", delivery.redelivered_events,
             "Events of these at which an attempt had failed before.");
  page.Count("innkeeper_subscription_acknowledged_events_total", delivery.acknowledged_events,
             "Events that consumers acknowledged.");
  page.Count("innkeeper_subscription_failed_attempts_total", delivery.failed_attempts, "cause",
             "Attempts to deliver an event that failed: it was rejected, its deadline lapsed, or "
             "the consumer's stream broke off.");
  page.Count("innkeeper_subscription_given_up_events_total", delivery.parked_events,
             "Events that were parked after their last attempt.");
}

void AddStates(const SubscriptionStates& states, Page& page) {
  page.Gauge("innkeeper_subscriptions", states.count, "Durable subscriptions that there are.");
  page.Gauge("innkeeper_subscriptions_consumers", states.consumers,
             "Consumers of all subscriptions.");
  page.Gauge("innkeeper_subscriptions_parked_events", states.parked_events,
             "Events that all subscriptions together have parked.");
  page.Gauge("innkeeper_subscriptions_max_lag_events", states.most_lag_events,
             "How many events of the log the subscription that is furthest behind has still to go "
             "through.");
  page.Gauges(
      "innkeeper_subscription_consumers", states.listed,
      [](const auto& state) { return state.consumers; }, "Consumers of a subscription.");
  page.Gauges(
      "innkeeper_subscription_parked_events", states.listed,
      [](const auto& state) { return state.parked_events; },
      "Events that a subscription has parked.");
  page.Gauges(
      "innkeeper_subscription_lag_events", states.listed,
      [](const auto& state) { return state.lag_events; },
      "How many events of the log a subscription has still to go through, those that its filter "
      "leaves out included.");
  page.Gauges(
      "innkeeper_subscription_lag_seconds", states.listed,
      [](const auto& state) { return absl::ToDoubleSeconds(state.lag_age); },
      "How long ago the oldest of these events was committed.");
}

void AddCommits(const CommitMetrics& commits, Page& page) {
  page.Count("innkeeper_commits_total", commits.commits,
             "Commits in batches that were written, those that came too late for their "
             "preconditions included.");
  page.Count("innkeeper_commit_batches_total", commits.batches,
             "Batches of commits that were written and synced.");
  page.Count("innkeeper_commit_bytes_total", commits.bytes, "Bytes of those batches.");
  page.Distribution("innkeeper_commit_batch_commits", commits.batch_commits,
                    "How many commits a batch has.");
  page.Distribution("innkeeper_commit_sync_seconds", commits.sync_time,
                    "How long it takes to write and sync a batch.");
}

void AddWriteState(const storage::WriteState& state, const storage::EngineStats& stats,
                   Page& page) {
  using storage::WriteTrouble;
  page.Gauge("innkeeper_store_takes_writes", state.trouble == WriteTrouble::kNone ? 1 : 0,
             "1 if the store takes writes, 0 while its disk is full, read-only or failing.");
  page.Gauge("innkeeper_store_needs_restart", state.trouble == WriteTrouble::kNeedsRestart ? 1 : 0,
             "1 if the store takes no writes until the server is restarted; the log says why.");
  page.Gauge("innkeeper_store_free_bytes", stats.free_bytes,
             "Bytes that the disk has left for the store: what disk_min_free_bytes bounds.");
  page.Count("innkeeper_store_write_failures_total", stats.write_failures,
             "Times that the disk failed to take a write.");
  page.Count("innkeeper_store_reopenings_total", stats.reopenings,
             "Times that the store was opened anew after that, and took writes again.");
}

void AddStore(const storage::Engine& engine, Page& page) {
  const storage::EngineStats stats = engine.stats();
  AddWriteState(engine.write_state(), stats, page);
  page.Gauge("innkeeper_commits_queued", stats.queued_commits, "Commits that wait to be written.");
  page.Gauge("innkeeper_commits_queued_bytes", stats.queued_bytes, "Bytes of those commits.");
  page.Gauge("innkeeper_store_disk_bytes", stats.disk_bytes,
             "Bytes of the store's tables on disk, those of the log included.");
  page.Gauge("innkeeper_store_write_buffer_bytes", stats.write_buffer_bytes,
             "Bytes of writes that are in memory and in the write-ahead log, and not in tables "
             "yet.");
  page.Gauge("innkeeper_store_cache_bytes", stats.cache_bytes,
             "Bytes of the store's data that are cached in memory.");
  page.Gauge("innkeeper_store_compaction_bytes", stats.compaction_bytes,
             "Bytes of tables that wait to be merged.");
  const storage::LogBounds bounds = engine.log_bounds();
  page.Gauge("innkeeper_log_head", bounds.head, "The sequence of the newest event in the log.");
  page.Gauge("innkeeper_log_oldest", bounds.oldest, "The sequence of the oldest event in the log.");
  page.Gauge("innkeeper_log_bytes", stats.log_bytes,
             "About how many bytes the log takes: what event_retention_bytes bounds.");
}

void AddRetention(const RetentionMetrics& retention, Page& page) {
  page.Count("innkeeper_log_cuts_total", retention.cuts,
             "Times that old events were removed from the log.");
  page.Count("innkeeper_log_removed_events_total", retention.events_removed,
             "Events that were removed from the log.");
}

void AddSealing(const SealingMetrics& sealing, Page& page) {
  page.Gauge("innkeeper_sealing_data_keys", sealing.data_keys.value(),
             "Data keys in the keyring of the store; 0 if it is not sealed.");
  page.Gauge("innkeeper_sealing_under_way", sealing.resealing.value(),
             "1 while values are sealed anew with a new data key, else 0.");
  page.Count("innkeeper_sealing_resealed_values_total", sealing.resealed_values,
             "Values that were sealed anew.");
}

void AddAudit(const AuditMetrics& audit, const storage::Engine& engine, Page& page) {
  const absl::StatusOr<storage::AuditHead> head = engine.NewSnapshot()->audit_head();
  page.Gauge("innkeeper_audit_head", head.ok() ? head->number : 0,
             "The number of the newest entry in the audit log.");
  page.Count("innkeeper_audit_refusals_total", audit.recorded_refusals,
             "Refused calls that have an entry of their own in the audit log.");
  page.Count("innkeeper_audit_suppressed_refusals_total", audit.suppressed_refusals,
             "Refused calls that were only counted in it, for more than audit_refusal_rate came.");
  page.Count("innkeeper_audit_dropped_refusals_total", audit.dropped_refusals,
             "Refused calls that were only counted, for the store did not take their entries.");
}

}  // namespace

std::vector<MetricFamily> MetricsPage(const Metrics& metrics, const storage::Engine& engine,
                                      const std::optional<SubscriptionStates>& subscriptions,
                                      const ServiceState& service) {
  Page page;
  AddCalls(metrics.calls, page);
  AddService(service, page);
  AddLimits(metrics.calls, metrics.limits, page);
  AddFeed(metrics.feed, page);
  AddDelivery(metrics.subscriptions, page);
  if (subscriptions) AddStates(*subscriptions, page);
  AddCommits(metrics.commits, page);
  AddStore(engine, page);
  AddRetention(metrics.retention, page);
  AddSealing(metrics.sealing, page);
  AddAudit(metrics.audit, engine, page);
  return page.Take();
}

}  // namespace innkeeper::metrics
