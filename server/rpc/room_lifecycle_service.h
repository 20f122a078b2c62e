// File: server/rpc/room_lifecycle_service.h
//
// The gRPC service innkeeper.v1.RoomLifecycle.

#ifndef INNKEEPER_SERVER_RPC_ROOM_LIFECYCLE_SERVICE_H_
#define INNKEEPER_SERVER_RPC_ROOM_LIFECYCLE_SERVICE_H_

#include <string>

#include "absl/status/statusor.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"
#include "innkeeper/v1/room_lifecycle.grpc.pb.h"
#include "server/feed/event_feed.h"
#include "server/lifecycle/create_room.h"
#include "server/lifecycle/delete_room.h"
#include "server/lifecycle/export_room.h"
#include "server/lifecycle/import_room.h"
#include "server/lifecycle/link_upgrade.h"
#include "server/lifecycle/read_rooms.h"
#include "server/lifecycle/upgrade_room.h"
#include "server/rpc/admission.h"
#include "server/rpc/supervision_policy.h"
#include "server/rpc/unary_call.h"

namespace innkeeper::rpc {

// All methods of the service, taking and giving raw bytes (see wire.h).
using RawRoomLifecycle = v1::RoomLifecycle::WithRawCallbackMethod_CreateRoom<
    v1::RoomLifecycle::WithRawCallbackMethod_UpgradeRoom<
        v1::RoomLifecycle::WithRawCallbackMethod_CancelUpgrade<
            v1::RoomLifecycle::WithRawCallbackMethod_LinkUpgrade<
                v1::RoomLifecycle::WithRawCallbackMethod_DeleteRoom<
                    v1::RoomLifecycle::WithRawCallbackMethod_GetRoom<
                        v1::RoomLifecycle::WithRawCallbackMethod_GetRoomState<
                            v1::RoomLifecycle::WithRawCallbackMethod_ListRooms<
                                v1::RoomLifecycle::WithRawCallbackMethod_ExportRoom<
                                    v1::RoomLifecycle::WithRawCallbackMethod_ImportRoom<
                                        v1::RoomLifecycle::WithRawCallbackMethod_WatchRoomEvents<
                                            v1::RoomLifecycle::WithRawCallbackMethod_ListRoomEvents<
                                                v1::RoomLifecycle::Service>>>>>>>>>>>>;

// Checks who calls and what they may do, and hands each call to its use case.
// Thread-safe; gRPC calls the methods on its threads.
class RoomLifecycleService final : public RawRoomLifecycle {
 public:
  // The use cases behind the methods. Must outlive the service.
  struct UseCases {
    lifecycle::RoomCreator& creator;
    lifecycle::RoomUpgrader& upgrader;
    const lifecycle::UpgradeLinker& linker;
    const lifecycle::RoomDeleter& deleter;
    const lifecycle::RoomBrowser& browser;
    const lifecycle::RoomExporter& exporter;
    lifecycle::RoomImporter& importer;
    feed::EventFeed& feed;
  };

  RoomLifecycleService(CallEnvironment environment, UseCases use_cases,
                       std::string default_room_version, SupervisionPolicy supervision = {})
      : environment_(environment),
        use_cases_(use_cases),
        default_room_version_(std::move(default_room_version)),
        supervision_(supervision) {}

  grpc::ServerUnaryReactor* CreateRoom(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* UpgradeRoom(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* CancelUpgrade(grpc::CallbackServerContext* context,
                                          const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* LinkUpgrade(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* DeleteRoom(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* GetRoom(grpc::CallbackServerContext* context,
                                    const grpc::ByteBuffer* request,
                                    grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* GetRoomState(grpc::CallbackServerContext* context,
                                         const grpc::ByteBuffer* request,
                                         grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListRooms(grpc::CallbackServerContext* context,
                                      const grpc::ByteBuffer* request,
                                      grpc::ByteBuffer* response) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* ExportRoom(grpc::CallbackServerContext* context,
                                                         const grpc::ByteBuffer* request) override;
  grpc::ServerReadReactor<grpc::ByteBuffer>* ImportRoom(grpc::CallbackServerContext* context,
                                                        grpc::ByteBuffer* response) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* WatchRoomEvents(
      grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) override;
  grpc::ServerUnaryReactor* ListRoomEvents(grpc::CallbackServerContext* context,
                                           const grpc::ByteBuffer* request,
                                           grpc::ByteBuffer* response) override;

 private:
  template <typename Request, typename Response>
  grpc::ServerUnaryReactor* ServeRead(const Method& method, grpc::CallbackServerContext* context,
                                      const grpc::ByteBuffer* request, grpc::ByteBuffer* response,
                                      absl::StatusOr<Response> (lifecycle::RoomBrowser::*read)(
                                          const Request&, const AudienceScope&) const);

  const CallEnvironment environment_;
  const UseCases use_cases_;
  const std::string default_room_version_;
  const SupervisionPolicy supervision_;
};

}  // namespace innkeeper::rpc

#endif  // INNKEEPER_SERVER_RPC_ROOM_LIFECYCLE_SERVICE_H_
