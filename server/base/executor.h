// File: server/base/executor.h
//
// Threads for work that may block, so that gRPC's own threads never do.

#ifndef INNKEEPER_SERVER_BASE_EXECUTOR_H_
#define INNKEEPER_SERVER_BASE_EXECUTOR_H_

#include <cstddef>
#include <deque>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"

namespace innkeeper {

// How threads share processors that are busy.
enum class ThreadPriority {
  kNormal,
  kLow,  // for work that takes long anyway: what somebody waits for goes first
};

// A fixed number of threads that run tasks in the order of their submission.
// Thread-safe.
class Executor {
 public:
  using Task = absl::AnyInvocable<void()>;

  // Starts `threads` threads of this priority. At most `max_queued` tasks wait for one.
  Executor(size_t threads, size_t max_queued, ThreadPriority priority = ThreadPriority::kNormal);

  // As Stop().
  ~Executor();

  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // Takes on `task` and returns true, or returns false, and leaves `task` as it
  // is, if too many are waiting or the executor was stopped.
  bool TrySubmit(Task&& task);

  // As TrySubmit, however many are waiting: for the rest of work that was taken on
  // before.
  bool Submit(Task&& task);

  // Runs what was submitted and ends the threads. Blocks; not to be called from
  // a task. Idempotent.
  void Stop();

 private:
  void RunTasks();
  bool HasTaskOrStopped() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);

  const size_t max_queued_;
  absl::Mutex mutex_;
  std::deque<Task> tasks_ ABSL_GUARDED_BY(mutex_);
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace innkeeper

#endif  // INNKEEPER_SERVER_BASE_EXECUTOR_H_
