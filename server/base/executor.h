// File: server/base/executor.h
//
// Threads for work that may block, so that gRPC's own threads never do.

#ifndef INNKEEPER_SERVER_BASE_EXECUTOR_H_
#define INNKEEPER_SERVER_BASE_EXECUTOR_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

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

  // How long the task that is next has been waiting; 0 if none is. Takes no lock.
  absl::Duration LongestWait() const;

  // Whether a thread is free for a task that is submitted now.
  bool HasIdleThread() const;

  // Runs what was submitted and ends the threads. Blocks; not to be called from
  // a task. Idempotent.
  void Stop();

 private:
  // A task and when it was submitted, on the scale of MonotonicNow().
  struct Waiting {
    Task task;
    absl::Duration since;
  };

  void Push(Task&& task) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Task Pop() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RunTasks();
  bool HasTaskOrStopped() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);

  const size_t max_queued_;
  mutable absl::Mutex mutex_;
  size_t idle_threads_ ABSL_GUARDED_BY(mutex_) = 0;
  std::deque<Waiting> tasks_ ABSL_GUARDED_BY(mutex_);
  std::atomic<int64_t> first_since_ns_ = 0;  // of the first of them; 0 if there is none
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace innkeeper

#endif  // INNKEEPER_SERVER_BASE_EXECUTOR_H_
