// File: tests/crash/traffic.h
//
// Writers that create and upgrade rooms until the server goes away.

#ifndef INNKEEPER_TESTS_CRASH_TRAFFIC_H_
#define INNKEEPER_TESTS_CRASH_TRAFFIC_H_

#include <cstdint>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "tests/crash/operation.h"

namespace innkeeper::crash {

// A room that may be upgraded, and on whose behalf.
struct Target {
  std::string room_id;
  std::string requester;
};

// Some writers, each on a thread and a connection of its own. Every room has a
// creator of its own, so that it can be told which request made it; aliases and
// the rooms to upgrade are contended.
class Traffic {
 public:
  // Starts writers that write to `address` from a choice of `targets` and the rooms
  // they make themselves. `name` is different for every traffic on one store.
  Traffic(const std::string& address, const std::string& name, std::vector<Target> targets,
          std::mt19937_64& random);

  // As Stop().
  ~Traffic();

  // Waits until the writers have `count` acknowledgements. False if that takes
  // longer than `timeout`.
  bool WaitForAcknowledged(int count, absl::Duration timeout);

  // Lets each writer finish the call that it is in, and returns what all of them
  // did.
  Operations Stop();

 private:
  class Writer;

  void Run(Writer writer);
  bool stopping() const;
  // A room to upgrade: often one that others try to upgrade, too. Nothing if there
  // is none.
  bool PickTarget(std::mt19937_64& random, Target* target);
  void AddTarget(Target target);
  void RemoveTarget(const std::string& room_id);
  void CountAcknowledged();

  mutable absl::Mutex mutex_;
  std::vector<Target> targets_ ABSL_GUARDED_BY(mutex_);
  Operations operations_ ABSL_GUARDED_BY(mutex_);  // of the writers that have ended
  int acknowledged_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace innkeeper::crash

#endif  // INNKEEPER_TESTS_CRASH_TRAFFIC_H_
