// File: tests/crash/violations.h

#ifndef INNKEEPER_TESTS_CRASH_VIOLATIONS_H_
#define INNKEEPER_TESTS_CRASH_VIOLATIONS_H_

#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"

namespace innkeeper::crash {

// What was found to be wrong, in words. Thread-safe.
class Violations {
 public:
  // Adds one, its parts put together as by absl::StrCat.
  template <typename... Parts>
  void Add(const Parts&... parts) {
    absl::MutexLock lock(&mutex_);
    found_.push_back(absl::StrCat(parts...));
  }

  // Adds one unless `holds`, which it returns.
  template <typename... Parts>
  bool Expect(bool holds, const Parts&... parts) {
    if (!holds) Add(parts...);
    return holds;
  }

  std::vector<std::string> found() const {
    absl::MutexLock lock(&mutex_);
    return found_;
  }

 private:
  mutable absl::Mutex mutex_;
  std::vector<std::string> found_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace innkeeper::crash

#endif  // INNKEEPER_TESTS_CRASH_VIOLATIONS_H_
