// File: tests/e2e/at_once.h

#ifndef INNKEEPER_TESTS_E2E_AT_ONCE_H_
#define INNKEEPER_TESTS_E2E_AT_ONCE_H_

#include <cstddef>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"

namespace innkeeper {

// Runs `work(i)` for each i below `count`, each in a thread of its own, all let go
// at the same moment. Returns what they returned.
template <typename Work>
auto AtOnce(int count, Work work) {
  std::vector<decltype(work(0))> results(count);
  absl::Notification start;
  std::vector<std::thread> threads;
  threads.reserve(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      start.WaitForNotification();
      results[i] = work(i);
    });
  }
  start.Notify();
  for (std::thread& thread : threads) thread.join();
  return results;
}

}  // namespace innkeeper

#endif  // INNKEEPER_TESTS_E2E_AT_ONCE_H_
