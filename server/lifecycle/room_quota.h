// File: server/lifecycle/room_quota.h
//
// How many rooms each user may have created.

#ifndef INNKEEPER_SERVER_LIFECYCLE_ROOM_QUOTA_H_
#define INNKEEPER_SERVER_LIFECYCLE_ROOM_QUOTA_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/base/clock.h"
#include "server/limits/toll.h"
#include "storage/engine.h"

namespace innkeeper::lifecycle {

// Counts the rooms that users have created with CreateRoom: those that the store has, which
// are counted when a user comes for the first time, and those that are being created. Within
// a process no user gets beyond the limit, however many creations run side by side; of what
// other processes on the store create it hears within a minute, and of what is deleted, too,
// or within a second for a user who has no place left. See
// docs/decisions/0030-limits.md. Thread-safe.
class RoomQuota {
 public:
  // `most` is the limit, 0: none. The references must outlive the quota.
  RoomQuota(const storage::Engine& engine, const Clock& clock, int64_t most)
      : engine_(engine), clock_(clock), most_(most) {}

  // What a room of `creator` costs: a place among those that they may have, which is given
  // back if the room is not created. Errors of Pay(): LIMIT_EXCEEDED; those of RoomReader. It
  // may block on the disk. Null without a limit. Must not outlive the quota.
  std::unique_ptr<limits::Toll> TollFor(const std::string& creator);

 private:
  class PlaceToll;

  struct Count {
    int64_t rooms = 0;    // those that are being created included
    int64_t pending = 0;  // those that are being created
    int64_t settled = 0;  // creations that have ended, one way or the other
    int counters = 0;     // threads that are counting those in the store
    absl::Time counted = absl::InfinitePast();
  };

  absl::Status Take(const std::string& creator);
  absl::Status TakePlace(const std::string& creator, Count& count) const;
  // A creation of `creator` is over.
  void Settle(const std::string& creator, bool is_created);
  bool IsFresh(const Count& count) const;
  void ForgetSome() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const storage::Engine& engine_;
  const Clock& clock_;
  const int64_t most_;
  absl::Mutex mutex_;
  absl::flat_hash_map<std::string, Count> counts_ ABSL_GUARDED_BY(mutex_);  // by creator
};

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_ROOM_QUOTA_H_
