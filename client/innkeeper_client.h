// File: client/innkeeper_client.h
//
// Calls of Innkeeper's API.

#ifndef INNKEEPER_CLIENT_INNKEEPER_CLIENT_H_
#define INNKEEPER_CLIENT_INNKEEPER_CLIENT_H_

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/options.h"
#include "client/surroundings.h"
#include "innkeeper/v1/audit_log.pb.h"
#include "innkeeper/v1/event_subscriptions.pb.h"
#include "innkeeper/v1/room_directory.pb.h"
#include "innkeeper/v1/room_lifecycle.pb.h"
#include "innkeeper/v1/room_membership.pb.h"
#include "innkeeper/v1/room_state.pb.h"
#include "innkeeper/v1/supervision.pb.h"

namespace innkeeper {

namespace client_internal {
class Connection;
}  // namespace client_internal

// A client of one server. Thread-safe; copies share its connection. Making one does
// not connect yet, and can't fail.
//
// The methods are those of the API, described in proto/innkeeper/v1. They block until
// the outcome is there or the timeout is over (DEADLINE_EXCEEDED, or the error of the
// last attempt). Errors are in the form that client/error_info.h describes.
//
// A call that fails for a reason that may pass, such as a broken connection or a
// server that is overloaded, is tried again if that does no harm: a read, and a write
// with a request id (`request_id`, `transaction_id`), which the client makes up if the
// caller gives none. So a write happens once, however often its reply is lost. The
// exceptions, which have no request id and are tried once, are CancelUpgrade and what
// changes a subscription or its parked events. AckEvents is harmless to repeat.
class Client {
 public:
  explicit Client(ClientOptions options, ClientSurroundings surroundings = {});

  // Returns a client that shares this one's connection and whose calls may take that
  // long. For an upgrade of a very large room, or a caller who is in a hurry.
  Client WithTimeout(absl::Duration timeout) const { return Client(connection_, timeout); }

  // RoomLifecycle. ExportRoom and ImportRoom, which are streams, are for the generated
  // stubs; WatchRoomEvents is client/event_reader.h.
  absl::StatusOr<v1::CreateRoomResponse> CreateRoom(v1::CreateRoomRequest request) const;
  absl::StatusOr<v1::UpgradeRoomResponse> UpgradeRoom(v1::UpgradeRoomRequest request) const;
  absl::StatusOr<v1::CancelUpgradeResponse> CancelUpgrade(v1::CancelUpgradeRequest request) const;
  absl::StatusOr<v1::LinkUpgradeResponse> LinkUpgrade(v1::LinkUpgradeRequest request) const;
  absl::StatusOr<v1::DeleteRoomResponse> DeleteRoom(v1::DeleteRoomRequest request) const;
  absl::StatusOr<v1::GetRoomResponse> GetRoom(v1::GetRoomRequest request) const;
  absl::StatusOr<v1::GetRoomStateResponse> GetRoomState(v1::GetRoomStateRequest request) const;
  absl::StatusOr<v1::ListRoomsResponse> ListRooms(v1::ListRoomsRequest request) const;
  absl::StatusOr<v1::ListRoomEventsResponse> ListRoomEvents(
      v1::ListRoomEventsRequest request) const;

  // RoomMembership.
  absl::StatusOr<v1::InviteUserResponse> InviteUser(v1::InviteUserRequest request) const;
  absl::StatusOr<v1::JoinRoomResponse> JoinRoom(v1::JoinRoomRequest request) const;
  absl::StatusOr<v1::LeaveRoomResponse> LeaveRoom(v1::LeaveRoomRequest request) const;
  absl::StatusOr<v1::KickUserResponse> KickUser(v1::KickUserRequest request) const;
  absl::StatusOr<v1::BanUserResponse> BanUser(v1::BanUserRequest request) const;
  absl::StatusOr<v1::UnbanUserResponse> UnbanUser(v1::UnbanUserRequest request) const;
  absl::StatusOr<v1::KnockOnRoomResponse> KnockOnRoom(v1::KnockOnRoomRequest request) const;
  absl::StatusOr<v1::ListMembersResponse> ListMembers(v1::ListMembersRequest request) const;
  absl::StatusOr<v1::ListUserRoomsResponse> ListUserRooms(v1::ListUserRoomsRequest request) const;
  absl::StatusOr<v1::ListPendingInvitesResponse> ListPendingInvites(
      v1::ListPendingInvitesRequest request) const;
  absl::StatusOr<v1::AckInviteResponse> AckInvite(v1::AckInviteRequest request) const;

