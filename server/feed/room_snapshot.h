// File: server/feed/room_snapshot.h
//
// Rooms as they are at one place in the log.

#ifndef INNKEEPER_SERVER_FEED_ROOM_SNAPSHOT_H_
#define INNKEEPER_SERVER_FEED_ROOM_SNAPSHOT_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "innkeeper/v1/room.pb.h"
#include "server/feed/event_filter.h"
#include "server/feed/logged_commit.h"
#include "storage/engine.h"
#include "storage/room_store.h"

namespace innkeeper::feed {

// The rooms that a filter chooses, page by page, by room id. Rooms that are being made by
// an upgrade are not among them. It holds a snapshot of the engine. For one thread at a
// time; its methods block.
class RoomSnapshot {
 public:
  // Shows the rooms as they are now.
  RoomSnapshot(const storage::Engine& engine, const EventFilter& filter)
      : reader_(engine), wanted_ids_(filter.SortedRoomIds()) {}

  // The place in the log whose rooms it shows. Errors of storage::Snapshot.
  absl::StatusOr<storage::LogPosition> log_head() const { return reader_.log_head(); }

  // Returns the next rooms that `filter` matches, as many as the limits and one call
  // allow; there may be none though more follow. `filter` chooses by the same `room_ids` as
  // that of the constructor. Errors of storage::RoomReader.
  absl::StatusOr<std::vector<v1::Room>> NextPage(const EventFilter& filter, StretchLimits limits);

  // True if there are no more rooms.
  bool done() const { return done_; }

 private:
  class Page;

  absl::Status ReadWantedRooms(Page& page);
  absl::Status ScanRooms(Page& page);

  storage::RoomReader reader_;
  std::vector<std::string> wanted_ids_;  // empty: all
  size_t next_wanted_ = 0;
  std::string after_;  // the last room that was looked at
  bool done_ = false;
};

}  // namespace innkeeper::feed

#endif  // INNKEEPER_SERVER_FEED_ROOM_SNAPSHOT_H_
