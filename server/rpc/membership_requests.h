// File: server/rpc/membership_requests.h
//
// From the requests of RoomMembership to commands.

#ifndef INNKEEPER_SERVER_RPC_MEMBERSHIP_REQUESTS_H_
#define INNKEEPER_SERVER_RPC_MEMBERSHIP_REQUESTS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "innkeeper/v1/room_membership.pb.h"
#include "server/errors/errors.h"
#include "server/membership/change_membership.h"
#include "server/rpc/request_checks.h"

namespace innkeeper::rpc {

// All errors are INVALID_ARGUMENT with a BadRequest that names every field that was
// found wrong.

absl::Status CheckRequest(const v1::ListMembersRequest& request);
absl::Status CheckRequest(const v1::ListUserRoomsRequest& request);
absl::Status CheckRequest(const v1::ListPendingInvitesRequest& request);
absl::Status CheckRequest(const v1::AckInviteRequest& request);

// `principal` is the name of the caller.
template <typename Request>
absl::StatusOr<membership::MembershipCommand> ToMembershipCommand(membership::Action action,
                                                                  const Request& request,
                                                                  absl::string_view principal,
                                                                  absl::string_view server_name) {
  membership::MembershipCommand command;
  command.action = action;
  command.requester = request.requester();
  command.reason = request.reason();
  if constexpr (requires { request.room_id_or_alias(); }) {
    command.room = request.room_id_or_alias();
  } else {
    command.room = request.room_id();
  }
  if constexpr (requires { request.user_id(); }) {
    command.user_id = request.user_id();
  } else {
    command.user_id = request.requester();
  }
  if constexpr (requires { request.displayname(); }) {
    command.displayname = request.displayname();
    command.avatar_url = request.avatar_url();
  }
  if constexpr (requires { request.is_direct(); }) command.is_direct = request.is_direct();
  command.identity = IdentityOf(request, request.request_id(), principal);
  FieldErrors errors;
  CheckRequestId("request_id", request.request_id(), errors);
  errors.AddStatus("", CheckCommand(command, server_name));
  absl::Status valid = errors.ToStatus();
  if (!valid.ok()) return valid;
  return command;
}

}  // namespace innkeeper::rpc

#endif  // INNKEEPER_SERVER_RPC_MEMBERSHIP_REQUESTS_H_
