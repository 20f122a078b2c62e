#include "server/base/periodic.h"

#include <gtest/gtest.h>

#include <atomic>

#include "absl/synchronization/blocking_counter.h"
#include "absl/time/time.h"

namespace innkeeper {
namespace {

TEST(PeriodicTaskTest, CallsAgainAndAgain) {
  absl::BlockingCounter calls(3);
  std::atomic<int> left{3};
  PeriodicTask task(absl::Milliseconds(1), [&] {
    if (left-- > 0) calls.DecrementCount();
  });
  calls.Wait();
}

TEST(PeriodicTaskTest, EndsWithoutWaitingForThePeriod) {
  PeriodicTask task(absl::InfiniteDuration(), [] { FAIL(); });
}

}  // namespace
}  // namespace innkeeper
