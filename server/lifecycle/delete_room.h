// File: server/lifecycle/delete_room.h
//
// The use case DeleteRoom. One commit removes what a room is seen by: its head, its aliases,
// its place on lists. The rest, which without a head nobody sees, is purged behind that
// (purge_rooms.h).

#ifndef INNKEEPER_SERVER_LIFECYCLE_DELETE_ROOM_H_
#define INNKEEPER_SERVER_LIFECYCLE_DELETE_ROOM_H_

#include <string>

#include "absl/status/statusor.h"
#include "innkeeper/v1/room_lifecycle.pb.h"
#include "server/base/audience.h"
#include "server/lifecycle/request_log.h"
#include "server/lifecycle/transaction.h"
#include "storage/engine.h"
#include "storage/room_store.h"

namespace innkeeper::lifecycle {

struct DeleteRoomCommand {
  std::string room_id;
  // The audiences whose rooms the caller may know of.
  AudienceScope may_know_of;
  RequestIdentity identity;
};

// Deletes rooms. Thread-safe.
class RoomDeleter {
 public:
  // `engine` must outlive the deleter.
  explicit RoomDeleter(const storage::Engine& engine) : engine_(engine) {}

  // The write that deletes the room. It may read the store before it is run. Errors as
  // documented for the RPC, and those without a reason that are internal.
  Write<v1::DeleteRoomResponse> Delete(DeleteRoomCommand command) const;

 private:
  bool IsUpgrading(const std::string& room_id) const;

  const storage::Engine& engine_;
};

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_DELETE_ROOM_H_
