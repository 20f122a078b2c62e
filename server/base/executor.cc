#include "server/base/executor.h"

#include <utility>

namespace innkeeper {

Executor::Executor(size_t threads, size_t max_queued) : max_queued_(max_queued) {
  threads_.reserve(threads);
  for (size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { RunTasks(); });
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