  // RoomState.
  absl::StatusOr<v1::SetStateResponse> SetState(v1::SetStateRequest request) const;
  absl::StatusOr<v1::SendEventResponse> SendEvent(v1::SendEventRequest request) const;
  absl::StatusOr<v1::RedactEventResponse> RedactEvent(v1::RedactEventRequest request) const;
  absl::StatusOr<v1::GetEventResponse> GetEvent(v1::GetEventRequest request) const;
  absl::StatusOr<v1::ListEventsResponse> ListEvents(v1::ListEventsRequest request) const;

  // RoomDirectory.
  absl::StatusOr<v1::SetAliasResponse> SetAlias(v1::SetAliasRequest request) const;
  absl::StatusOr<v1::DeleteAliasResponse> DeleteAlias(v1::DeleteAliasRequest request) const;
  absl::StatusOr<v1::ResolveAliasResponse> ResolveAlias(v1::ResolveAliasRequest request) const;
  absl::StatusOr<v1::ListAliasesResponse> ListAliases(v1::ListAliasesRequest request) const;
  absl::StatusOr<v1::SetVisibilityResponse> SetVisibility(v1::SetVisibilityRequest request) const;
  absl::StatusOr<v1::ListPublicRoomsResponse> ListPublicRooms(
      v1::ListPublicRoomsRequest request) const;

  // EventSubscriptions. ConsumeEvents is client/event_consumer.h.
  absl::StatusOr<v1::CreateSubscriptionResponse> CreateSubscription(
      v1::CreateSubscriptionRequest request) const;
  absl::StatusOr<v1::GetSubscriptionResponse> GetSubscription(
      v1::GetSubscriptionRequest request) const;
  absl::StatusOr<v1::ListSubscriptionsResponse> ListSubscriptions(
      v1::ListSubscriptionsRequest request) const;
  absl::StatusOr<v1::UpdateSubscriptionResponse> UpdateSubscription(
      v1::UpdateSubscriptionRequest request) const;
  absl::StatusOr<v1::SeekSubscriptionResponse> SeekSubscription(
      v1::SeekSubscriptionRequest request) const;
  absl::StatusOr<v1::DeleteSubscriptionResponse> DeleteSubscription(
      v1::DeleteSubscriptionRequest request) const;
  absl::StatusOr<v1::AckEventsResponse> AckEvents(v1::AckEventsRequest request) const;
  absl::StatusOr<v1::RejectEventResponse> RejectEvent(v1::RejectEventRequest request) const;
  absl::StatusOr<v1::ListParkedEventsResponse> ListParkedEvents(
      v1::ListParkedEventsRequest request) const;
  absl::StatusOr<v1::ReplayParkedEventsResponse> ReplayParkedEvents(
      v1::ReplayParkedEventsRequest request) const;
  absl::StatusOr<v1::DropParkedEventsResponse> DropParkedEvents(
      v1::DropParkedEventsRequest request) const;

  // Supervision.
  absl::StatusOr<v1::ApproveUpgradeResponse> ApproveUpgrade(
      v1::ApproveUpgradeRequest request) const;
  absl::StatusOr<v1::RejectUpgradeResponse> RejectUpgrade(v1::RejectUpgradeRequest request) const;
  absl::StatusOr<v1::ApproveCreationResponse> ApproveCreation(
      v1::ApproveCreationRequest request) const;
  absl::StatusOr<v1::RejectCreationResponse> RejectCreation(
      v1::RejectCreationRequest request) const;
  absl::StatusOr<v1::ListPendingApprovalsResponse> ListPendingApprovals(
      v1::ListPendingApprovalsRequest request) const;

  // AuditLog. ExportAudit, which is a stream, is for the generated stubs.
  absl::StatusOr<v1::VerifyAuditResponse> VerifyAudit(v1::VerifyAuditRequest request) const;

 private:
  friend class EventConsumer;
  friend class EventReader;

  Client(std::shared_ptr<const client_internal::Connection> connection, absl::Duration timeout)
      : connection_(std::move(connection)), timeout_(timeout) {}

  std::shared_ptr<const client_internal::Connection> connection_;
  absl::Duration timeout_;
};

}  // namespace innkeeper

#endif  // INNKEEPER_CLIENT_INNKEEPER_CLIENT_H_
