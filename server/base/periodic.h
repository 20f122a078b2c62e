// File: server/base/periodic.h

#ifndef INNKEEPER_SERVER_BASE_PERIODIC_H_
#define INNKEEPER_SERVER_BASE_PERIODIC_H_

#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace innkeeper {

// Calls a function again and again, on a thread of its own, which may block.
class PeriodicTask {
 public:
  // Starts the thread. `task` is called for the first time when one `period` has
  // passed, and then each time one period after its last return.
  PeriodicTask(absl::Duration period, absl::AnyInvocable<void()> task);

  // Ends the thread, after the call that is under way.
  ~PeriodicTask();

  PeriodicTask(const PeriodicTask&) = delete;
  PeriodicTask& operator=(const PeriodicTask&) = delete;

 private:
  void Run();

  const absl::Duration period_;
  absl::AnyInvocable<void()> task_;  // called on thread_ only
  absl::Mutex mutex_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace innkeeper

#endif  // INNKEEPER_SERVER_BASE_PERIODIC_H_
