// File: client/surroundings.h

#ifndef INNKEEPER_CLIENT_SURROUNDINGS_H_
#define INNKEEPER_CLIENT_SURROUNDINGS_H_

#include <cstdint>
#include <functional>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace innkeeper {

// What a client takes from the machine; tests give their own. Thread-safe.
struct ClientSurroundings {
  std::function<absl::Time()> now = [] { return absl::Now(); };
  // Returns after `duration`, or once `stop` is notified.
  std::function<void(absl::Duration duration, const absl::Notification& stop)> sleep =
      [](absl::Duration duration, const absl::Notification& stop) {
        stop.WaitForNotificationWithTimeout(duration);
      };
  // Evenly distributed, and unlike those of other processes.
  std::function<uint64_t()> random = RandomBits;

  static uint64_t RandomBits();
};

}  // namespace innkeeper

#endif  // INNKEEPER_CLIENT_SURROUNDINGS_H_
