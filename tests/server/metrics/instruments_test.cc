#include "server/metrics/instruments.h"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace innkeeper::metrics {
namespace {

TEST(InstrumentsTest, AHistogramCountsWhatIsAtMostEachBound) {
  Histogram histogram{1, 10};
  for (const double value : {0.0, 1.0, 1.5, 10.0, 10.5, 1000.0}) histogram.Observe(value);
  EXPECT_EQ(histogram.count(0), 2u);
  EXPECT_EQ(histogram.count(1), 2u);
  EXPECT_EQ(histogram.count(2), 2u);
  EXPECT_DOUBLE_EQ(histogram.sum(), 1023);
  histogram.Observe(absl::Milliseconds(500));
  EXPECT_EQ(histogram.count(0), 3u);
  EXPECT_DOUBLE_EQ(histogram.sum(), 1023.5);
}

TEST(InstrumentsTest, NothingIsLostBetweenThreads) {
  Counter counter;
  Gauge gauge;
  Histogram histogram{1};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10'000; ++i) {
        counter.Add(2);
        gauge.Add(3);
        gauge.Add(-2);
        histogram.Observe(0.5);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counter.value(), 80'000u);
  EXPECT_EQ(gauge.value(), 40'000);
  EXPECT_EQ(histogram.count(0), 40'000u);
  EXPECT_DOUBLE_EQ(histogram.sum(), 20'000);
}

}  // namespace
}  // namespace innkeeper::metrics
