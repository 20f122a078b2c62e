// File: server/lifecycle/turns.h
//
// Lets those who want to change the same thing do so one after another.

#ifndef INNKEEPER_SERVER_LIFECYCLE_TURNS_H_
#define INNKEEPER_SERVER_LIFECYCLE_TURNS_H_

#include <deque>
#include <optional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"

namespace innkeeper::lifecycle {

// Turns at things that are told apart by a name. They are taken in the order of the
// calls of Take(). Thread-safe; calls nothing of the caller's.
class Turns {
 public:
  // Called with false if it must not begin any more; then it has no turn to pass on.
  using Task = absl::AnyInvocable<void(bool may_begin)>;

  // Returns `task` if it is its turn at `name`, which then is to be passed on. Else
  // keeps it, for Pass() to return.
  std::optional<Task> Take(const std::string& name, Task task) {
    absl::MutexLock lock(&mutex_);
    auto [waiting, free] = waiting_.try_emplace(name);
    if (free) return task;
    waiting->second.push_back(std::move(task));
    return std::nullopt;
  }

  // Ends the turn at `name` that is under way. Returns the task whose turn it is now,
  // if one waits.
  std::optional<Task> Pass(const std::string& name) {
    absl::MutexLock lock(&mutex_);
    const auto waiting = waiting_.find(name);
    if (waiting->second.empty()) {
      waiting_.erase(waiting);
      return std::nullopt;
    }
    Task next = std::move(waiting->second.front());
    waiting->second.pop_front();
    return next;
  }

 private:
  absl::Mutex mutex_;
  // Who waits, for each name that has a turn under way.
  absl::flat_hash_map<std::string, std::deque<Task>> waiting_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_TURNS_H_
