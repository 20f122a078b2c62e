// File: tests/sanitizers/thread/worker.h

#ifndef INNKEEPER_TESTS_SANITIZERS_THREAD_WORKER_H_
#define INNKEEPER_TESTS_SANITIZERS_THREAD_WORKER_H_

#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"

namespace innkeeper {

// Runs what it is given, in order, on a thread of its own. Thread-safe.
class Worker {
 public:
  Worker() : thread_([this] { Run(); }) {}

  // Runs what is left, then ends.
  ~Worker() {
    {
      absl::MutexLock lock(&mutex_);
      stopping_ = true;
    }
    thread_.join();
  }

  void Do(std::function<void()> work) {
    absl::MutexLock lock(&mutex_);
    queue_.push_back(std::move(work));
  }

 private:
  bool HasWork() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return stopping_ || !queue_.empty(); }

  std::vector<std::function<void()>> Next() {
    absl::MutexLock lock(&mutex_, absl::Condition(this, &Worker::HasWork));
    return std::exchange(queue_, {});
  }

  void Run() {
    for (auto batch = Next(); !batch.empty(); batch = Next()) {
      for (const auto& work : batch) work();
    }
  }

  absl::Mutex mutex_;
  std::vector<std::function<void()>> queue_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace innkeeper

#endif  // INNKEEPER_TESTS_SANITIZERS_THREAD_WORKER_H_
