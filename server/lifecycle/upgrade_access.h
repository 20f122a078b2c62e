// File: server/lifecycle/upgrade_access.h
//
// Who may replace a room, or end that.

#ifndef INNKEEPER_SERVER_LIFECYCLE_UPGRADE_ACCESS_H_
#define INNKEEPER_SERVER_LIFECYCLE_UPGRADE_ACCESS_H_

#include <string>

#include "absl/status/statusor.h"
#include "server/base/audience.h"
#include "server/rooms/old_room.h"
#include "server/rooms/upgrade_options.h"
#include "storage/records.pb.h"
#include "storage/room_store.h"

namespace innkeeper::lifecycle {

// The user on whose behalf a call about an upgrade comes, and what the caller may do.
struct UpgradeActor {
  std::string requester;
  // The caller is an administrator, and asks as one; see rooms::ChooseSender.
  bool as_administrator = false;
  // Of the rooms that `requester` is not joined to, the caller may know of those of these
  // audiences.
  AudienceScope may_know_of = AudienceScope::Nothing();
};

// Returns the room, if the caller may know of it; else ROOM_NOT_FOUND, or the errors of
// RoomReader.
absl::StatusOr<storage::Stored<storage::RoomRecord>> ReadKnownRoom(
    const storage::RoomReader& reader, const std::string& room_id, const UpgradeActor& actor);

// Adds to `old_room`, whose other state is there, the members that an upgrade has to know from
// its start: those of rooms::NamedMembers, and where an administrator needs one who may send
// its events and none of these may, one whose power is everybody's. Errors of RoomReader;
// DATA_LOSS if a content is no JSON.
absl::Status AddNamedMembers(const storage::RoomReader& reader, const storage::RoomRecord& room,
                             const UpgradeActor& actor, const rooms::UpgradeOptions& options,
                             const std::string& server_name, rooms::OldRoom& old_room);

// Returns who sends the events of an upgrade, if it may be carried out. Errors of
// rooms::ChooseSender and rooms::CheckNewCreators.
absl::StatusOr<std::string> Permit(const rooms::OldRoom& old_room, const UpgradeActor& actor,
                                   const rooms::UpgradeOptions& options,
                                   const std::string& server_name);

// As Permit, for a stored room. Reads what that depends on and no more; also its errors.
absl::StatusOr<std::string> PermitUpgrade(const storage::RoomReader& reader,
                                          const storage::RoomRecord& room,
                                          const UpgradeActor& actor,
                                          const rooms::UpgradeOptions& options,
                                          const std::string& server_name);

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_UPGRADE_ACCESS_H_
