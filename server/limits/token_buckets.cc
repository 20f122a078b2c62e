#include "server/limits/token_buckets.h"

#include <algorithm>

#include "absl/hash/hash.h"

namespace innkeeper::limits {
namespace {

// Below this size a shard is not worth a sweep.
constexpr size_t kMinSweepSize = 256;

// Whoever has waited for as long as they were told, which is rounded to this many seconds,
// gets a token.
constexpr double kRounding = 1e-9;

uint64_t HashOf(absl::string_view key) { return absl::Hash<absl::string_view>{}(key); }

}  // namespace

TokenBuckets::TokenBuckets(Rate rate) : rate_(rate), whole_(1 - kRounding * rate.per_second) {
  for (Shard& shard : shards_) {
    const absl::MutexLock lock(&shard.mutex);
    shard.sweep_at_size = kMinSweepSize;
  }
}

absl::Duration TokenBuckets::Take(absl::string_view key, absl::Time now) {
  if (!is_limited()) return absl::ZeroDuration();
  const uint64_t hash = HashOf(key);
  Shard& shard = ShardOf(hash);
  const absl::MutexLock lock(&shard.mutex);
  if (shard.buckets.size() >= shard.sweep_at_size) ForgetFull(shard, now);
  Bucket& bucket =
      shard.buckets.try_emplace(hash, Bucket{static_cast<double>(rate_.burst), now}).first->second;
  bucket.tokens = TokensAt(bucket, now);
  bucket.updated = now;
  if (bucket.tokens < whole_) return WaitAt(bucket.tokens);
  bucket.tokens -= 1;
  return absl::ZeroDuration();
}

absl::Duration TokenBuckets::WaitFor(absl::string_view key, absl::Time now) {
  if (!is_limited()) return absl::ZeroDuration();
  const uint64_t hash = HashOf(key);
  Shard& shard = ShardOf(hash);
  const absl::MutexLock lock(&shard.mutex);
  const auto bucket = shard.buckets.find(hash);
  if (bucket == shard.buckets.end()) return absl::ZeroDuration();
  // Else nothing would be gained until a clock that was set back is where it was.
  bucket->second.updated = std::min(bucket->second.updated, now);
  const double tokens = TokensAt(bucket->second, now);
  return tokens < whole_ ? WaitAt(tokens) : absl::ZeroDuration();
}

void TokenBuckets::GiveBack(absl::string_view key, absl::Time now) {
  const uint64_t hash = HashOf(key);
  Shard& shard = ShardOf(hash);
  const absl::MutexLock lock(&shard.mutex);
  const auto bucket = shard.buckets.find(hash);
  if (bucket == shard.buckets.end()) return;
  bucket->second.tokens =
      std::min(TokensAt(bucket->second, now) + 1, static_cast<double>(rate_.burst));
  bucket->second.updated = now;
}

size_t TokenBuckets::size() const {
  size_t size = 0;
  for (const Shard& shard : shards_) {
    const absl::MutexLock lock(&shard.mutex);
    size += shard.buckets.size();
  }
  return size;
}

double TokenBuckets::TokensAt(const Bucket& bucket, absl::Time now) const {
  const double gained =
      std::max(0.0, absl::ToDoubleSeconds(now - bucket.updated)) * rate_.per_second;
  return std::min(static_cast<double>(rate_.burst), bucket.tokens + gained);
}

absl::Duration TokenBuckets::WaitAt(double tokens) const {
  return absl::Seconds((1 - tokens) / rate_.per_second);
}

void TokenBuckets::ForgetFull(Shard& shard, absl::Time now) const {
  absl::erase_if(shard.buckets,
                 [&](const auto& entry) { return TokensAt(entry.second, now) >= rate_.burst; });
  shard.sweep_at_size = std::max(kMinSweepSize, 2 * shard.buckets.size());
}

}  // namespace innkeeper::limits
