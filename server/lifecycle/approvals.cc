#include "server/lifecycle/approvals.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "innkeeper/v1/room_lifecycle.pb.h"
#include "server/errors/errors.h"
#include "server/lifecycle/stored_message.h"
#include "server/limits/limit_errors.h"
#include "server/values/timestamp.h"

namespace innkeeper::lifecycle {
namespace {

constexpr size_t kApprovalIdBytes = 16;

template <typename Request>
absl::StatusOr<std::string> RequestIdIn(const std::string& bytes) {
  Request request;
  absl::Status parsed = ParseStored(bytes, &request);
  if (!parsed.ok()) return parsed;
  return request.request_id();
}

absl::StatusOr<std::string> RequestIdOf(const storage::ApprovalRecord& record,
                                        v1::SupervisedAction action) {
  return action == v1::SUPERVISED_ACTION_UPGRADE
             ? RequestIdIn<v1::UpgradeRoomRequest>(record.request())
             : RequestIdIn<v1::CreateRoomRequest>(record.request());
}

absl::Status RequestIdReused() {
  FieldErrors errors;
  errors.Add("request_id",
             "was used for another request, which waits for an approval; take a new one for every "
             "request that differs");
  return errors.ToStatus(v1::ERROR_REASON_REQUEST_ID_REUSED);
}

absl::Status TooManyWait(const std::string& principal) {
  return limits::LimitExceeded(
      "pending_approvals", absl::StrCat("principal:", principal), kMaxWaitingRequests,
      "as much of what the caller asked for waits for an approval as may; ask again once some of "
      "it was decided on");
}

absl::Status TooLargeToWait() {
  return MakeError(
      absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_INVALID_REQUEST,
      absl::StrCat("the request has more than ", kMaxWaitingRequestBytes,
                   " bytes, the most that can wait for an approval; leave out what can be set once "
                   "the room is there, such as some of initial_state"));
}

// The approval of `record`, if it waits for the same request.
absl::StatusOr<std::optional<v1::PendingApproval>> MatchRequest(
    const storage::ApprovalRecord& record, const Supervised& supervised,
    v1::SupervisedAction action) {
  if (supervised.request_id.empty()) return std::nullopt;
  auto approval = PendingApprovalIn(record);
  if (!approval.ok()) return approval.status();
  auto request_id = RequestIdOf(record, approval->action());
  if (!request_id.ok()) return request_id.status();
  if (*request_id != supervised.request_id) return std::nullopt;
  if (approval->action() == action && record.request() == supervised.request) {
    return *std::move(approval);
  }
  return RequestIdReused();
}

}  // namespace

absl::Status ApprovalNotFound(const std::string& approval_id) {
  return WithResource(
      MakeError(absl::StatusCode::kNotFound, v1::ERROR_REASON_APPROVAL_NOT_FOUND,
                "nothing waits for this approval: it was decided on already, has expired, or you "
                "may not know of it; ListPendingApprovals has what waits"),
      "approval", approval_id);
}

bool AskedForIt(const Approver& approver, const storage::ApprovalRecord& record) {
  return approver.principal == record.principal();
}

absl::Status CheckIsAnother(const Approver& approver, const storage::ApprovalRecord& record) {
  if (!AskedForIt(approver, record)) return absl::OkStatus();
  return MakeError(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_OWN_REQUEST,
                   "another principal than the one that asked for it has to approve it");
}

absl::StatusOr<v1::PendingApproval> PendingApprovalIn(const storage::ApprovalRecord& record) {
  v1::PendingApproval approval;
  absl::Status parsed = ParseStored(record.approval(), &approval);
  if (!parsed.ok()) return parsed;
  return approval;
}

bool AwaitsApproval(const storage::RoomRecord& room) {
  return !room.upgrade().approval_id().empty();
}

v1::PendingApproval PendingApprovalOf(const storage::RoomRecord& room) {
  const storage::UpgradeRecord& lock = room.upgrade();
  v1::PendingApproval approval;
  approval.set_approval_id(lock.approval_id());
  approval.set_action(v1::SUPERVISED_ACTION_UPGRADE);
  approval.set_room_id(room.room_id());
  approval.set_requester(lock.requester());
  approval.set_room_version(lock.new_version());
  approval.set_audience(room.audience());
  SetTimestamp(lock.start_time_us(), approval.mutable_request_time());
  SetTimestamp(lock.lease_expire_time_us(), approval.mutable_expire_time());
  return approval;
}

absl::StatusOr<std::optional<v1::PendingApproval>> FindWaiting(const storage::RoomReader& reader,
                                                               const Supervised& supervised,
                                                               v1::SupervisedAction action,
                                                               absl::Time now) {
  int count = 0;
  size_t bytes = supervised.request.size();
  absl::StatusOr<std::optional<v1::PendingApproval>> match = std::nullopt;
  absl::Status scanned = reader.ScanApprovals("", [&](const std::string&, const auto& approval) {
    if (approval.record.principal() != supervised.principal) return true;
    ++count;
    bytes += approval.record.request().size();
    if (approval.record.expire_time_us() <= absl::ToUnixMicros(now)) return true;
    match = MatchRequest(approval.record, supervised, action);
    return match.ok() && !match->has_value();
  });
  if (!scanned.ok()) return scanned;
  if (!match.ok() || match->has_value()) return match;
  if (supervised.request.size() > kMaxWaitingRequestBytes) return TooLargeToWait();
  if (count >= kMaxWaitingRequests || bytes > kMaxWaitingBytes) {
    return TooManyWait(supervised.principal);
  }
  return std::nullopt;
}

std::string NewApprovalId(const RandomBytes& random) {
  return absl::BytesToHexString(random(kApprovalIdBytes));
}

void StageRequest(storage::RoomCommit& commit, const Supervised& supervised,
                  const v1::PendingApproval& approval, const RoomLabels& labels) {
  storage::ApprovalRecord record;
  record.set_approval(approval.SerializeAsString());
  record.set_principal(supervised.principal);
  record.set_request(supervised.request);
  record.set_expire_time_us(absl::ToUnixMicros(*TimeFrom(approval.expire_time())));
  commit.CreateApproval(approval.approval_id(), record);
  v1::ApprovalRequested requested;
  *requested.mutable_approval() = approval;
  commit.AppendLog(EncodeEvent(requested, labels));
}

void StageDecision(storage::RoomCommit& commit, v1::PendingApproval approval,
                   v1::ApprovalOutcome outcome, const RoomLabels& labels) {
  commit.EraseApproval(approval.approval_id());
  v1::ApprovalDecided decided;
  *decided.mutable_approval() = std::move(approval);
  decided.set_outcome(outcome);
  commit.AppendLog(EncodeEvent(decided, labels));
}

}  // namespace innkeeper::lifecycle
