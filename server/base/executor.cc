#include "server/base/executor.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

#include <glog/logging.h>

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
  tasks_.push_back(std::move(task));
  return true;
}

bool Executor::Submit(Task&& task) {
  absl::MutexLock lock(&mutex_);
  if (stopped_) return false;
  tasks_.push_back(std::move(task));
  return true;
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
      absl::MutexLock lock(&mutex_, absl::Condition(this, &Executor::HasTaskOrStopped));
      if (tasks_.empty()) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }
}

bool Executor::HasTaskOrStopped() const { return stopped_ || !tasks_.empty(); }

}  // namespace innkeeper
