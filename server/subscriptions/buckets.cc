#include "server/subscriptions/buckets.h"

#include <cstdint>

namespace innkeeper::subscriptions {

// FNV-1a, whose high bits are the better ones.
size_t BucketOf(absl::string_view room_id) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char byte : room_id) {
    hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  }
  return (hash ^ hash >> 32) % kBuckets;
}

}  // namespace innkeeper::subscriptions
