#include "server/base/periodic.h"

#include <utility>

namespace innkeeper {

PeriodicTask::PeriodicTask(absl::Duration period, absl::AnyInvocable<void()> task)
    : period_(period), task_(std::move(task)), thread_([this] { Run(); }) {}

PeriodicTask::~PeriodicTask() {
  {
    absl::MutexLock lock(&mutex_);
    stopped_ = true;
  }
  thread_.join();
}

void PeriodicTask::Run() {
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      if (mutex_.AwaitWithTimeout(absl::Condition(&stopped_), period_)) return;
    }
    task_();
  }
}

}  // namespace innkeeper
