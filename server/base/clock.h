// File: server/base/clock.h
//
// The time, as the server's parts get it.

#ifndef INNKEEPER_SERVER_BASE_CLOCK_H_
#define INNKEEPER_SERVER_BASE_CLOCK_H_

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

}  // namespace innkeeper

#endif  // INNKEEPER_SERVER_BASE_CLOCK_H_
