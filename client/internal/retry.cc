#include "client/internal/retry.h"

#include "client/error_info.h"
#include "client/internal/backoff.h"

namespace innkeeper::client_internal {
namespace {

// Whether an error that Innkeeper did not send may be gone the next time: a connection
// broke, a proxy had no server, a server ended at this very moment.
bool IsTransientInNetwork(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kInternal:
      return true;
    default:
      return false;
  }
}

class RetryPolicy {
 public:
  // Returns whether another attempt may come to another end than this one, which
  // failed. To be asked about each attempt in turn.
  bool Continues(const absl::Status& error) {
    switch (ErrorReasonOf(error)) {
      case v1::ERROR_REASON_UNSPECIFIED:
        outcome_unknown_ = true;
        return IsTransientInNetwork(error.code());
      case v1::ERROR_REASON_STORAGE_UNAVAILABLE:
      case v1::ERROR_REASON_STORAGE_FULL:
      case v1::ERROR_REASON_STORAGE_READ_ONLY:
        outcome_unknown_ = true;
        return true;
      case v1::ERROR_REASON_CONFLICT:
      case v1::ERROR_REASON_OVERLOADED:
      case v1::ERROR_REASON_RATE_LIMITED:
      case v1::ERROR_REASON_ROOM_CREATION_RATE_LIMITED:
      case v1::ERROR_REASON_SHUTTING_DOWN:
        return true;
      case v1::ERROR_REASON_ROOM_UPGRADE_IN_PROGRESS:
        // Perhaps an earlier attempt's own, whose response comes when it is done.
        return outcome_unknown_;
      default:
        return false;
    }
  }

 private:
  // Whether an earlier attempt may have got through.
  bool outcome_unknown_ = false;
};

}  // namespace

absl::Status CallWithRetries(const BackoffOptions& backoff_options,
                             const ClientSurroundings& surroundings, absl::Time deadline,
                             absl::FunctionRef<absl::Status()> attempt,
                             const absl::Notification& stop) {
  Backoff backoff(backoff_options, surroundings.random);
  RetryPolicy policy;
  while (true) {
    absl::Status status = attempt();
    if (status.ok() || !policy.Continues(status)) return status;
    const absl::Duration delay =
        backoff.Next() + RetryDelayOf(status).value_or(absl::ZeroDuration());
    if (surroundings.now() + delay >= deadline) return status;
    surroundings.sleep(delay, stop);
    if (stop.HasBeenNotified()) return status;
  }
}

absl::Status CallWithRetries(const BackoffOptions& backoff, const ClientSurroundings& surroundings,
                             absl::Time deadline, absl::FunctionRef<absl::Status()> attempt) {
  return CallWithRetries(backoff, surroundings, deadline, attempt, absl::Notification());
}

}  // namespace innkeeper::client_internal
