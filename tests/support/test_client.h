// File: tests/support/test_client.h
//
// A client for tests: the generated stubs, with a token, a deadline that no call
// should reach, and the details of errors within reach.

#ifndef INNKEEPER_TESTS_SUPPORT_TEST_CLIENT_H_
#define INNKEEPER_TESTS_SUPPORT_TEST_CLIENT_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/status.h"
#include "innkeeper/v1/audit_log.grpc.pb.h"
#include "innkeeper/v1/event_subscriptions.grpc.pb.h"
#include "innkeeper/v1/room_directory.grpc.pb.h"
#include "innkeeper/v1/room_lifecycle.grpc.pb.h"
#include "innkeeper/v1/room_membership.grpc.pb.h"
#include "innkeeper/v1/room_state.grpc.pb.h"
#include "innkeeper/v1/supervision.grpc.pb.h"

namespace innkeeper {

// What a call came back with.
template <typename Response>
struct Reply {
  grpc::Status status;
  Response response;

  bool ok() const { return status.ok(); }
};

// What an export came back with.
struct ExportedRoom {
  grpc::Status status;
  v1::RoomExportHeader header;
  std::vector<std::string> pdus;
};

// The reason in the ErrorInfo of `status`, such as "ROOM_NOT_FOUND"; "" if it has
// none.
std::string ReasonOf(const grpc::Status& status);

// The metadata in the ErrorInfo of `status`.
std::map<std::string, std::string> MetadataOf(const grpc::Status& status);

// The fields that the BadRequest of `status` names, in its order.
std::vector<std::string> FieldsOf(const grpc::Status& status);

// What the RetryInfo of `status` asks for; zero if it has none.
absl::Duration RetryDelayOf(const grpc::Status& status);

// A google.rpc detail of `status`, by the full name of its type; "" if it has none.
std::string DetailOf(const grpc::Status& status, absl::string_view type);

// Speaks for one principal. Thread-safe.
class TestClient {
 public:
  // `token` is sent as a bearer token, or not if it is empty.
  TestClient(const std::string& address, std::string token);

  Reply<v1::CreateRoomResponse> CreateRoom(const v1::CreateRoomRequest& request) const;
  Reply<v1::UpgradeRoomResponse> UpgradeRoom(const v1::UpgradeRoomRequest& request) const;
  Reply<v1::GetRoomResponse> GetRoom(const v1::GetRoomRequest& request) const;
  Reply<v1::GetRoomStateResponse> GetRoomState(const v1::GetRoomStateRequest& request) const;
  Reply<v1::ListRoomsResponse> ListRooms(const v1::ListRoomsRequest& request) const;
  ExportedRoom ExportRoom(const v1::ExportRoomRequest& request) const;
  // Sends `messages`, as far as the server takes them.
  Reply<v1::ImportRoomResponse> ImportRoom(
      const std::vector<v1::ImportRoomRequest>& messages) const;
  Reply<v1::ListRoomEventsResponse> ListRoomEvents(const v1::ListRoomEventsRequest& request) const;

