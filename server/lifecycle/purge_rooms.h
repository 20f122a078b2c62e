// File: server/lifecycle/purge_rooms.h
//
// How what deleted rooms (delete_room.h) have left in the store is removed behind their
// deletion.

#ifndef INNKEEPER_SERVER_LIFECYCLE_PURGE_ROOMS_H_
#define INNKEEPER_SERVER_LIFECYCLE_PURGE_ROOMS_H_

#include <atomic>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "storage/engine.h"

namespace innkeeper::lifecycle {

// Removes what a deleted room of this id has left, if there was one and somebody else does
// not finish that first. Blocks. Errors of RoomErasure.
absl::Status PurgeRoom(storage::Engine& engine, const std::string& room_id);

// Purges deleted rooms one after another, wherever an earlier purge broke off. Purge() is for
// one thread at a time, Stop() for any.
class RoomPurger {
 public:
  // `engine` must outlive the purger.
  explicit RoomPurger(storage::Engine& engine) : engine_(engine) {}

  // Purges all rooms that are deleted at the time of the call. What fails is logged, and
  // tried again ten seconds later at the earliest, by another call. Blocks.
  void Purge(absl::Time now);

  // Has Purge() return soon, also in later calls.
  void Stop() { is_stopped_ = true; }

 private:
  absl::Status PurgeAll();

  storage::Engine& engine_;
  std::atomic<bool> is_stopped_ = false;
  absl::Time next_try_ = absl::InfinitePast();
};

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_PURGE_ROOMS_H_
