// File: server/lifecycle/visible_room.h
//
// Who may read a room.

#ifndef INNKEEPER_SERVER_LIFECYCLE_VISIBLE_ROOM_H_
#define INNKEEPER_SERVER_LIFECYCLE_VISIBLE_ROOM_H_

#include <string>

#include "absl/status/statusor.h"
#include "server/base/audience.h"
#include "storage/engine.h"
#include "storage/records.pb.h"
#include "storage/room_store.h"

namespace innkeeper::lifecycle {

// Returns the room, if `requester` is joined to it or, with no requester (""), if its
// audience is in `scope`. Otherwise ROOM_NOT_FOUND, or the errors of RoomReader.
absl::StatusOr<storage::RoomRecord> ReadVisibleRoom(const storage::RoomReader& reader,
                                                    const std::string& room_id,
                                                    const std::string& requester,
                                                    const AudienceScope& scope);

// As ReadVisibleRoom with a reader of `engine` and `tier`, for those who read nothing else:
// cheaper for rooms that are read often.
absl::StatusOr<storage::RoomRecord> LookUpVisibleRoom(const storage::Engine& engine,
                                                      storage::ReadTier tier,
                                                      const std::string& room_id,
                                                      const std::string& requester,
                                                      const AudienceScope& scope);

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_VISIBLE_ROOM_H_