  Reply<v1::CancelUpgradeResponse> CancelUpgrade(const v1::CancelUpgradeRequest& request) const;
  Reply<v1::LinkUpgradeResponse> LinkUpgrade(const v1::LinkUpgradeRequest& request) const;
  Reply<v1::DeleteRoomResponse> DeleteRoom(const v1::DeleteRoomRequest& request) const;
  Reply<v1::InviteUserResponse> InviteUser(const v1::InviteUserRequest& request) const;
  Reply<v1::JoinRoomResponse> JoinRoom(const v1::JoinRoomRequest& request) const;
  Reply<v1::LeaveRoomResponse> LeaveRoom(const v1::LeaveRoomRequest& request) const;
  Reply<v1::KickUserResponse> KickUser(const v1::KickUserRequest& request) const;
  Reply<v1::BanUserResponse> BanUser(const v1::BanUserRequest& request) const;
  Reply<v1::UnbanUserResponse> UnbanUser(const v1::UnbanUserRequest& request) const;
  Reply<v1::KnockOnRoomResponse> KnockOnRoom(const v1::KnockOnRoomRequest& request) const;
  Reply<v1::ListMembersResponse> ListMembers(const v1::ListMembersRequest& request) const;
  Reply<v1::ListUserRoomsResponse> ListUserRooms(const v1::ListUserRoomsRequest& request) const;
  Reply<v1::ListPendingInvitesResponse> ListPendingInvites(
      const v1::ListPendingInvitesRequest& request) const;
  Reply<v1::AckInviteResponse> AckInvite(const v1::AckInviteRequest& request) const;
  Reply<v1::SetStateResponse> SetState(const v1::SetStateRequest& request) const;
  Reply<v1::SendEventResponse> SendEvent(const v1::SendEventRequest& request) const;
  Reply<v1::RedactEventResponse> RedactEvent(const v1::RedactEventRequest& request) const;
  Reply<v1::GetEventResponse> GetEvent(const v1::GetEventRequest& request) const;
  Reply<v1::ListEventsResponse> ListEvents(const v1::ListEventsRequest& request) const;
  Reply<v1::SetAliasResponse> SetAlias(const v1::SetAliasRequest& request) const;
  Reply<v1::DeleteAliasResponse> DeleteAlias(const v1::DeleteAliasRequest& request) const;
  Reply<v1::ResolveAliasResponse> ResolveAlias(const v1::ResolveAliasRequest& request) const;
  Reply<v1::ListAliasesResponse> ListAliases(const v1::ListAliasesRequest& request) const;
  Reply<v1::SetVisibilityResponse> SetVisibility(const v1::SetVisibilityRequest& request) const;
  Reply<v1::ListPublicRoomsResponse> ListPublicRooms(
      const v1::ListPublicRoomsRequest& request) const;
  Reply<v1::CreateSubscriptionResponse> CreateSubscription(
      const v1::CreateSubscriptionRequest& request) const;
  Reply<v1::GetSubscriptionResponse> GetSubscription(
      const v1::GetSubscriptionRequest& request) const;
  Reply<v1::ListSubscriptionsResponse> ListSubscriptions(
      const v1::ListSubscriptionsRequest& request) const;
  Reply<v1::UpdateSubscriptionResponse> UpdateSubscription(
      const v1::UpdateSubscriptionRequest& request) const;
  Reply<v1::SeekSubscriptionResponse> SeekSubscription(
      const v1::SeekSubscriptionRequest& request) const;
  Reply<v1::DeleteSubscriptionResponse> DeleteSubscription(
      const v1::DeleteSubscriptionRequest& request) const;
  Reply<v1::AckEventsResponse> AckEvents(const v1::AckEventsRequest& request) const;
  Reply<v1::RejectEventResponse> RejectEvent(const v1::RejectEventRequest& request) const;
  Reply<v1::ListParkedEventsResponse> ListParkedEvents(
      const v1::ListParkedEventsRequest& request) const;
  Reply<v1::ReplayParkedEventsResponse> ReplayParkedEvents(
      const v1::ReplayParkedEventsRequest& request) const;
  Reply<v1::DropParkedEventsResponse> DropParkedEvents(
      const v1::DropParkedEventsRequest& request) const;
  Reply<v1::ApproveUpgradeResponse> ApproveUpgrade(const v1::ApproveUpgradeRequest& request) const;
  Reply<v1::RejectUpgradeResponse> RejectUpgrade(const v1::RejectUpgradeRequest& request) const;
  Reply<v1::ApproveCreationResponse> ApproveCreation(
      const v1::ApproveCreationRequest& request) const;
  Reply<v1::RejectCreationResponse> RejectCreation(const v1::RejectCreationRequest& request) const;
  Reply<v1::ListPendingApprovalsResponse> ListPendingApprovals(
      const v1::ListPendingApprovalsRequest& request) const;

  Reply<v1::VerifyAuditResponse> VerifyAudit(const v1::VerifyAuditRequest& request) const;

  // Shorthands, which crash if the call fails.
  v1::Room Create(const v1::CreateRoomRequest& request) const;
  v1::Room Room(const std::string& room_id) const;  // needs the role read-all
  // The whole state of a room, by type and state key. Needs the role read-all.
  std::map<std::pair<std::string, std::string>, v1::StateEvent> State(
      const std::string& room_id) const;
  std::vector<v1::RoomEvent> AllEvents() const;  // needs the role watch
  // The audit log from entry `first_number` on. Needs the role audit.
  std::vector<v1::AuditRecord> AuditLog(int64_t first_number = 0) const;

  v1::RoomLifecycle::Stub& stub() const { return *stub_; }
  v1::EventSubscriptions::Stub& subscriptions_stub() const { return *subscriptions_stub_; }

  // Gives `context` the token and the deadline.
  void Prepare(grpc::ClientContext& context) const;

 private:
  const std::string token_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::RoomLifecycle::Stub> stub_;
  const std::unique_ptr<v1::RoomMembership::Stub> membership_stub_;
  const std::unique_ptr<v1::RoomState::Stub> state_stub_;
  const std::unique_ptr<v1::RoomDirectory::Stub> directory_stub_;
  const std::unique_ptr<v1::EventSubscriptions::Stub> subscriptions_stub_;
  const std::unique_ptr<v1::Supervision::Stub> supervision_stub_;
  const std::unique_ptr<v1::AuditLog::Stub> audit_stub_;
};

// A request for a plain room of `creator`.
v1::CreateRoomRequest RoomRequest(const std::string& creator);

// The messages that import an exported room.
std::vector<v1::ImportRoomRequest> ImportRequests(const ExportedRoom& room);

// Parses a message written as JSON. Crashes if it can't.
void ParseJsonMessage(absl::string_view json, google::protobuf::Message* message);

template <typename Message>
Message FromJson(absl::string_view json) {
  Message message;
  ParseJsonMessage(json, &message);
  return message;
}

}  // namespace innkeeper

#endif  // INNKEEPER_TESTS_SUPPORT_TEST_CLIENT_H_
