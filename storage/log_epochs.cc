#include "storage/log_epochs.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <glog/logging.h>

namespace innkeeper::storage {

LogEpochs::LogEpochs(std::vector<LogEpoch> epochs) : epochs_(std::move(epochs)) {
  CHECK(!epochs_.empty());
}

uint64_t LogEpochs::IdAt(LogPosition position) const {
  // Nearly always the newest.
  const auto epoch = std::find_if(epochs_.rbegin(), epochs_.rend(), [&](const LogEpoch& candidate) {
    return candidate.first <= position;
  });
  return epoch == epochs_.rend() ? epochs_.front().id : epoch->id;
}

std::optional<LogPosition> LogEpochs::EndOf(uint64_t id) const {
  const auto epoch = std::find_if(epochs_.begin(), epochs_.end(),
                                  [&](const LogEpoch& candidate) { return candidate.id == id; });
  if (epoch == epochs_.end()) return std::nullopt;
  const auto next = epoch + 1;
  return next == epochs_.end() ? std::numeric_limits<LogPosition>::max() : next->first - 1;
}

}  // namespace innkeeper::storage
