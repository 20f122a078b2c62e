// File: server/rpc/room_state_service.h
//
// The gRPC service innkeeper.v1.RoomState.

#ifndef INNKEEPER_SERVER_RPC_ROOM_STATE_SERVICE_H_
#define INNKEEPER_SERVER_RPC_ROOM_STATE_SERVICE_H_

#include "absl/status/statusor.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"
#include "innkeeper/v1/room_state.grpc.pb.h"
#include "server/rpc/admission.h"
#include "server/rpc/unary_call.h"
#include "server/state/room_writer.h"
#include "server/state/timeline_reader.h"

namespace innkeeper::rpc {

// All methods of the service, taking and giving raw bytes (see wire.h).
using RawRoomState = v1::RoomState::WithRawCallbackMethod_SetState<
    v1::RoomState::WithRawCallbackMethod_SendEvent<v1::RoomState::WithRawCallbackMethod_RedactEvent<
        v1::RoomState::WithRawCallbackMethod_GetEvent<
            v1::RoomState::WithRawCallbackMethod_ListEvents<v1::RoomState::Service>>>>>;

// Checks who calls and what they may do, and hands each call to its use case.
// Thread-safe; gRPC calls the methods on its threads.
class RoomStateService final : public RawRoomState {
 public:
  // The use cases behind the methods. Must outlive the service.
  struct UseCases {
    const state::RoomWriter& writer;
    const state::TimelineReader& reader;
  };

  RoomStateService(CallEnvironment environment, UseCases use_cases)
      : environment_(environment), use_cases_(use_cases) {}

  grpc::ServerUnaryReactor* SetState(grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request,
                                     grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* SendEvent(grpc::CallbackServerContext* context,
                                      const grpc::ByteBuffer* request,
                                      grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* RedactEvent(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* GetEvent(grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request,
                                     grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListEvents(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;

 private:
  template <typename Request, typename Command, typename Response>
  grpc::ServerUnaryReactor* Write(const Method& method, grpc::CallbackServerContext* context,
                                  const grpc::ByteBuffer* request, grpc::ByteBuffer* response,
                                  lifecycle::Write<Response> (state::RoomWriter::*write)(Command)
                                      const);

  template <typename Request, typename Response>
  grpc::ServerUnaryReactor* Read(const Method& method, grpc::CallbackServerContext* context,
                                 const grpc::ByteBuffer* request, grpc::ByteBuffer* response,
                                 absl::StatusOr<Response> (state::TimelineReader::*read)(
                                     const Request&, const AudienceScope&) const);

  const CallEnvironment environment_;
  const UseCases use_cases_;
};

}  // namespace innkeeper::rpc

#endif  // INNKEEPER_SERVER_RPC_ROOM_STATE_SERVICE_H_
