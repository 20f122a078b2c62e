#include "server/metrics/action_rates.h"

#include <algorithm>

namespace innkeeper::metrics {
namespace {

constexpr absl::string_view kActions[] = {"CreateRoom", "UpgradeRoom", "ApproveCreation",
                                          "ApproveUpgrade"};

bool IsServiceFault(absl::StatusCode code, absl::string_view reason, absl::Duration allowed) {
  switch (code) {
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kDataLoss:
    case absl::StatusCode::kUnknown:
      return true;
    case absl::StatusCode::kUnavailable:
      return reason != "SHUTTING_DOWN";  // somebody wants it so
    case absl::StatusCode::kDeadlineExceeded:
      return allowed >= kLeastAllowance;
    default:
      return reason == "CONFLICT" || reason == "OVERLOADED";
  }
}

}  // namespace

std::optional<bool> ActionOutcome(absl::string_view method, absl::StatusCode code,
                                  absl::string_view reason, absl::Duration allowed) {
  if (std::find(std::begin(kActions), std::end(kActions), method) == std::end(kActions)) {
    return std::nullopt;
  }
  if (code == absl::StatusCode::kOk) return true;
  if (IsServiceFault(code, reason, allowed)) return false;
  return std::nullopt;
}

void ActionRates::CountAction(bool succeeded) {
  absl::MutexLock lock(&mutex_);
  ActionCounts& current = Current();
  ++(succeeded ? current.succeeded : current.failed);
}

void ActionRates::CountRecovery() {
  absl::MutexLock lock(&mutex_);
  ++Current().recovered;
}

ActionCounts ActionRates::counts() {
  absl::MutexLock lock(&mutex_);
  Current();
  ActionCounts sum;
  for (const ActionCounts& step : steps_) {
    sum.succeeded += step.succeeded;
    sum.failed += step.failed;
    sum.recovered += step.recovered;
  }
  return sum;
}

ActionCounts& ActionRates::Current() {
  const int64_t now =
      absl::ToInt64Nanoseconds(clock_() - absl::UnixEpoch()) / absl::ToInt64Nanoseconds(step_);
  const int64_t first_new = std::max(latest_step_, now - static_cast<int64_t>(kSteps)) + 1;
  for (int64_t step = first_new; step <= now; ++step) {
    steps_[static_cast<size_t>(step) % kSteps] = {};
  }
  latest_step_ = std::max(latest_step_, now);
  return steps_[static_cast<size_t>(latest_step_) % kSteps];
}

}  // namespace innkeeper::metrics
