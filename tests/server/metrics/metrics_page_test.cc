#include "server/metrics/metrics_page.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "server/base/file.h"
#include "storage/engine.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_engine.h"

namespace innkeeper::metrics {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using testing::StartsWith;
using testing::UnorderedElementsAreArray;

class MetricsPageTest : public testing::Test {
 protected:
  // The family of that name.
  MetricFamily Family(const std::string& name) {
    for (const MetricFamily& family : MetricsPage(metrics_, *engine_, subscriptions_, service_)) {
      if (family.name == name) return family;
    }
    ADD_FAILURE() << "there is no " << name;
    return {};
  }

  double Value(const std::string& name) {
    const MetricFamily family = Family(name);
    if (family.metric.size() != 1) return -1;
    return family.metric[0].gauge.value + family.metric[0].counter.value;
  }

  const TempDir dir_;
  const std::unique_ptr<storage::Engine> engine_ = storage::OpenTestEngine(dir_.File("store"));
  Metrics metrics_;
  std::optional<SubscriptionStates> subscriptions_ = SubscriptionStates();
  ServiceState service_;
};

std::string TypeName(MetricType type) {
  switch (type) {
    case MetricType::Counter:
      return "counter";
    case MetricType::Gauge:
      return "gauge";
    case MetricType::Histogram:
      return "histogram";
    default:
      return "?";
  }
}

// The rows of the tables of docs/metrics.md, without the labels.
std::vector<std::string> Documented() {
  std::vector<std::string> rows;
  const std::string page = ReadFile(INNKEEPER_SOURCE_DIR "/docs/metrics.md", 1 << 20)->bytes;
  for (absl::string_view line : absl::StrSplit(page, '\n')) {
    if (!absl::StartsWith(line, "| `innkeeper_")) continue;
    const std::vector<std::string> cells = absl::StrSplit(line, " | ");
    if (cells.size() != 4) continue;
    rows.push_back(absl::StrCat(cells[0], " | ", cells[1], " | ", cells[3]));
  }
  return rows;
}

TEST_F(MetricsPageTest, IsWhatTheDocumentationSays) {
  std::vector<std::string> served;
  for (const MetricFamily& family : MetricsPage(metrics_, *engine_, subscriptions_, service_)) {
    served.push_back(
        absl::StrCat("| `", family.name, "` | ", TypeName(family.type), " | ", family.help, " |"));
  }
  EXPECT_THAT(served, UnorderedElementsAreArray(Documented()));
}

TEST_F(MetricsPageTest, NamesFollowTheConventions) {
  for (const MetricFamily& family : MetricsPage(metrics_, *engine_, subscriptions_, service_)) {
    EXPECT_THAT(family.name, StartsWith("innkeeper_"));
    EXPECT_EQ(absl::EndsWith(family.name, "_total"), family.type == MetricType::Counter)
        << family.name;
    EXPECT_TRUE(absl::EndsWith(family.help, ".")) << family.name;
  }
}

TEST_F(MetricsPageTest, TellsOfCalls) {
  metrics_.calls.Count("GetRoom", absl::StatusCode::kNotFound, "ROOM_NOT_FOUND",
                       {absl::Milliseconds(3)});
  const ClientMetric calls = Family("innkeeper_calls_total").metric.at(0);
  EXPECT_EQ(calls.counter.value, 1);
  EXPECT_EQ(calls.label.at(0).value, "GetRoom");
  EXPECT_EQ(calls.label.at(1).value, "NOT_FOUND");
  const ClientMetric latency = Family("innkeeper_call_duration_seconds").metric.at(0);
  EXPECT_EQ(latency.histogram.sample_count, 1u);
  EXPECT_EQ(latency.histogram.bucket.at(2).cumulative_count, 0u) << "at most 2 ms";
  EXPECT_EQ(latency.histogram.bucket.at(3).cumulative_count, 1u) << "at most 5 ms";
  EXPECT_EQ(latency.histogram.bucket.back().cumulative_count, 1u);
  EXPECT_EQ(Family("innkeeper_errors_total").metric.at(0).label.at(0).value, "ROOM_NOT_FOUND");
}

TEST_F(MetricsPageTest, TellsHowSubscriptionsAreDoing) {
  subscriptions_->count = 3;
  subscriptions_->most_lag_events = 9;
  subscriptions_->listed = {{.name = "a"},
                            {.name = "b",
                             .lag_events = 7,
                             .lag_age = absl::Milliseconds(1500),
                             .parked_events = 2,
                             .consumers = 4}};
  EXPECT_EQ(Value("innkeeper_subscriptions"), 3);
  EXPECT_EQ(Value("innkeeper_subscriptions_max_lag_events"), 9);
  const auto of_b = [this](const std::string& name) {
    const ClientMetric metric = Family(name).metric.at(1);
    EXPECT_EQ(metric.label.at(0).name, "subscription");
    EXPECT_EQ(metric.label.at(0).value, "b");
    return metric.gauge.value;
  };
  EXPECT_EQ(of_b("innkeeper_subscription_lag_events"), 7);
  EXPECT_EQ(of_b("innkeeper_subscription_lag_seconds"), 1.5);
  EXPECT_EQ(of_b("innkeeper_subscription_parked_events"), 2);
  EXPECT_EQ(of_b("innkeeper_subscription_consumers"), 4);
}

TEST_F(MetricsPageTest, SaysNothingOfSubscriptionsThatItDoesNotKnow) {
  subscriptions_.reset();
  for (const MetricFamily& family : MetricsPage(metrics_, *engine_, subscriptions_, service_)) {
    EXPECT_NE(family.name, "innkeeper_subscriptions");
  }
}

TEST_F(MetricsPageTest, TellsHowTheStoreIsDoing) {
  constexpr int kCommits = 100;
  for (int i = 0; i < kCommits; ++i) {
    const std::string value(10'000, static_cast<char>('a' + i % 26));
    ASSERT_TRUE(CommitAndWait(*engine_,
                              {.writes = {{absl::StrCat("key", i), value}}, .log_entries = {value}})
                    .status.ok());
  }
  ASSERT_TRUE(engine_->TrimLog(40).ok());
  EXPECT_EQ(Value("innkeeper_log_head"), kCommits);
  EXPECT_EQ(Value("innkeeper_log_oldest"), 40);
  EXPECT_EQ(Value("innkeeper_commits_queued"), 0);
  EXPECT_GT(Value("innkeeper_store_write_buffer_bytes"), 1'000'000);
  // Of 600,000, but RocksDB estimates what is in memory by dice that it throws as it writes, and
  // comes to nothing at all in one of a hundred processes.
  EXPECT_EQ(Value("innkeeper_log_bytes"), static_cast<double>(engine_->stats().log_bytes));
}

}  // namespace
}  // namespace innkeeper::metrics
