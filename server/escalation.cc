#include "server/escalation.h"

#include <glog/logging.h>

#include "absl/time/time.h"
#include "server/events/event_codec.h"
#include "storage/room_store.h"

namespace innkeeper {

void Escalation::Check() {
  const metrics::ActionCounts counts = rates_.counts();
  const double errors = counts.error_percent();
  const bool begins = !active_ && counts.actions() >= kMinActions && errors > threshold_percent_;
  const bool is_over = active_ && errors < threshold_percent_ / 2;
  if (begins || is_over) {
    active_ = begins;
    Note(counts);
  }
  while (!untold_.empty()) {
    storage::RoomCommit commit;
    commit.AppendLog(untold_.front());
    if (!CommitAndWait(engine_, commit.Take()).status.ok()) return;
    untold_.pop_front();
  }
}

void Escalation::Note(const metrics::ActionCounts& counts) {
  v1::ServiceEscalation escalation;
  escalation.set_active(active_);
  escalation.set_error_rate_percent(counts.error_percent());
  escalation.set_threshold_percent(threshold_percent_);
  escalation.set_action_count(counts.actions());
  escalation.set_window_seconds(absl::ToInt64Seconds(rates_.window()));
  untold_.push_back(EncodeEvent(escalation));
  LOG(WARNING) << (active_ ? "escalation: " : "the escalation is over: ") << counts.failed << " of "
               << counts.actions() << " creations and upgrades failed within " << rates_.window();
}

}  // namespace innkeeper
