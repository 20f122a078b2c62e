#include "server/rpc/membership_requests.h"

#include "server/rooms/identifiers.h"

namespace innkeeper::rpc {
namespace {

void CheckMembership(v1::Membership membership, FieldErrors& errors) {
  if (!v1::Membership_IsValid(membership)) {
    errors.Add("membership", "must be a membership, such as MEMBERSHIP_JOIN, or left out");
  }
}

}  // namespace

absl::Status CheckRequest(const v1::ListMembersRequest& request) {
  FieldErrors errors;
  CheckRoomIdField(request.room_id(), errors);
  CheckRequesterField(request.requester(), errors);
  CheckMembership(request.membership(), errors);
  CheckPageSize(request.page_size(), errors);
  return errors.ToStatus();
}

absl::Status CheckRequest(const v1::ListUserRoomsRequest& request) {
  FieldErrors errors;
  errors.AddStatus("user_id", rooms::CheckUserId(request.user_id()));
  CheckMembership(request.membership(), errors);
  if (request.membership() == v1::MEMBERSHIP_LEAVE || request.membership() == v1::MEMBERSHIP_BAN) {
    errors.Add("membership", "must be MEMBERSHIP_JOIN, MEMBERSHIP_INVITE or MEMBERSHIP_KNOCK");
  }
  CheckPageSize(request.page_size(), errors);
  return errors.ToStatus();
}

absl::Status CheckRequest(const v1::ListPendingInvitesRequest& request) {
  FieldErrors errors;
  CheckPageSize(request.page_size(), errors);
  return errors.ToStatus();
}

absl::Status CheckRequest(const v1::AckInviteRequest& request) {
  FieldErrors errors;
  CheckRoomIdField(request.room_id(), errors);
  errors.AddStatus("user_id", rooms::CheckUserId(request.user_id()));
  if (request.event_id().empty()) errors.Add("event_id", "must be the id of the invite");
  return errors.ToStatus();
}

}  // namespace innkeeper::rpc
