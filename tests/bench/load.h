// File: tests/bench/load.h
//
// Many calls: a closed loop with a number of them in flight all the time, or an open one
// with so many a second.

#ifndef INNKEEPER_TESTS_BENCH_LOAD_H_
#define INNKEEPER_TESTS_BENCH_LOAD_H_

#include <cstdint>
#include <functional>

#include "absl/functional/function_ref.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"

namespace innkeeper::bench {

// Starts the `index`th call and returns; calls `done` with whether it succeeded
// when it has ended. Called on many threads.
using StartCall = std::function<void(int64_t index, std::function<void(bool ok)> done)>;

// What a load came to.
struct LoadResult {
  double calls_per_second = 0;
  absl::Duration p50;
  absl::Duration p99;
  // What this process, server and client, spent on each call.
  absl::Duration cpu_per_call;
  int64_t calls = 0;
  int64_t failures = 0;
};

// When a load ends: with whatever comes first.
struct LoadEnd {
  absl::Duration duration = absl::InfiniteDuration();
  int64_t max_calls = INT64_MAX;
  const absl::Notification* event = nullptr;
};

// Keeps `in_flight` calls in flight until `end`, and waits for the last of them.
LoadResult RunLoad(int in_flight, const LoadEnd& end, const StartCall& start_call);

// Calls `call`, which says whether it succeeded, again and again for `duration`.
LoadResult RunSerially(absl::Duration duration, absl::FunctionRef<bool(int64_t index)> call);

// Starts `calls_per_second` calls a second for `duration`, whether earlier ones have ended
// or not, and waits for the last of them. `calls_per_second` of the result is what it came
// to; percentiles are not taken.
LoadResult RunPacedLoad(double calls_per_second, absl::Duration duration,
                        const StartCall& start_call);

}  // namespace innkeeper::bench

#endif  // INNKEEPER_TESTS_BENCH_LOAD_H_
