#include "server/lifecycle/supervisor.h"

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "server/events/event_codec.h"
#include "server/lifecycle/page_token.pb.h"
#include "server/lifecycle/paging.h"
#include "server/lifecycle/stored_message.h"
#include "storage/room_store.h"

namespace innkeeper::lifecycle {
namespace {

using storage::RoomCommit;
using storage::RoomReader;

constexpr char kPurpose[] = "approvals-page";

// A creation that waits.
struct WaitingCreation {
  storage::Stored<storage::ApprovalRecord> stored;
  v1::PendingApproval approval;
};

// Errors: APPROVAL_NOT_FOUND; those of RoomReader.
absl::StatusOr<WaitingCreation> ReadWaitingCreation(const RoomReader& reader,
                                                    const DecideCreationCommand& command,
                                                    absl::Time now) {
  auto stored = reader.GetApproval(command.approval_id);
  if (!stored.ok()) return stored.status();
  if (!stored->has_value()) return ApprovalNotFound(command.approval_id);
  auto approval = PendingApprovalIn((*stored)->record);
  if (!approval.ok()) return approval.status();
  if (approval->action() != v1::SUPERVISED_ACTION_CREATE ||
      !command.approver.scope.Includes(approval->audience()) ||
      (*stored)->record.expire_time_us() <= absl::ToUnixMicros(now)) {
    return ApprovalNotFound(command.approval_id);
  }
  return WaitingCreation{**std::move(stored), *std::move(approval)};
}

// Ends the waiting of a creation in `commit`, if nobody has done so yet.
void StageCreationDecision(RoomCommit& commit, const WaitingCreation& waiting,
                           v1::ApprovalOutcome outcome) {
  const v1::PendingApproval& approval = waiting.approval;
  commit.RequireApproval(approval.approval_id(), waiting.stored.revision);
  lifecycle::StageDecision(commit, approval, outcome,
                           {.audience = approval.audience(), .creator = approval.requester()});
}

absl::Status SetRequest(const storage::ApprovalRecord& record, v1::PendingRequest* request) {
  if (request->approval().action() == v1::SUPERVISED_ACTION_UPGRADE) {
    return ParseStored(record.request(), request->mutable_upgrade());
  }
  return ParseStored(record.request(), request->mutable_creation());
}

absl::StatusOr<v1::PendingRequest> PendingRequestOf(const storage::ApprovalRecord& record) {
  auto approval = PendingApprovalIn(record);
  if (!approval.ok()) return approval.status();
  v1::PendingRequest request;
  *request.mutable_approval() = *std::move(approval);
  request.set_principal(record.principal());
  absl::Status parsed = SetRequest(record, &request);
  if (!parsed.ok()) return parsed;
  return request;
}

}  // namespace

absl::StatusOr<Write<v1::ApproveCreationResponse>> Supervisor::Approve(
    DecideCreationCommand command, ReadCreateRequest read_request) const {
  Write<v1::ApproveCreationResponse> write;
  write.identity = command.identity;
  auto waiting = ReadWaitingCreation(RoomReader(engine_), command, clock_());
  absl::Status allowed = waiting.status();
  if (allowed.ok()) allowed = CheckIsAnother(command.approver, waiting->stored.record);
  if (!allowed.ok()) {
    // It may be what this very request has approved before.
    write.attempt = [allowed](const RoomReader&) { return allowed; };
    return write;
  }
  v1::CreateRoomRequest request;
  absl::Status parsed = ParseStored(waiting->stored.record.request(), &request);
  if (!parsed.ok()) return parsed;
  CreateRoomCommand asked_for = read_request(request, waiting->stored.record.principal());
  const auto* version = rooms::FindRoomVersion(waiting->approval.room_version());
  if (version != nullptr) asked_for.spec.version = version;
  RequestIdentity asking = asked_for.identity;
  Write<v1::CreateRoomResponse> create = creator_.Create(std::move(asked_for));
  write.tolls = std::move(create.tolls);
  write.attempt = [this, command = std::move(command), asking = std::move(asking),
                   create = std::move(create.attempt)](const RoomReader& reader) mutable
      -> absl::StatusOr<Outcome<v1::ApproveCreationResponse>> {
    auto still_waiting = ReadWaitingCreation(reader, command, clock_());
    if (!still_waiting.ok()) return still_waiting.status();
    auto created = create(reader);
    if (!created.ok()) return created.status();
    Outcome<v1::ApproveCreationResponse> outcome;
    outcome.commit = std::move(created->commit);
    StageCreationDecision(*outcome.commit, *still_waiting, v1::APPROVAL_OUTCOME_APPROVED);
    RecordResponse(*outcome.commit, asking, created->response,
                   clock_() + options_.request_retention);
    outcome.response.mutable_room()->Swap(created->response.mutable_room());
    return outcome;
  };
  return write;
}

Write<v1::RejectCreationResponse> Supervisor::Reject(DecideCreationCommand command) const {
  Write<v1::RejectCreationResponse> write;
  write.identity = command.identity;
  write.attempt =
      [this, command = std::move(command)](
          const RoomReader& reader) -> absl::StatusOr<Outcome<v1::RejectCreationResponse>> {
    auto waiting = ReadWaitingCreation(reader, command, clock_());
    if (!waiting.ok()) return waiting.status();
    const v1::ApprovalOutcome decision = AskedForIt(command.approver, waiting->stored.record)
                                             ? v1::APPROVAL_OUTCOME_CANCELLED
                                             : v1::APPROVAL_OUTCOME_REJECTED;
    Outcome<v1::RejectCreationResponse> outcome;
    StageCreationDecision(outcome.commit.emplace(), *waiting, decision);
    *outcome.response.mutable_approval() = std::move(waiting->approval);
    return outcome;
  };
  return write;
}

absl::StatusOr<v1::ListPendingApprovalsResponse> Supervisor::List(
    const v1::ListPendingApprovalsRequest& request, const AudienceScope& scope) const {
  std::string after;
  if (!request.page_token().empty()) {
    auto token = OpenPageToken<ApprovalsPageToken>(signer_, kPurpose, request.page_token());
    if (!token) return PageTokenInvalid("damaged");
    after = token->last_approval_id();
  }
  const int page_size = PageSize(request.page_size(), kDefaultPage, kMaxPage);
  const int64_t now_us = absl::ToUnixMicros(clock_());
  v1::ListPendingApprovalsResponse response;
  size_t page_bytes = 0;
  int scanned = 0;
  bool more = false;
  absl::Status status;
  absl::Status read =
      RoomReader(engine_).ScanApprovals(after, [&](std::string approval_id, const auto& approval) {
        more = response.requests_size() == page_size || scanned == kMaxScanned;
        if (more) return false;
        ++scanned;
        if (approval.record.expire_time_us() > now_us) {
          auto waiting = PendingRequestOf(approval.record);
          status = waiting.status();
          if (!status.ok()) return false;
          if (scope.Includes(waiting->approval().audience())) {
            page_bytes += waiting->ByteSizeLong();
            // One alone may be larger, and has a page of its own.
            more = response.requests_size() > 0 && page_bytes > kMaxPageBytes;
            if (more) return false;
            *response.add_requests() = *std::move(waiting);
          }
        }
        after = std::move(approval_id);
        return true;
      });
  if (!read.ok()) return read;
  if (!status.ok()) return status;
  if (more) {
    ApprovalsPageToken token;
    token.set_last_approval_id(after);
    response.set_next_page_token(SealPageToken(signer_, kPurpose, token));
  }
  return response;
}

absl::Status Supervisor::Expire() {
  std::vector<WaitingCreation> expired;
  absl::Status status;
  absl::Status read = RoomReader(engine_).ScanApprovals(
      "", [&, now_us = absl::ToUnixMicros(clock_())](const std::string&, auto stored) {
        if (stored.record.expire_time_us() > now_us) return true;
        auto approval = PendingApprovalIn(stored.record);
        status = approval.status();
        if (status.ok() && approval->action() == v1::SUPERVISED_ACTION_CREATE) {
          expired.push_back({std::move(stored), *std::move(approval)});
        }
        return status.ok();
      });
  if (!read.ok()) return read;
  if (!status.ok()) return status;
  for (const WaitingCreation& waiting : expired) {
    RoomCommit commit;
    StageCreationDecision(commit, waiting, v1::APPROVAL_OUTCOME_EXPIRED);
    options_.maintenance_trail.Leave(commit, "expire");
    const storage::CommitResult result = CommitAndWait(engine_, commit.Take());
    // Somebody else has ended it if it was aborted.
    if (!result.status.ok() && !absl::IsAborted(result.status)) return result.status;
  }
  return absl::OkStatus();
}

}  // namespace innkeeper::lifecycle
