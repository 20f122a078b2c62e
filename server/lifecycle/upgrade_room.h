// File: server/lifecycle/upgrade_room.h
//
// The use case UpgradeRoom: replaces a room by a new one.
//
// An upgrade first takes the room's lock, a durable record with a lease, in a
// commit of its own. Under it, the plan is computed from a snapshot and everything
// written in one commit, which is conditional on the old room being as in the
// snapshot; if it is not, the plan is computed anew, five times at most. Whatever
// ends an upgrade without that commit gives the lock back and tells so on the
// stream. A lock whose holder died is given back when its process is started
// again, or by any process once its lease has run out.

#ifndef INNKEEPER_SERVER_LIFECYCLE_UPGRADE_ROOM_H_
#define INNKEEPER_SERVER_LIFECYCLE_UPGRADE_ROOM_H_

#include <optional>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "innkeeper/v1/room_lifecycle.pb.h"
#include "server/base/clock.h"
#include "server/base/random.h"
#include "server/lifecycle/request_log.h"
#include "server/rooms/upgrade_options.h"
#include "storage/engine.h"
#include "storage/records.pb.h"
#include "storage/room_store.h"

namespace innkeeper::lifecycle {

struct UpgradeRoomCommand {
  std::string room_id;
  std::string requester;
  std::string new_version;
  rooms::UpgradeOptions options;
  // The caller is an administrator, and asks as one; see rooms::ChooseSender.
  bool as_administrator = false;
  RequestIdentity identity;
  bool validate_only = false;
  // The caller may know of rooms that `requester` is not joined to.
  bool may_read_all = false;
};

// Upgrades rooms. Thread-safe. Its methods block.
class RoomUpgrader {
 public:
  struct Options {
    std::string server_name;
    // Tells this process apart from others that work on the same store, and
    // stays the same when it is started again.
    std::string instance_name;
    absl::Duration lease = absl::Seconds(30);
    absl::Duration request_retention = absl::Hours(24);
  };

  // The references must outlive the upgrader.
  RoomUpgrader(storage::Engine& engine, const Clock& clock, const RandomBytes& random,
               Options options);

  // Upgrades the room, or with validate_only returns what would be done. A
  // request that was carried out before gets the response of that time. Errors as
  // documented for the RPC, and those without a reason that are internal.
  absl::StatusOr<v1::UpgradeRoomResponse> Upgrade(const UpgradeRoomCommand& command);

  // Gives back the locks of upgrades that this instance left behind. To be called
  // at start, before the first Upgrade.
  absl::Status RecoverOwn();

  // Gives back the locks of all upgrades whose lease has run out.
  absl::Status RecoverExpired();

 private:
  struct Draft;

  absl::StatusOr<std::string> Lock(const UpgradeRoomCommand& command);
  absl::StatusOr<v1::UpgradeRoomResponse> RunLocked(const UpgradeRoomCommand& command,
                                                    const std::string& upgrade_id);
  absl::StatusOr<std::optional<v1::UpgradeRoomResponse>> TryCommit(
      const UpgradeRoomCommand& command, const std::string& upgrade_id);
  absl::StatusOr<v1::UpgradeRoomResponse> Preview(const UpgradeRoomCommand& command);
  absl::StatusOr<Draft> MakeDraft(const UpgradeRoomCommand& command,
                                  const storage::RoomReader& reader,
                                  storage::Stored<storage::RoomRecord> old_room) const;
  absl::Status Release(const std::string& room_id, const std::string& upgrade_id,
                       v1::UpgradeFailureReason reason);
  absl::Status Recover(absl::FunctionRef<bool(const storage::UpgradeRecord&)> is_dead);
  void ReportRefusal(const UpgradeRoomCommand& command, v1::UpgradeFailureReason reason);

  storage::Engine& engine_;
  const Clock& clock_;
  const RandomBytes& random_;
  const Options options_;
};

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_UPGRADE_ROOM_H_
