// File: tests/support/manual_clock.h

#ifndef INNKEEPER_TESTS_SUPPORT_MANUAL_CLOCK_H_
#define INNKEEPER_TESTS_SUPPORT_MANUAL_CLOCK_H_

#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "server/base/clock.h"

namespace innkeeper {

// A clock that goes on only when a test says so. Thread-safe.
class ManualClock {
 public:
  // The clock for those who read it. Outlives this object if need be.
  Clock clock() const {
    return [time = time_] {
      absl::MutexLock lock(&time->mutex);
      return time->now;
    };
  }

  void Advance(absl::Duration duration) const {
    absl::MutexLock lock(&time_->mutex);
    time_->now += duration;
  }

 private:
  struct Time {
    absl::Mutex mutex;
    absl::Time now ABSL_GUARDED_BY(mutex) = absl::Now();
  };

  const std::shared_ptr<Time> time_ = std::make_shared<Time>();
};

}  // namespace innkeeper

#endif  // INNKEEPER_TESTS_SUPPORT_MANUAL_CLOCK_H_
