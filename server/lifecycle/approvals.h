// File: server/lifecycle/approvals.h
//
// What supervised creations and upgrades have in common: a request that waits until another
// principal approves it (docs/decisions/0034-supervision.md).
//
// It is kept as an ApprovalRecord. That of an upgrade is there as long as the room's lock
// bears its id, so that whatever changes the one is conditional on the room's head; a
// creation has nothing but the record.

#ifndef INNKEEPER_SERVER_LIFECYCLE_APPROVALS_H_
#define INNKEEPER_SERVER_LIFECYCLE_APPROVALS_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "innkeeper/v1/approval.pb.h"
#include "innkeeper/v1/room_event.pb.h"
#include "server/base/audience.h"
#include "server/base/random.h"
#include "server/events/event_codec.h"
#include "storage/records.pb.h"
#include "storage/room_store.h"

namespace innkeeper::lifecycle {

// How much of what one principal asked for may wait at a time: requests, and bytes of them.
inline constexpr int kMaxWaitingRequests = 100;
inline constexpr size_t kMaxWaitingBytes = size_t{16} << 20;

// How large one of them may be. ListPendingApprovals shows it whole, with what it is to be
// approved by, and gRPC's clients take messages of 4 MiB by default.
inline constexpr size_t kMaxWaitingRequestBytes = size_t{2} << 20;

// What is to be kept of a request that has to be approved before it is carried out.
struct Supervised {
  std::string principal;  // who asks
  // The request, serialised such that equal ones are equal; its request_id, "" if it has none.
  std::string request;
  std::string request_id;
  absl::Duration timeout;  // how long it waits at most
};

// Who decides: a principal, and the audiences that it may see.
struct Approver {
  std::string principal;
  AudienceScope scope = AudienceScope::Nothing();
};

// NOT_FOUND (APPROVAL_NOT_FOUND): the same, to the byte, for what is not there and for what
// the caller may not know of.
absl::Status ApprovalNotFound(const std::string& approval_id);

// Whether the approver asked for it.
bool AskedForIt(const Approver& approver, const storage::ApprovalRecord& record);

// PERMISSION_DENIED (OWN_REQUEST) if so.
absl::Status CheckIsAnother(const Approver& approver, const storage::ApprovalRecord& record);

// The approval that a record is about. DATA_LOSS if it is damaged.
absl::StatusOr<v1::PendingApproval> PendingApprovalIn(const storage::ApprovalRecord& record);

// True if the room is locked for an upgrade that waits for an approval. It takes events then
// as if it was not locked.
bool AwaitsApproval(const storage::RoomRecord& room);

// The approval that the upgrade of the room waits for.
v1::PendingApproval PendingApprovalOf(const storage::RoomRecord& room);

// Whether what is asked for may wait: nothing if so, or the approval that the same request
// waits for already. Errors: REQUEST_ID_REUSED if its id is that of another request that
// waits; INVALID_REQUEST if it is too large; LIMIT_EXCEEDED; those of RoomReader.
absl::StatusOr<std::optional<v1::PendingApproval>> FindWaiting(const storage::RoomReader& reader,
                                                               const Supervised& supervised,
                                                               v1::SupervisedAction action,
                                                               absl::Time now);

// An id for an approval, like no other.
std::string NewApprovalId(const RandomBytes& random);

// Has the request wait from `commit` on, and tells so on the stream. `labels` are those of
// its room.
void StageRequest(storage::RoomCommit& commit, const Supervised& supervised,
                  const v1::PendingApproval& approval, const RoomLabels& labels);

// Ends the waiting in `commit`, and tells so on the stream.
void StageDecision(storage::RoomCommit& commit, v1::PendingApproval approval,
                   v1::ApprovalOutcome outcome, const RoomLabels& labels);

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_APPROVALS_H_
