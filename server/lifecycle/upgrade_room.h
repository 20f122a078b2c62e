// File: server/lifecycle/upgrade_room.h
//
// The use cases UpgradeRoom and CancelUpgrade: how a room is replaced by a new one; and
// ApproveUpgrade and RejectUpgrade, for upgrades that are supervised.
//
// An upgrade first takes the room's lock, a durable record with a lease, in a
// commit of its own (upgrade_lock.h). Under it, the plan is computed and written
// (upgrade_run.h): a large new room part by part, everything that anybody can see in the
// last commit, which is conditional on all that it changes. If that has changed, the
// upgrade is run anew, five times at most. Whatever ends an upgrade without the last
// commit gives the lock back, tells so on the stream, and discards the parts. A lock whose
// holder died is given back when its process is started again, or by any process once
// its lease has run out; parts without a lock are discarded then.
//
// Writes to the room that come to the same process wait until the upgrade is over; others
// find the lock.
//
// A supervised upgrade takes the lock with an approval in it, after a plan that shows that
// it could be carried out, and waits: the room goes on taking events. The approval turns
// that lock into an ordinary one in a commit of its own, and from there on the upgrade is
// like any other.

#ifndef INNKEEPER_SERVER_LIFECYCLE_UPGRADE_ROOM_H_
#define INNKEEPER_SERVER_LIFECYCLE_UPGRADE_ROOM_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "innkeeper/v1/room_lifecycle.pb.h"
#include "innkeeper/v1/supervision.pb.h"
#include "server/audit/trail.h"
#include "server/base/clock.h"
#include "server/base/random.h"
#include "server/lifecycle/approvals.h"
#include "server/lifecycle/request_log.h"
#include "server/lifecycle/room_edit.h"
#include "server/lifecycle/room_succession.h"
#include "server/lifecycle/transaction.h"
#include "server/lifecycle/upgrade_access.h"
#include "server/lifecycle/upgrade_run.h"
#include "server/limits/toll.h"
#include "server/metrics/action_rates.h"
#include "server/rooms/upgrade_options.h"
#include "storage/engine.h"
#include "storage/records.pb.h"
#include "storage/room_store.h"

namespace innkeeper::lifecycle {

struct UpgradeRoomCommand {
  std::string room_id;
  UpgradeActor actor;
  std::string new_version;
  rooms::UpgradeOptions options;
  RequestIdentity identity;
  bool validate_only = false;
  // What it costs to try, whatever comes of it; may be null.
  std::shared_ptr<limits::Toll> toll = nullptr;
  // Set if it has to be approved first.
  std::optional<Supervised> supervised = std::nullopt;
  // Tells the audit log of the lock, of the upgrade, and of a lock that is given back.
  audit::Trail trail = {};
};

struct CancelUpgradeCommand {
  std::string room_id;
  UpgradeActor actor;
};

// Approves or rejects.
struct DecideUpgradeCommand {
  std::string room_id;
  std::string approval_id;
  Approver approver;
  RequestIdentity identity;
  // Tells the audit log of the approval, and of the upgrade.
  audit::Trail trail = {};
};

// Makes the command of a stored UpgradeRoomRequest again, which `principal` had made.
using ReadUpgradeRequest = absl::FunctionRef<absl::StatusOr<UpgradeRoomCommand>(
    const v1::UpgradeRoomRequest& request, const std::string& principal)>;

// Upgrades rooms. Thread-safe. Its methods block, but for Cancel.
class RoomUpgrader {
 public:
  struct Options {
    std::string server_name;
    // Tells this process apart from others that work on the same store, and
    // stays the same when it is started again.
    std::string instance_name;
    absl::Duration lease = absl::Seconds(30);
    absl::Duration request_retention = absl::Hours(24);
    // Told of upgrades that went well in the end, and of interrupted ones that were ended; may
    // be null. Must outlive the upgrader.
    metrics::ActionRates* rates = nullptr;
    // Tells the audit log of locks that the server gives back by itself.
    audit::Trail maintenance_trail = {};
  };

  // The references must outlive the upgrader.
  RoomUpgrader(storage::Engine& engine, Transactor& transactor, const Clock& clock,
               const RandomBytes& random, Options options);

  // Upgrades the room, or with validate_only returns what would be done, or if it is
  // supervised has it wait for an approval. A request that was carried out before gets the
  // response of that time, and one that waits that it does. Errors as
  // documented for the RPC, and those without a reason that are internal.
  absl::StatusOr<v1::UpgradeRoomResponse> Upgrade(const UpgradeRoomCommand& command);

  // The write that ends the upgrade of a room. Errors as above.
  Write<v1::CancelUpgradeResponse> Cancel(CancelUpgradeCommand command) const;

  // Carries out an upgrade that waits for this approval. What it comes to is recorded for
  // both requests, the approver's and the one that asked for it. Errors as above.
  absl::StatusOr<v1::UpgradeRoomResponse> Approve(const DecideUpgradeCommand& command,
                                                  ReadUpgradeRequest read_request);

  // The write that ends the waiting of an upgrade. Errors as above.
  Write<v1::RejectUpgradeResponse> Reject(DecideUpgradeCommand command) const;

  // Gives back the locks of upgrades that this instance left behind; not of those that wait
  // for an approval. To be called at start, before the first Upgrade.
  absl::Status RecoverOwn();

  // Gives back the locks of all upgrades whose lease has run out, and discards what
  // upgrades without a lock have written.
  absl::Status RecoverExpired();

 private:
  // An upgrade that was approved: what was asked for, and the lock that is an ordinary one now.
  struct Approved {
    UpgradeRoomCommand command;
    storage::UpgradeRecord lock;
  };

  absl::StatusOr<std::optional<v1::UpgradeRoomResponse>> FindOutcome(
      const storage::RoomReader& reader, const UpgradeRoomCommand& command) const;
  absl::StatusOr<storage::RoomRecord> Lock(const UpgradeRoomCommand& command);
  absl::StatusOr<v1::UpgradeRoomResponse> LockAndRun(const UpgradeRoomCommand& command);
  // Carries the upgrade out; `approval`, if not null, is the request that approved it.
  absl::StatusOr<v1::UpgradeRoomResponse> RunLocked(const UpgradeRoomCommand& command,
                                                    storage::UpgradeRecord lock,
                                                    const RequestIdentity* approval = nullptr);
  absl::StatusOr<std::optional<v1::UpgradeRoomResponse>> TryRun(const UpgradeRoomCommand& command,
                                                                storage::UpgradeRecord& lock,
                                                                const RequestIdentity* approval,
                                                                LinkRepairs& links);
  absl::StatusOr<Approved> TakeOver(const DecideUpgradeCommand& command,
                                    ReadUpgradeRequest read_request);
  absl::StatusOr<v1::UpgradeRoomResponse> Preview(const UpgradeRoomCommand& command);
  void CountRecoveries(int64_t count) const;
  absl::Status LockIsLost(const storage::UpgradeRecord& lock) const;
  UpgradeRun::Options RunOptions() const { return {options_.lease, options_.request_retention}; }
  // Tells the stream that the upgrade may not start, unless the same request is being
  // carried out already, and returns that.
  absl::StatusOr<v1::UpgradeRoomResponse> Refuse(const UpgradeRoomCommand& command,
                                                 const absl::Status& refusal);
  absl::Status LogRefusal(const UpgradeRoomCommand& command, v1::UpgradeFailureReason reason);

  storage::Engine& engine_;
  Transactor& transactor_;
  const Clock& clock_;
  const RandomBytes& random_;
  const Options options_;
  const EditContext context_;
};

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_UPGRADE_ROOM_H_
