#include "server/lifecycle/rate_limiter.h"

#include <algorithm>

namespace innkeeper::lifecycle {
namespace {

constexpr size_t kMinDropSize = 1024;

}  // namespace

RateLimiter::RateLimiter(double tokens_per_second, int burst)
    : tokens_per_second_(tokens_per_second), burst_(burst), drop_at_size_(kMinDropSize) {}

absl::Duration RateLimiter::Take(absl::string_view key, absl::Time now) {
  absl::MutexLock lock(&mutex_);
  if (buckets_.size() >= drop_at_size_) DropFullBuckets(now);
  Bucket& bucket = buckets_.try_emplace(key, Bucket{burst_, now}).first->second;
  bucket.tokens = TokensAt(bucket, now);
  bucket.updated = now;
  if (bucket.tokens < 1) return absl::Seconds((1 - bucket.tokens) / tokens_per_second_);
  bucket.tokens -= 1;
  return absl::ZeroDuration();
}

double RateLimiter::TokensAt(const Bucket& bucket, absl::Time now) const {
  const double gained =
      std::max(0.0, absl::ToDoubleSeconds(now - bucket.updated)) * tokens_per_second_;
  return std::min(burst_, bucket.tokens + gained);
}

void RateLimiter::DropFullBuckets(absl::Time now) {
  absl::erase_if(buckets_,
                 [&](const auto& entry) { return TokensAt(entry.second, now) >= burst_; });
  drop_at_size_ = std::max(kMinDropSize, 2 * buckets_.size());
}

}  // namespace innkeeper::lifecycle
