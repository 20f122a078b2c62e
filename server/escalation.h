// File: server/escalation.h
//
// Tells on the event stream that too much of what is asked of the service fails, and that it
// is over (docs/supervision.md).

#ifndef INNKEEPER_SERVER_ESCALATION_H_
#define INNKEEPER_SERVER_ESCALATION_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <string>

#include "server/metrics/action_rates.h"
#include "storage/engine.h"

namespace innkeeper {

// Check() is for one thread at a time, the rest for all.
class Escalation {
 public:
  // How many actions a window has to have for an escalation to begin.
  static constexpr int64_t kMinActions = 20;

  // An escalation begins when more than `threshold_percent` of the actions fail, and is over
  // when less than half of that do. The references must outlive the object.
  Escalation(storage::Engine& engine, metrics::ActionRates& rates, double threshold_percent)
      : engine_(engine), rates_(rates), threshold_percent_(threshold_percent) {}

  // Looks at the rates, and tells what has changed; what the store does not take, it tells
  // the next time, in order. Blocks. To be called every second or so.
  void Check();

  bool active() const { return active_; }

 private:
  void Note(const metrics::ActionCounts& counts);

  storage::Engine& engine_;
  metrics::ActionRates& rates_;
  const double threshold_percent_;
  std::atomic<bool> active_ = false;
  std::deque<std::string> untold_;  // events that are not in the log yet
};

}  // namespace innkeeper

#endif  // INNKEEPER_SERVER_ESCALATION_H_
