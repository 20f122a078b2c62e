// File: server/rpc/room_membership_service.h
//
// The service innkeeper.v1.RoomMembership over gRPC.

#ifndef INNKEEPER_SERVER_RPC_ROOM_MEMBERSHIP_SERVICE_H_
#define INNKEEPER_SERVER_RPC_ROOM_MEMBERSHIP_SERVICE_H_

#include <string>
#include <utility>

#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"
#include "innkeeper/v1/room_membership.grpc.pb.h"
#include "server/membership/change_membership.h"
#include "server/membership/read_members.h"
#include "server/rpc/admission.h"
#include "server/rpc/call.h"

namespace innkeeper::rpc {

// All methods of the service, taking and giving raw bytes (see wire.h).
using RawRoomMembership = v1::RoomMembership::WithRawCallbackMethod_InviteUser<
    v1::RoomMembership::WithRawCallbackMethod_JoinRoom<
        v1::RoomMembership::WithRawCallbackMethod_LeaveRoom<
            v1::RoomMembership::WithRawCallbackMethod_KickUser<
                v1::RoomMembership::WithRawCallbackMethod_BanUser<
                    v1::RoomMembership::WithRawCallbackMethod_UnbanUser<
                        v1::RoomMembership::WithRawCallbackMethod_KnockOnRoom<
                            v1::RoomMembership::WithRawCallbackMethod_ListMembers<
                                v1::RoomMembership::WithRawCallbackMethod_ListUserRooms<
                                    v1::RoomMembership::WithRawCallbackMethod_ListPendingInvites<
                                        v1::RoomMembership::WithRawCallbackMethod_AckInvite<
                                            v1::RoomMembership::Service>>>>>>>>>>>;

// Checks who calls and what they may do, and hands each call to its use case.
// Thread-safe; gRPC calls the methods on its threads.
class RoomMembershipService final : public RawRoomMembership {
 public:
  // The use cases behind the methods. Must outlive the service.
  struct UseCases {
    membership::MembershipChanger& changer;
    const membership::MemberBrowser& browser;
  };

  RoomMembershipService(CallEnvironment environment, UseCases use_cases, std::string server_name)
      : environment_(environment), use_cases_(use_cases), server_name_(std::move(server_name)) {}

  grpc::ServerUnaryReactor* InviteUser(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* JoinRoom(grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request,
                                     grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* LeaveRoom(grpc::CallbackServerContext* context,
                                      const grpc::ByteBuffer* request,
                                      grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* KickUser(grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request,
                                     grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* BanUser(grpc::CallbackServerContext* context,
                                    const grpc::ByteBuffer* request,
                                    grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* UnbanUser(grpc::CallbackServerContext* context,
                                      const grpc::ByteBuffer* request,
                                      grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* KnockOnRoom(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListMembers(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListUserRooms(grpc::CallbackServerContext* context,
                                          const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListPendingInvites(grpc::CallbackServerContext* context,
                                               const grpc::ByteBuffer* request,
                                               grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* AckInvite(grpc::CallbackServerContext* context,
                                      const grpc::ByteBuffer* request,
                                      grpc::ByteBuffer* response) override;

 private:
  template <typename Request, typename Response>
  grpc::ServerUnaryReactor* ServeChange(const Method& method, membership::Action action,
                                        grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response);

  const CallEnvironment environment_;
  const UseCases use_cases_;
  const std::string server_name_;
};

}  // namespace innkeeper::rpc

#endif  // INNKEEPER_SERVER_RPC_ROOM_MEMBERSHIP_SERVICE_H_
