// File: server/lifecycle/supervisor.h
//
// The use cases of the service Supervision that are not about upgrades alone (those are
// RoomUpgrader's): deciding on creations, and listing all that waits for an approval.

#ifndef INNKEEPER_SERVER_LIFECYCLE_SUPERVISOR_H_
#define INNKEEPER_SERVER_LIFECYCLE_SUPERVISOR_H_

#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "innkeeper/v1/room_lifecycle.pb.h"
#include "innkeeper/v1/supervision.pb.h"
#include "server/audit/trail.h"
#include "server/base/clock.h"
#include "server/base/signed_token.h"
#include "server/lifecycle/approvals.h"
#include "server/lifecycle/create_room.h"
#include "server/lifecycle/request_log.h"
#include "server/lifecycle/transaction.h"
#include "storage/engine.h"

namespace innkeeper::lifecycle {

// Approves or rejects.
struct DecideCreationCommand {
  std::string approval_id;
  Approver approver;
  RequestIdentity identity;
};

// Makes the command of a stored CreateRoomRequest again, which `principal` had made.
using ReadCreateRequest = absl::FunctionRef<CreateRoomCommand(const v1::CreateRoomRequest& request,
                                                              const std::string& principal)>;

// Thread-safe.
class Supervisor {
 public:
  struct Options {
    absl::Duration request_retention = absl::Hours(24);
    // Left by what is given up.
    audit::Trail maintenance_trail = {};
  };

  // The references must outlive the supervisor.
  Supervisor(storage::Engine& engine, const Clock& clock, const TokenSigner& signer,
             RoomCreator& creator, Options options)
      : engine_(engine),
        clock_(clock),
        signer_(signer),
        creator_(creator),
        options_(std::move(options)) {}

  // The write that creates a room which waits for this approval, as the creator would now,
  // and records the room for the request that had asked for it. Blocks on a read. Errors, of
  // the write too: those documented for the RPC, and those without a reason that are internal.
  absl::StatusOr<Write<v1::ApproveCreationResponse>> Approve(DecideCreationCommand command,
                                                             ReadCreateRequest read_request) const;

  // The write that ends the waiting of a creation. Errors as above.
  Write<v1::RejectCreationResponse> Reject(DecideCreationCommand command) const;

  // What waits, creations and upgrades, of the audiences in `scope`. Blocks. Errors as above.
  absl::StatusOr<v1::ListPendingApprovalsResponse> List(
      const v1::ListPendingApprovalsRequest& request, const AudienceScope& scope) const;

  // Ends the waiting of the creations whose time has run out. Blocks. Errors of RoomReader
  // and of CommitResult.
  absl::Status Expire();

 private:
  storage::Engine& engine_;
  const Clock& clock_;
  const TokenSigner& signer_;
  RoomCreator& creator_;
  const Options options_;
};

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_SUPERVISOR_H_
