#include "tests/bench/load.h"

#include <glog/logging.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <vector>

#include "absl/synchronization/blocking_counter.h"
#include "absl/time/clock.h"

namespace innkeeper::bench {
namespace {

// One of the calls that are in flight: starts the next as soon as it has ended.
struct Lane {
  std::vector<int64_t> latencies_ns;
  int64_t failures = 0;
};

class Loop {
 public:
  Loop(int in_flight, absl::Time start, const LoadEnd& end, const StartCall& start_call)
      : end_(end),
        end_time_(start + end.duration),
        start_call_(start_call),
        lanes_(static_cast<size_t>(in_flight)),
        running_(in_flight) {}

  void Run() {
    for (Lane& lane : lanes_) StartNext(lane);
    running_.Wait();
  }

  const std::vector<Lane>& lanes() const { return lanes_; }

 private:
  void StartNext(Lane& lane) {
    const absl::Time start = absl::Now();
    const int64_t index = next_call_.fetch_add(1, std::memory_order_relaxed);
    const bool happened = end_.event != nullptr && end_.event->HasBeenNotified();
    if (happened || start >= end_time_ || index >= end_.max_calls) {
      running_.DecrementCount();
      return;
    }
    start_call_(index, [this, &lane, start](bool ok) {
      lane.latencies_ns.push_back(absl::ToInt64Nanoseconds(absl::Now() - start));
      if (!ok) ++lane.failures;
      StartNext(lane);
    });
  }

  const LoadEnd end_;
  const absl::Time end_time_;
  const StartCall& start_call_;
  std::vector<Lane> lanes_;
  std::atomic<int64_t> next_call_{0};
  absl::BlockingCounter running_;
};

// The processor time that this process has used so far.
absl::Duration CpuTime() {
  rusage usage;
  PCHECK(getrusage(RUSAGE_SELF, &usage) == 0);
  return absl::DurationFromTimeval(usage.ru_utime) + absl::DurationFromTimeval(usage.ru_stime);
}

absl::Duration Percentile(std::vector<int64_t>& sorted_ns, double fraction) {
  if (sorted_ns.empty()) return absl::ZeroDuration();
  const size_t rank = static_cast<size_t>(fraction * static_cast<double>(sorted_ns.size() - 1));
  return absl::Nanoseconds(sorted_ns[rank]);
}

LoadResult Summarise(const std::vector<Lane>& lanes, absl::Duration taken, absl::Duration cpu) {
  LoadResult result;
  std::vector<int64_t> latencies;
  for (const Lane& lane : lanes) {
    latencies.insert(latencies.end(), lane.latencies_ns.begin(), lane.latencies_ns.end());
    result.failures += lane.failures;
  }
  std::sort(latencies.begin(), latencies.end());
  result.calls = static_cast<int64_t>(latencies.size());
  result.calls_per_second = static_cast<double>(result.calls) / absl::ToDoubleSeconds(taken);
  result.cpu_per_call = cpu / std::max<int64_t>(result.calls, 1);
  result.p50 = Percentile(latencies, 0.5);
  result.p99 = Percentile(latencies, 0.99);
  return result;
}

}  // namespace

LoadResult RunLoad(int in_flight, const LoadEnd& end, const StartCall& start_call) {
  const absl::Duration cpu_before = CpuTime();
  const absl::Time start = absl::Now();
  Loop loop(in_flight, start, end, start_call);
  loop.Run();
  return Summarise(loop.lanes(), absl::Now() - start, CpuTime() - cpu_before);
}

LoadResult RunSerially(absl::Duration duration, absl::FunctionRef<bool(int64_t index)> call) {
  const absl::Duration cpu_before = CpuTime();
  const absl::Time start = absl::Now();
  Lane lane;
  absl::Time now = start;
  for (int64_t index = 0; now < start + duration; ++index) {
    if (!call(index)) ++lane.failures;
    const absl::Time after = absl::Now();
    lane.latencies_ns.push_back(absl::ToInt64Nanoseconds(after - now));
    now = after;
  }
  return Summarise({lane}, now - start, CpuTime() - cpu_before);
}

LoadResult RunPacedLoad(double calls_per_second, absl::Duration duration,
                        const StartCall& start_call) {
  LoadResult result;
  result.calls = static_cast<int64_t>(calls_per_second * absl::ToDoubleSeconds(duration));
  std::atomic<int64_t> failures{0};
  absl::BlockingCounter running(static_cast<int>(result.calls));
  const absl::Time start = absl::Now();
  for (int64_t i = 0; i < result.calls; ++i) {
    absl::SleepFor(start + absl::Seconds(static_cast<double>(i) / calls_per_second) - absl::Now());
    start_call(i, [&](bool ok) {
      if (!ok) ++failures;
      running.DecrementCount();
    });
  }
  running.Wait();
  result.failures = failures;
  result.calls_per_second =
      static_cast<double>(result.calls) / absl::ToDoubleSeconds(absl::Now() - start);
  return result;
}

}  // namespace innkeeper::bench
