#include "server/rpc/supervision_service.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/auth/principal.h"
#include "server/errors/errors.h"
#include "server/rpc/request_checks.h"
#include "server/rpc/requests.h"

namespace innkeeper::rpc {
namespace {

using auth::Role;
using limits::Work;

constexpr Method kApproveUpgrade = {"ApproveUpgrade", Role::kApprove, Work::kWrite};
constexpr Method kRejectUpgrade = {"RejectUpgrade", Role::kApprove, Work::kWrite};
constexpr Method kApproveCreation = {"ApproveCreation", Role::kApprove, Work::kWrite};
constexpr Method kRejectCreation = {"RejectCreation", Role::kApprove, Work::kWrite};
constexpr Method kListPendingApprovals = {"ListPendingApprovals", Role::kApprove, Work::kRead};

constexpr size_t kMaxApprovalIdBytes = 128;

void CheckApprovalId(const std::string& approval_id, FieldErrors& errors) {
  if (approval_id.empty() || approval_id.size() > kMaxApprovalIdBytes) {
    errors.Add("approval_id", "must be the approval_id of a PendingApproval");
  }
}

template <typename Request>
absl::Status CheckFields(const Request& request) {
  FieldErrors errors;
  if constexpr (requires { request.room_id(); }) CheckRoomIdField(request.room_id(), errors);
  CheckApprovalId(request.approval_id(), errors);
  CheckRequestId("request_id", request.request_id(), errors);
  return errors.ToStatus();
}

lifecycle::Approver ApproverOf(const Call& call) {
  return {call.principal->name(), call.principal->audiences()};
}

// The command of a request that decides, if it is one.
template <typename Request>
absl::StatusOr<lifecycle::DecideUpgradeCommand> ToUpgradeCommand(Call& call,
                                                                 const Request& request) {
  absl::Status valid = CheckFields(request);
  if (!valid.ok()) return valid;
  call.room_id = request.room_id();
  return lifecycle::DecideUpgradeCommand{
      request.room_id(), request.approval_id(), ApproverOf(call),
      IdentityOf(request, request.request_id(), call.principal->name())};
}

template <typename Request>
absl::StatusOr<lifecycle::DecideCreationCommand> ToCreationCommand(const Call& call,
                                                                   const Request& request) {
  absl::Status valid = CheckFields(request);
  if (!valid.ok()) return valid;
  return lifecycle::DecideCreationCommand{
      request.approval_id(), ApproverOf(call),
      IdentityOf(request, request.request_id(), call.principal->name())};
}

}  // namespace

grpc::ServerUnaryReactor* SupervisionService::ApproveUpgrade(grpc::CallbackServerContext* context,
                                                             const grpc::ByteBuffer* request,
                                                             grpc::ByteBuffer* response) {
  return ServeUnary<v1::ApproveUpgradeRequest>(
      kApproveUpgrade, environment_, environment_.upgrade_executor, context, request, response,
      [this](Call& call, const v1::ApproveUpgradeRequest& message)
          -> absl::StatusOr<v1::ApproveUpgradeResponse> {
        auto command = ToUpgradeCommand(call, message);
        if (!command.ok()) return command.status();
        command->trail = TrailOf(environment_, call);
        auto upgraded = upgrader_.Approve(
            *command, [](const v1::UpgradeRoomRequest& asked_for, const std::string& principal) {
              return ToCommand(asked_for, principal);
            });
        if (!upgraded.ok()) return upgraded.status();
        v1::ApproveUpgradeResponse result;
        *result.mutable_upgrade() = *std::move(upgraded);
        return result;
      });
}

grpc::ServerUnaryReactor* SupervisionService::RejectUpgrade(grpc::CallbackServerContext* context,
                                                            const grpc::ByteBuffer* request,
                                                            grpc::ByteBuffer* response) {
  return ServeWrite<v1::RejectUpgradeRequest, v1::RejectUpgradeResponse>(
      kRejectUpgrade, environment_, context, request, response,
      [this](Call& call, const v1::RejectUpgradeRequest& message)
          -> absl::StatusOr<lifecycle::Write<v1::RejectUpgradeResponse>> {
        auto command = ToUpgradeCommand(call, message);
        if (!command.ok()) return command.status();
        return upgrader_.Reject(*std::move(command));
      });
}

grpc::ServerUnaryReactor* SupervisionService::ApproveCreation(grpc::CallbackServerContext* context,
                                                              const grpc::ByteBuffer* request,
                                                              grpc::ByteBuffer* response) {
  return ServeWrite<v1::ApproveCreationRequest, v1::ApproveCreationResponse>(
      kApproveCreation, environment_, context, request, response,
      [this](Call& call, const v1::ApproveCreationRequest& message)
          -> absl::StatusOr<lifecycle::Write<v1::ApproveCreationResponse>> {
        auto command = ToCreationCommand(call, message);
        if (!command.ok()) return command.status();
        return supervisor_.Approve(*std::move(command), [this](const v1::CreateRoomRequest& asked,
                                                               const std::string& principal) {
          return ToCommand(asked, principal, default_room_version_);
        });
      });
}

grpc::ServerUnaryReactor* SupervisionService::RejectCreation(grpc::CallbackServerContext* context,
                                                             const grpc::ByteBuffer* request,
                                                             grpc::ByteBuffer* response) {
  return ServeWrite<v1::RejectCreationRequest, v1::RejectCreationResponse>(
      kRejectCreation, environment_, context, request, response,
      [this](Call& call, const v1::RejectCreationRequest& message)
          -> absl::StatusOr<lifecycle::Write<v1::RejectCreationResponse>> {
        auto command = ToCreationCommand(call, message);
        if (!command.ok()) return command.status();
        return supervisor_.Reject(*std::move(command));
      });
}

grpc::ServerUnaryReactor* SupervisionService::ListPendingApprovals(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
    grpc::ByteBuffer* response) {
  return ServeUnary<v1::ListPendingApprovalsRequest>(
      kListPendingApprovals, environment_, environment_.read_executor, context, request, response,
      [this](Call& call, const v1::ListPendingApprovalsRequest& message)
          -> absl::StatusOr<v1::ListPendingApprovalsResponse> {
        FieldErrors errors;
        CheckPageSize(message.page_size(), errors);
        absl::Status valid = errors.ToStatus();
        if (!valid.ok()) return valid;
        return supervisor_.List(message, call.principal->audiences());
      });
}

}  // namespace innkeeper::rpc
