// File: server/rpc/audit_log_service.h
//
// The gRPC service innkeeper.v1.AuditLog.

#ifndef INNKEEPER_SERVER_RPC_AUDIT_LOG_SERVICE_H_
#define INNKEEPER_SERVER_RPC_AUDIT_LOG_SERVICE_H_

#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"
#include "innkeeper/v1/audit_log.grpc.pb.h"
#include "server/rpc/admission.h"
#include "storage/engine.h"

namespace innkeeper::rpc {

// All methods of the service, taking and giving raw bytes (see wire.h).
using RawAuditLog = v1::AuditLog::WithRawCallbackMethod_ExportAudit<
    v1::AuditLog::WithRawCallbackMethod_VerifyAudit<v1::AuditLog::Service>>;

// Checks who calls and what they may do, and hands each call to its use case.
// Thread-safe; gRPC calls the methods on its threads.
class AuditLogService final : public RawAuditLog {
 public:
  // `engine` must outlive the service.
  AuditLogService(const CallEnvironment& environment, const storage::Engine& engine)
      : environment_(environment), engine_(engine) {}

  grpc::ServerWriteReactor<grpc::ByteBuffer>* ExportAudit(grpc::CallbackServerContext* context,
                                                          const grpc::ByteBuffer* request) override;
  grpc::ServerUnaryReactor* VerifyAudit(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;

 private:
  const CallEnvironment environment_;
  const storage::Engine& engine_;
};

}  // namespace innkeeper::rpc

#endif  // INNKEEPER_SERVER_RPC_AUDIT_LOG_SERVICE_H_
