// File: server/lifecycle/rate_limiter.h
//
// Token buckets, one for each key.

#ifndef INNKEEPER_SERVER_LIFECYCLE_RATE_LIMITER_H_
#define INNKEEPER_SERVER_LIFECYCLE_RATE_LIMITER_H_

#include <cstddef>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace innkeeper::lifecycle {

// Each key has a bucket that holds up to `burst` tokens and gains
// `tokens_per_second`. Full buckets take no memory for long. Thread-safe. Kept in
// memory: a restart fills all buckets.
class RateLimiter {
 public:
  // `tokens_per_second` > 0, `burst` >= 1.
  RateLimiter(double tokens_per_second, int burst);

  // Takes a token from the bucket of `key` and returns zero, or takes none and
  // returns how long it is until there is one.
  absl::Duration Take(absl::string_view key, absl::Time now);

 private:
  struct Bucket {
    double tokens;
    absl::Time updated;
  };

  double TokensAt(const Bucket& bucket, absl::Time now) const;
  void DropFullBuckets(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const double tokens_per_second_;
  const double burst_;
  absl::Mutex mutex_;
  absl::flat_hash_map<std::string, Bucket> buckets_ ABSL_GUARDED_BY(mutex_);
  size_t drop_at_size_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_RATE_LIMITER_H_
