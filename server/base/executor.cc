#include "server/base/executor.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

#include <glog/logging.h>

#include "server/base/clock.h"

namespace innkeeper {
namespace {

// By how much threads of low priority are nicer: beside one of normal priority they get
// a tenth of a processor.
constexpr int kLowPriorityNice = 10;

// Lowers the priority of the calling thread. Linux has one for each thread.
void LowerPriority() {
  errno = 0;
  const int niceness = nice(kLowPriorityNice);
  PLOG_IF(WARNING, niceness == -1 && errno != 0) << "a thread keeps its priority";
}

}  // namespace

Executor::Executor(size_t threads, size_t max_queued, ThreadPriority priority)
    : max_queued_(max_queued) {
  threads_.reserve(threads);
  for (size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this, priority] {
      if (priority == ThreadPriority::kLow) LowerPriority();
      RunTasks();
    });
  }
}

Executor::~Executor() { Stop(); }

bool Executor::TrySubmit(Task&& task) {
  absl::MutexLock lock(&mutex_);
  if (stopped_ || tasks_.size() >= max_queued_) return false;
  Push(std::move(task));
  return true;
}

bool Executor::Submit(Task&& task) {
  absl::MutexLock lock(&mutex_);
  if (stopped_) return false;
  Push(std::move(task));
  return true;
}

absl::Duration Executor::LongestWait() const {
  const int64_t since_ns = first_since_ns_.load(std::memory_order_relaxed);
  return since_ns == 0 ? absl::ZeroDuration() : MonotonicNow() - absl::Nanoseconds(since_ns);
}

void Executor::Push(Task&& task) {
  const absl::Duration now = MonotonicNow();
  if (tasks_.empty()) {
    first_since_ns_.store(absl::ToInt64Nanoseconds(now), std::memory_order_relaxed);
  }
  tasks_.push_back({std::move(task), now});
}

Executor::Task Executor::Pop() {
  Task task = std::move(tasks_.front().task);
  tasks_.pop_front();
  const absl::Duration since = tasks_.empty() ? absl::ZeroDuration() : tasks_.front().since;
  first_since_ns_.store(absl::ToInt64Nanoseconds(since), std::memory_order_relaxed);
  return task;
}

void Executor::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopped_ = true;
  }
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void Executor::RunTasks() {
  while (true) {
    Task task;
    {
      absl::MutexLock lock(&mutex_);
      ++idle_threads_;
      mutex_.Await(absl::Condition(this, &Executor::HasTaskOrStopped));
      --idle_threads_;
      if (tasks_.empty()) return;
      task = Pop();
    }
    task();
  }
}

bool Executor::HasIdleThread() const {
  absl::MutexLock lock(&mutex_);
  return idle_threads_ > tasks_.size();
}

bool Executor::HasTaskOrStopped() const { return stopped_ || !tasks_.empty(); }

}  // namespace innkeeper
