// File: server/limits/token_buckets.h
//
// Token buckets, one for each key.

#ifndef INNKEEPER_SERVER_LIMITS_TOKEN_BUCKETS_H_
#define INNKEEPER_SERVER_LIMITS_TOKEN_BUCKETS_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace innkeeper::limits {

// How often something may be done: `burst` times at once, and `per_second` times a second in
// the long run. 0 a second: as often as one likes.
struct Rate {
  double per_second = 0;
  int burst = 1;
};

// Each key has a bucket that holds up to `burst` tokens and gains `per_second`. Thread-safe,
// and never waits for more than a look into a table. Kept in memory: a restart fills all
// buckets.
//
// Full buckets are forgotten, so there are about as many as keys that something was taken
// from in the last `burst / per_second` seconds, at some 40 bytes each: of a key its hash
// alone is kept. A clock that is set back takes no tokens away and makes nobody wait
// for it.
class TokenBuckets {
 public:
  // `rate.per_second` >= 0, `rate.burst` >= 1.
  explicit TokenBuckets(Rate rate);

  // False if there are always tokens.
  bool is_limited() const { return rate_.per_second > 0; }

  // Takes a token from the bucket of `key` and returns zero, or takes none and returns how
  // long it is until there is one.
  absl::Duration Take(absl::string_view key, absl::Time now);

  // What Take() would return, without taking.
  absl::Duration WaitFor(absl::string_view key, absl::Time now);

  // Puts back a token that was taken.
  void GiveBack(absl::string_view key, absl::Time now);

  // How many buckets are in memory.
  size_t size() const;

 private:
  struct Bucket {
    double tokens;
    absl::Time updated;
  };
  struct Shard {
    mutable absl::Mutex mutex;
    absl::flat_hash_map<uint64_t, Bucket> buckets ABSL_GUARDED_BY(mutex);  // by the key's hash
    size_t sweep_at_size ABSL_GUARDED_BY(mutex);
  };

  Shard& ShardOf(uint64_t hash) { return shards_[hash % shards_.size()]; }
  double TokensAt(const Bucket& bucket, absl::Time now) const;
  absl::Duration WaitAt(double tokens) const;
  void ForgetFull(Shard& shard, absl::Time now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(shard.mutex);

  const Rate rate_;
  const double whole_;  // what counts as a token, but for rounding
  std::array<Shard, 16> shards_;
};

}  // namespace innkeeper::limits

#endif  // INNKEEPER_SERVER_LIMITS_TOKEN_BUCKETS_H_
