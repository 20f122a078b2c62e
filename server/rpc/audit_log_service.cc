#include "server/rpc/audit_log_service.h"

#include <cstdint>

#include "absl/status/statusor.h"
#include "server/audit/export_audit.h"
#include "server/audit/verify_audit.h"
#include "server/auth/principal.h"
#include "server/rpc/audit_requests.h"
#include "server/rpc/stream_call.h"
#include "server/rpc/unary_call.h"

namespace innkeeper::rpc {
namespace {

using auth::Role;
using limits::Work;

constexpr Method kExportAudit = {"ExportAudit", Role::kAudit, Work::kStream};
constexpr Method kVerifyAudit = {"VerifyAudit", Role::kAudit, Work::kRead};

}  // namespace

grpc::ServerWriteReactor<grpc::ByteBuffer>* AuditLogService::ExportAudit(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) {
  return ServeStream<v1::ExportAuditRequest>(
      kExportAudit, environment_, environment_.read_executor, context, request,
      [&engine = engine_](
          Call&, const v1::ExportAuditRequest& message) -> absl::StatusOr<audit::AuditExport> {
        const absl::StatusOr<uint64_t> first_number = FirstNumberIn(message);
        if (!first_number.ok()) return first_number.status();
        return audit::AuditExport::Begin(engine, *first_number);
      });
}

// Takes seconds, and so no thread of those that lookups wait for.
grpc::ServerUnaryReactor* AuditLogService::VerifyAudit(grpc::CallbackServerContext* context,
                                                       const grpc::ByteBuffer* request,
                                                       grpc::ByteBuffer* response) {
  return ServeUnary<v1::VerifyAuditRequest>(
      kVerifyAudit, environment_, environment_.upgrade_executor, context, request, response,
      [&engine = engine_](
          Call&, const v1::VerifyAuditRequest& message) -> absl::StatusOr<v1::VerifyAuditResponse> {
        const absl::StatusOr<audit::Verification> verification = ToVerification(message);
        if (!verification.ok()) return verification.status();
        return audit::VerifyAudit(engine, *verification);
      });
}

}  // namespace innkeeper::rpc
