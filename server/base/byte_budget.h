// File: server/base/byte_budget.h

#ifndef INNKEEPER_SERVER_BASE_BYTE_BUDGET_H_
#define INNKEEPER_SERVER_BASE_BYTE_BUDGET_H_

#include <cstddef>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace innkeeper {

// A number of bytes that several users of memory share. Thread-safe.
class ByteBudget {
 public:
  explicit ByteBudget(size_t bytes) : total_(bytes), left_(bytes) {}

  size_t total() const { return total_; }

  // Takes `bytes` and returns true, or returns false if there are not so many left.
  bool TryTake(size_t bytes) {
    absl::MutexLock lock(&mutex_);
    if (bytes > left_) return false;
    left_ -= bytes;
    return true;
  }

  // Gives back what was taken.
  void Return(size_t bytes) {
    absl::MutexLock lock(&mutex_);
    left_ += bytes;
  }

 private:
  const size_t total_;
  absl::Mutex mutex_;
  size_t left_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace innkeeper

#endif  // INNKEEPER_SERVER_BASE_BYTE_BUDGET_H_
