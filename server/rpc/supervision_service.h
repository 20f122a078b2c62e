// File: server/rpc/supervision_service.h
//
// The gRPC service innkeeper.v1.Supervision.

#ifndef INNKEEPER_SERVER_RPC_SUPERVISION_SERVICE_H_
#define INNKEEPER_SERVER_RPC_SUPERVISION_SERVICE_H_

#include <string>
#include <utility>

#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"
#include "innkeeper/v1/supervision.grpc.pb.h"
#include "server/lifecycle/supervisor.h"
#include "server/lifecycle/upgrade_room.h"
#include "server/rpc/unary_call.h"

namespace innkeeper::rpc {

// All methods of the service, taking and giving raw bytes (see wire.h).
using RawSupervision = v1::Supervision::WithRawCallbackMethod_ApproveUpgrade<
    v1::Supervision::WithRawCallbackMethod_RejectUpgrade<
        v1::Supervision::WithRawCallbackMethod_ApproveCreation<
            v1::Supervision::WithRawCallbackMethod_RejectCreation<
                v1::Supervision::WithRawCallbackMethod_ListPendingApprovals<
                    v1::Supervision::Service>>>>>;

// Checks who calls and what they may do, and hands each call to its use case.
// Thread-safe; gRPC calls the methods on its threads.
class SupervisionService final : public RawSupervision {
 public:
  // The use cases must outlive the service. `default_room_version` is that of
  // RoomLifecycleService.
  SupervisionService(CallEnvironment environment, lifecycle::RoomUpgrader& upgrader,
                     const lifecycle::Supervisor& supervisor, std::string default_room_version)
      : environment_(environment),
        upgrader_(upgrader),
        supervisor_(supervisor),
        default_room_version_(std::move(default_room_version)) {}

  grpc::ServerUnaryReactor* ApproveUpgrade(grpc::CallbackServerContext* context,
                                           const grpc::ByteBuffer* request,
                                           grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* RejectUpgrade(grpc::CallbackServerContext* context,
                                          const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ApproveCreation(grpc::CallbackServerContext* context,
                                            const grpc::ByteBuffer* request,
                                            grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* RejectCreation(grpc::CallbackServerContext* context,
                                           const grpc::ByteBuffer* request,
                                           grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListPendingApprovals(grpc::CallbackServerContext* context,
                                                 const grpc::ByteBuffer* request,
                                                 grpc::ByteBuffer* response) override;

 private:
  const CallEnvironment environment_;
  lifecycle::RoomUpgrader& upgrader_;
  const lifecycle::Supervisor& supervisor_;
  const std::string default_room_version_;
};

}  // namespace innkeeper::rpc

#endif  // INNKEEPER_SERVER_RPC_SUPERVISION_SERVICE_H_
