// File: server/limits/rate_limits.h
//
// How often things may be done: which kind of call takes from which token buckets.

#ifndef INNKEEPER_SERVER_LIMITS_RATE_LIMITS_H_
#define INNKEEPER_SERVER_LIMITS_RATE_LIMITS_H_

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/base/clock.h"
#include "server/limits/token_buckets.h"
#include "server/limits/toll.h"
#include "server/metrics/metrics.h"

namespace innkeeper::limits {

// What a method does, as far as limits go.
enum class Work {
  kRead,
  kStream,   // a stream that stays open
  kUpload,   // a stream of messages from the caller, which is a write
  kWrite,    // a write that is none of the following
  kCreate,   // makes a room
  kUpgrade,  // replaces a room
  kInvite,
  kJoin,        // or knocks
  kMessage,     // sends an event, or sets state
  kModeration,  // an event that no flood of others may keep out: a redaction, a kick, a leave
};

// True if work of that kind changes something.
bool IsWrite(Work work);

// What is limited. Each has a name, that of the option which sets its rate.
enum class Bucket {
  kPrincipalReads,  // calls of a principal
  kPrincipalWrites,
  kCreations,  // of a user
  kUpgrades,
  kInvites,
  kJoins,
  kMessages,
  kRoomInvites,  // in a room
  kRoomJoins,
  kRoomMessages,
  kFailedLogins,  // from an address
};
inline constexpr size_t kBucketCount = 11;

absl::string_view NameOf(Bucket bucket);

// What happens when there is no token left.
enum class Enforcement {
  kEnforce,  // the call is refused
  kObserve,  // it is counted, and goes through
  kOff,      // nothing is counted
};

struct RateLimitOptions {
  Enforcement enforcement = Enforcement::kEnforce;
  std::array<Rate, kBucketCount> rates = {};  // by Bucket

  Rate& operator[](Bucket bucket) { return rates[static_cast<size_t>(bucket)]; }
};

// The buckets of a server. Thread-safe.
class RateLimits {
 public:
  // The references must outlive the object.
  RateLimits(const RateLimitOptions& options, const Clock& clock, metrics::LimitMetrics& metrics);

  // Takes what a call costs the principal that makes it. RATE_LIMITED if it made too many.
  absl::Status TakeCall(Work work, const std::string& principal);

  // What such a write costs `user`, for whom it is made, and the room that it changes; "" where
  // there is none. Errors of Pay(): RATE_LIMITED, ROOM_CREATION_RATE_LIMITED. Null if nothing
  // limits it. The tolls must not outlive this object.
  std::unique_ptr<Toll> UserToll(Work work, absl::string_view user);
  std::unique_ptr<Toll> RoomToll(Work work, absl::string_view room_id);

  // What taking a token came to.
  struct Taking {
    bool taken = false;        // there was one, which can be given back
    absl::Duration wait = {};  // for how long the caller is refused, if at all
  };

  // For single buckets, as of TokenBuckets. With Enforcement::kOff nobody is refused, and
  // with kObserve neither, but what is missing is counted.
  Taking Take(Bucket bucket, absl::string_view key);
  absl::Duration WaitFor(Bucket bucket, absl::string_view key);
  void GiveBack(Bucket bucket, absl::string_view key);

  bool IsLimited(Bucket bucket) const;

 private:
  std::unique_ptr<Toll> TollOf(std::optional<Bucket> bucket, absl::string_view kind,
                               absl::string_view key);
  TokenBuckets& Of(Bucket bucket) { return *buckets_[static_cast<size_t>(bucket)]; }
  absl::Duration Enforced(Bucket bucket, absl::Duration wait);

  const Enforcement enforcement_;
  const Clock& clock_;
  metrics::LimitMetrics& metrics_;
  std::array<std::unique_ptr<TokenBuckets>, kBucketCount> buckets_;
};

}  // namespace innkeeper::limits

#endif  // INNKEEPER_SERVER_LIMITS_RATE_LIMITS_H_
