// File: client/internal/backoff.h

#ifndef INNKEEPER_CLIENT_INTERNAL_BACKOFF_H_
#define INNKEEPER_CLIENT_INTERNAL_BACKOFF_H_

#include <cstdint>
#include <functional>
#include <utility>

#include "absl/time/time.h"
#include "client/options.h"

namespace innkeeper::client_internal {

// Draws the waiting times that BackoffOptions describes. Not thread-safe.
class Backoff {
 public:
  // `random` returns evenly distributed bits.
  Backoff(const BackoffOptions& options, std::function<uint64_t()> random)
      : options_(options), random_(std::move(random)), ceiling_(options.initial) {}

  // Returns how long to wait before the next attempt.
  absl::Duration Next();

  // The next waiting time is as short as the first one.
  void Reset() { ceiling_ = options_.initial; }

 private:
  const BackoffOptions options_;
  const std::function<uint64_t()> random_;
  absl::Duration ceiling_;
};

}  // namespace innkeeper::client_internal

#endif  // INNKEEPER_CLIENT_INTERNAL_BACKOFF_H_
