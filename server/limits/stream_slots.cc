#include "server/limits/stream_slots.h"

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/errors/errors.h"
#include "server/limits/limit_errors.h"

namespace innkeeper::limits {
namespace {

// Streams last; one more try a second is soon enough.
constexpr absl::Duration kRetryDelay = absl::Seconds(1);

}  // namespace

absl::StatusOr<StreamSlots::Slot> StreamSlots::Take(const std::string& principal) {
  const absl::MutexLock lock(&mutex_);
  if (most_ > 0 && taken_ >= most_) return WithRetryDelay(Overloaded("max_streams"), kRetryDelay);
  size_t& of_principal = by_principal_[principal];
  if (most_per_principal_ > 0 && of_principal >= most_per_principal_) {
    return WithRetryDelay(
        LimitExceeded("max_streams_per_principal", absl::StrCat("principal:", principal),
                      static_cast<int64_t>(most_per_principal_),
                      "you have as many streams open as you may; end one before you open another"),
        kRetryDelay);
  }
  ++of_principal;
  ++taken_;
  metrics_.open_streams.Add(1);
  return Slot(*this, principal);
}

void StreamSlots::Free(const std::string& principal) {
  const absl::MutexLock lock(&mutex_);
  const auto of_principal = by_principal_.find(principal);
  if (--of_principal->second == 0) by_principal_.erase(of_principal);
  --taken_;
  metrics_.open_streams.Add(-1);
}

}  // namespace innkeeper::limits
