#include "server/rpc/room_membership_service.h"

#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/auth/principal.h"
#include "server/membership/pending_invites.h"
#include "server/rpc/caller.h"
#include "server/rpc/membership_requests.h"
#include "server/rpc/unary_call.h"

namespace innkeeper::rpc {
namespace {

using auth::Role;
using limits::Work;
using membership::Action;

constexpr Method kInviteUser = {"InviteUser", Role::kParticipate, Work::kInvite};
constexpr Method kJoinRoom = {"JoinRoom", Role::kParticipate, Work::kJoin};
constexpr Method kLeaveRoom = {"LeaveRoom", Role::kParticipate, Work::kModeration};
constexpr Method kKickUser = {"KickUser", Role::kParticipate, Work::kModeration};
constexpr Method kBanUser = {"BanUser", Role::kParticipate, Work::kModeration};
constexpr Method kUnbanUser = {"UnbanUser", Role::kParticipate, Work::kModeration};
constexpr Method kKnockOnRoom = {"KnockOnRoom", Role::kParticipate, Work::kJoin};
constexpr Method kListMembers = {"ListMembers", std::nullopt, Work::kRead};
constexpr Method kListUserRooms = {"ListUserRooms", std::nullopt, Work::kRead};
constexpr Method kListPendingInvites = {"ListPendingInvites", Role::kFederate, Work::kRead};
constexpr Method kAckInvite = {"AckInvite", Role::kFederate, Work::kWrite};

// The audiences of which the caller may list the rooms of a user, if it may at all: all,
// if it may act for the user.
absl::StatusOr<AudienceScope> MayListRoomsOf(const Call& call, const std::string& user_id) {
  absl::Status allowed = MayActFor(call, user_id);
  if (allowed.ok()) return AudienceScope::All();
  if (!call.principal->Has(Role::kReadAll)) return allowed;
  return call.principal->audiences();
}

}  // namespace

template <typename Request, typename Response>
grpc::ServerUnaryReactor* RoomMembershipService::ServeChange(const Method& method, Action action,
                                                             grpc::CallbackServerContext* context,
                                                             const grpc::ByteBuffer* request,
                                                             grpc::ByteBuffer* response) {
  return ServeWrite<Request, Response>(
      method, environment_, context, request, response,
      [this, action](Call& call,
                     const Request& message) -> absl::StatusOr<lifecycle::Write<Response>> {
        absl::Status allowed = MayActFor(call, message.requester());
        if (!allowed.ok()) return allowed;
        auto command = ToMembershipCommand(action, message, call.principal->name(), server_name_);
        if (!command.ok()) return command.status();
        lifecycle::Write<Response> write = use_cases_.changer.Change<Response>(*std::move(command));
        call.room_id = write.room_id;
        return write;
      });
}

grpc::ServerUnaryReactor* RoomMembershipService::InviteUser(grpc::CallbackServerContext* context,
                                                            const grpc::ByteBuffer* request,
                                                            grpc::ByteBuffer* response) {
  return ServeChange<v1::InviteUserRequest, v1::InviteUserResponse>(kInviteUser, Action::kInvite,
                                                                    context, request, response);
}

grpc::ServerUnaryReactor* RoomMembershipService::JoinRoom(grpc::CallbackServerContext* context,
                                                          const grpc::ByteBuffer* request,
                                                          grpc::ByteBuffer* response) {
  return ServeChange<v1::JoinRoomRequest, v1::JoinRoomResponse>(kJoinRoom, Action::kJoin, context,
                                                                request, response);
}

grpc::ServerUnaryReactor* RoomMembershipService::LeaveRoom(grpc::CallbackServerContext* context,
                                                           const grpc::ByteBuffer* request,
                                                           grpc::ByteBuffer* response) {
  return ServeChange<v1::LeaveRoomRequest, v1::LeaveRoomResponse>(kLeaveRoom, Action::kLeave,
                                                                  context, request, response);
}

grpc::ServerUnaryReactor* RoomMembershipService::KickUser(grpc::CallbackServerContext* context,
                                                          const grpc::ByteBuffer* request,
                                                          grpc::ByteBuffer* response) {
  return ServeChange<v1::KickUserRequest, v1::KickUserResponse>(kKickUser, Action::kKick, context,
                                                                request, response);
}

grpc::ServerUnaryReactor* RoomMembershipService::BanUser(grpc::CallbackServerContext* context,
                                                         const grpc::ByteBuffer* request,
                                                         grpc::ByteBuffer* response) {
  return ServeChange<v1::BanUserRequest, v1::BanUserResponse>(kBanUser, Action::kBan, context,
                                                              request, response);
}

grpc::ServerUnaryReactor* RoomMembershipService::UnbanUser(grpc::CallbackServerContext* context,
                                                           const grpc::ByteBuffer* request,
                                                           grpc::ByteBuffer* response) {
  return ServeChange<v1::UnbanUserRequest, v1::UnbanUserResponse>(kUnbanUser, Action::kUnban,
                                                                  context, request, response);
}

grpc::ServerUnaryReactor* RoomMembershipService::KnockOnRoom(grpc::CallbackServerContext* context,
                                                             const grpc::ByteBuffer* request,
                                                             grpc::ByteBuffer* response) {
  return ServeChange<v1::KnockOnRoomRequest, v1::KnockOnRoomResponse>(kKnockOnRoom, Action::kKnock,
                                                                      context, request, response);
}

grpc::ServerUnaryReactor* RoomMembershipService::ListMembers(grpc::CallbackServerContext* context,
                                                             const grpc::ByteBuffer* request,
                                                             grpc::ByteBuffer* response) {
  return ServeUnary<v1::ListMembersRequest>(
      kListMembers, environment_, environment_.read_executor, context, request, response,
      [this](Call& call,
             const v1::ListMembersRequest& message) -> absl::StatusOr<v1::ListMembersResponse> {
        absl::StatusOr<AudienceScope> scope = MayReadAs(call, message.requester());
        if (!scope.ok()) return scope.status();
        absl::Status valid = CheckRequest(message);
        if (!valid.ok()) return valid;
        call.room_id = message.room_id();
        return use_cases_.browser.ListMembers(message, *scope);
      });
}

grpc::ServerUnaryReactor* RoomMembershipService::ListUserRooms(grpc::CallbackServerContext* context,
                                                               const grpc::ByteBuffer* request,
                                                               grpc::ByteBuffer* response) {
  return ServeUnary<v1::ListUserRoomsRequest>(
      kListUserRooms, environment_, environment_.read_executor, context, request, response,
      [this](Call& call,
             const v1::ListUserRoomsRequest& message) -> absl::StatusOr<v1::ListUserRoomsResponse> {
        absl::StatusOr<AudienceScope> scope = MayListRoomsOf(call, message.user_id());
        if (!scope.ok()) return scope.status();
        absl::Status valid = CheckRequest(message);
        if (!valid.ok()) return valid;
        return use_cases_.browser.ListUserRooms(message, *scope);
      });
}

grpc::ServerUnaryReactor* RoomMembershipService::ListPendingInvites(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
    grpc::ByteBuffer* response) {
  return ServeUnary<v1::ListPendingInvitesRequest>(
      kListPendingInvites, environment_, environment_.read_executor, context, request, response,
      [this](Call& call, const v1::ListPendingInvitesRequest& message)
          -> absl::StatusOr<v1::ListPendingInvitesResponse> {
        absl::Status valid = CheckRequest(message);
        if (!valid.ok()) return valid;
        return use_cases_.browser.ListPendingInvites(message, call.principal->audiences());
      });
}

grpc::ServerUnaryReactor* RoomMembershipService::AckInvite(grpc::CallbackServerContext* context,
                                                           const grpc::ByteBuffer* request,
                                                           grpc::ByteBuffer* response) {
  return ServeWrite<v1::AckInviteRequest, v1::AckInviteResponse>(
      kAckInvite, environment_, context, request, response,
      [](Call& call, const v1::AckInviteRequest& message)
          -> absl::StatusOr<lifecycle::Write<v1::AckInviteResponse>> {
        absl::Status valid = CheckRequest(message);
        if (!valid.ok()) return valid;
        call.room_id = message.room_id();
        return membership::Acknowledge(message, call.principal->audiences());
      });
}

}  // namespace innkeeper::rpc
