// File: server/metrics/action_rates.h
//
// How well the service does what it is there for, lately: the success rate and the
// error-recovery rate (docs/supervision.md).

#ifndef INNKEEPER_SERVER_METRICS_ACTION_RATES_H_
#define INNKEEPER_SERVER_METRICS_ACTION_RATES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/base/clock.h"

namespace innkeeper::metrics {

// What was counted of actions: creations and upgrades, each a call.
struct ActionCounts {
  int64_t succeeded = 0;
  int64_t failed = 0;     // by the service's fault
  int64_t recovered = 0;  // errors that were met, and made good without anybody's help

  int64_t actions() const { return succeeded + failed; }

  // Each of all, from 0 to 1. What there was nothing of went well.
  double success_rate() const { return Ratio(succeeded, failed); }
  double recovery_rate() const { return Ratio(recovered, failed); }

  // Of every hundred actions.
  double error_percent() const {
    return actions() == 0 ? 0 : 100 * static_cast<double>(failed) / static_cast<double>(actions());
  }

 private:
  static double Ratio(int64_t good, int64_t bad) {
    const int64_t all = good + bad;
    return all == 0 ? 1 : static_cast<double>(good) / static_cast<double>(all);
  }
};

// What an action must have been allowed, from its arrival on, for a deadline that passed to be
// the service's fault.
inline constexpr absl::Duration kLeastAllowance = absl::Milliseconds(100);

// Whether a call is an action that has succeeded, or one that has failed by the service's
// fault. Nothing for calls of other methods, and for errors that the caller has to mend or
// wait for. `allowed` is how long the call was allowed to take.
std::optional<bool> ActionOutcome(absl::string_view method, absl::StatusCode code,
                                  absl::string_view reason, absl::Duration allowed);

// Counts what happened within a window of time that slides on in steps of a sixtieth of it.
// Thread-safe.
class ActionRates {
 public:
  // `window` is a second or more. The clock must outlive the object; where it is put back,
  // what was counted since counts as of the latest moment that it showed.
  ActionRates(const Clock& clock, absl::Duration window)
      : clock_(clock), window_(window), step_(window / static_cast<int64_t>(kSteps)) {}

  void CountAction(bool succeeded);
  void CountRecovery();

  // Of the window that ends now.
  ActionCounts counts();

  absl::Duration window() const { return window_; }

 private:
  static constexpr size_t kSteps = 60;

  // The step of now, behind which those that are older than the window are empty.
  ActionCounts& Current() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Clock& clock_;
  const absl::Duration window_;
  const absl::Duration step_;
  absl::Mutex mutex_;
  std::array<ActionCounts, kSteps> steps_ ABSL_GUARDED_BY(mutex_);
  int64_t latest_step_ ABSL_GUARDED_BY(mutex_) = 0;  // since the Unix epoch
};

}  // namespace innkeeper::metrics

#endif  // INNKEEPER_SERVER_METRICS_ACTION_RATES_H_
