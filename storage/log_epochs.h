// File: storage/log_epochs.h
//
// The epochs of a log: what tells a place in it from the same place in a log that
// once was its copy.
//
// A store that is copied and put back later, as by a backup or the snapshot of a
// volume, shares the log with what it replaces up to the copy; behind it each has
// entries of its own under the same positions. So an engine begins an epoch whenever
// it can't know that nothing was written elsewhere behind its head. Each epoch has an
// id of its own, drawn at random, and an entry belongs to the epoch it was written in.
// Whatever log has an epoch has the same entries up to the beginning of it, and a place
// that is named with the epoch of its entry can be checked: storage/engine.h tells how
// epochs are kept, server/feed/cursor.h uses them.

#ifndef INNKEEPER_STORAGE_LOG_EPOCHS_H_
#define INNKEEPER_STORAGE_LOG_EPOCHS_H_

#include <cstdint>
#include <optional>
#include <vector>

namespace innkeeper::storage {

// Numbers log entries: 1, 2, 3 ... 0 means "before the first".
using LogPosition = uint64_t;

// An epoch: the entries from position `first` on, up to the next epoch.
struct LogEpoch {
  uint64_t id = 0;
  LogPosition first = 0;

  bool operator==(const LogEpoch&) const = default;
};

// The epochs of one log, oldest first. The first may be any that is still known;
// places before it count as its own. Immutable.
class LogEpochs {
 public:
  // `epochs` must not be empty, nor hold an id twice, and their beginnings rise.
  explicit LogEpochs(std::vector<LogEpoch> epochs);

  // Returns the id of the epoch that `position` belongs to.
  uint64_t IdAt(LogPosition position) const;

  // Returns how far the epoch `id` is part of this log: up to the end of it, with the
  // current epoch for ever. Nothing if the log does not know the epoch.
  std::optional<LogPosition> EndOf(uint64_t id) const;

  const std::vector<LogEpoch>& all() const { return epochs_; }

 private:
  std::vector<LogEpoch> epochs_;
};

}  // namespace innkeeper::storage

#endif  // INNKEEPER_STORAGE_LOG_EPOCHS_H_
