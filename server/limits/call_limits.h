// File: server/limits/call_limits.h
//
// The limits that calls meet before their use cases see them.

#ifndef INNKEEPER_SERVER_LIMITS_CALL_LIMITS_H_
#define INNKEEPER_SERVER_LIMITS_CALL_LIMITS_H_

#include <cstddef>
#include <cstdint>
#include <limits>

#include "absl/time/time.h"
#include "server/base/byte_budget.h"
#include "server/base/clock.h"
#include "server/limits/login_guard.h"
#include "server/limits/rate_limits.h"
#include "server/limits/stream_slots.h"
#include "server/metrics/metrics.h"

namespace innkeeper::limits {

// 0 stands for no limit everywhere.
struct CallLimitOptions {
  RateLimitOptions rates;
  size_t max_streams = 0;
  size_t max_streams_per_principal = 0;
  // Of requests that wait for a thread, or are worked on.
  size_t max_request_bytes = 0;
  // How long a unary call may take.
  absl::Duration max_call_time;
  // How long a request may have waited for a thread when further writes are still taken on.
  absl::Duration max_queue_time;
};

// Thread-safe.
struct CallLimits {
  // The references must outlive the limits.
  CallLimits(const CallLimitOptions& options, const Clock& clock, metrics::LimitMetrics& metrics)
      : rates(options.rates, clock, metrics),
        logins(rates),
        streams(options.max_streams, options.max_streams_per_principal, metrics),
        request_bytes(options.max_request_bytes > 0 ? options.max_request_bytes
                                                    : std::numeric_limits<size_t>::max()),
        max_call_time(OrEndless(options.max_call_time)),
        max_queue_time(OrEndless(options.max_queue_time)),
        counts(metrics) {}

  RateLimits rates;
  LoginGuard logins;
  StreamSlots streams;
  ByteBudget request_bytes;
  const absl::Duration max_call_time;
  const absl::Duration max_queue_time;
  metrics::LimitMetrics& counts;

 private:
  static absl::Duration OrEndless(absl::Duration duration) {
    return duration > absl::ZeroDuration() ? duration : absl::InfiniteDuration();
  }
};

}  // namespace innkeeper::limits

#endif  // INNKEEPER_SERVER_LIMITS_CALL_LIMITS_H_
