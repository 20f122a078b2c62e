// File: server/metrics/instruments.h
//
// What is counted and measured, as cheap as it can be: a few relaxed atomic operations,
// no lock and no allocation, so that hot paths can afford it. All are thread-safe.

#ifndef INNKEEPER_SERVER_METRICS_INSTRUMENTS_H_
#define INNKEEPER_SERVER_METRICS_INSTRUMENTS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include "absl/time/time.h"

namespace innkeeper::metrics {

// Only rises.
class Counter {
 public:
  void Add(uint64_t count = 1) { value_.fetch_add(count, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_ = 0;
};

// Rises and falls.
class Gauge {
 public:
  void Add(int64_t difference) { value_.fetch_add(difference, std::memory_order_relaxed); }
  void Set(int64_t value) { value_.store(value, std::memory_order_relaxed); }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_ = 0;
};

// Tells how many of the observed values were at most each of a few bounds.
class Histogram {
 public:
  // The bounds rise. A value above the last is counted too.
  Histogram(std::initializer_list<double> bounds) : bounds_(bounds), counts_(bounds.size() + 1) {}

  void Observe(double value) {
    size_t bucket = 0;
    while (bucket < bounds_.size() && value > bounds_[bucket]) ++bucket;
    counts_[bucket].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(value, std::memory_order_relaxed);
  }

  // In seconds.
  void Observe(absl::Duration value) { Observe(absl::ToDoubleSeconds(value)); }

  const std::vector<double>& bounds() const { return bounds_; }

  // How many values fell into the bucket that ends at that bound and begins behind the
  // one before; the last bucket has no end.
  uint64_t count(size_t bucket) const { return counts_[bucket].load(std::memory_order_relaxed); }

  double sum() const { return sum_.load(std::memory_order_relaxed); }

 private:
  const std::vector<double> bounds_;
  std::vector<std::atomic<uint64_t>> counts_;
  std::atomic<double> sum_ = 0;
};

}  // namespace innkeeper::metrics

#endif  // INNKEEPER_SERVER_METRICS_INSTRUMENTS_H_
