// File: server/base/clock.h
//
// The time, as the server's parts get it.

#ifndef INNKEEPER_SERVER_BASE_CLOCK_H_
#define INNKEEPER_SERVER_BASE_CLOCK_H_

#include <chrono>

#include "absl/functional/any_invocable.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace innkeeper {

// Returns the time now. Thread-safe.
using Clock = absl::AnyInvocable<absl::Time() const>;

// The clock of the machine.
inline Clock SystemClock() {
  return [] { return absl::Now(); };
}

// The time since some moment in the past, which setting the machine's clock does
// not change: for intervals and timeouts.
inline absl::Duration MonotonicNow() {
  return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace innkeeper

#endif  // INNKEEPER_SERVER_BASE_CLOCK_H_
