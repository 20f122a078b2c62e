// File: server/subscriptions/buckets.h
//
// The parts into which the rooms of a subscription are divided, so that its consumers
// can share them.

#ifndef INNKEEPER_SERVER_SUBSCRIPTIONS_BUCKETS_H_
#define INNKEEPER_SERVER_SUBSCRIPTIONS_BUCKETS_H_

#include <array>
#include <cstddef>

#include "absl/strings/string_view.h"
#include "storage/engine.h"

namespace innkeeper::subscriptions {

// Stands in records: never changes.
inline constexpr size_t kBuckets = 64;

// The bucket of a room. The same in every process and release.
size_t BucketOf(absl::string_view room_id);

// A place in the log for each bucket.
using Positions = std::array<storage::LogPosition, kBuckets>;

}  // namespace innkeeper::subscriptions

#endif  // INNKEEPER_SERVER_SUBSCRIPTIONS_BUCKETS_H_
