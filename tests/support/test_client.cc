#include "tests/support/test_client.h"

#include <glog/logging.h>

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "google/protobuf/util/json_util.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"

namespace innkeeper {
namespace {

constexpr std::chrono::seconds kDeadline(60);

std::shared_ptr<grpc::Channel> Connect(const std::string& address) {
  grpc::ChannelArguments arguments;
  // A connection of its own for each client, as for clients in other processes.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

template <typename Detail>
Detail ParseDetail(const grpc::Status& status) {
  Detail detail;
  CHECK(detail.ParseFromString(DetailOf(status, Detail::descriptor()->full_name())));
  return detail;
}

}  // namespace

std::string DetailOf(const grpc::Status& status, absl::string_view type) {
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) return "";
  for (const auto& detail : details.details()) {
    if (detail.type_url() == absl::StrCat("type.googleapis.com/", type)) return detail.value();
  }
  return "";
}

std::string ReasonOf(const grpc::Status& status) {
  return ParseDetail<google::rpc::ErrorInfo>(status).reason();
}

std::map<std::string, std::string> MetadataOf(const grpc::Status& status) {
  const auto info = ParseDetail<google::rpc::ErrorInfo>(status);
  return {info.metadata().begin(), info.metadata().end()};
}

std::vector<std::string> FieldsOf(const grpc::Status& status) {
  std::vector<std::string> fields;
  const auto bad_request = ParseDetail<google::rpc::BadRequest>(status);
  for (const auto& violation : bad_request.field_violations()) {
    fields.push_back(violation.field());
  }
  return fields;
}

absl::Duration RetryDelayOf(const grpc::Status& status) {
  const auto delay = ParseDetail<google::rpc::RetryInfo>(status).retry_delay();
  return absl::Seconds(delay.seconds()) + absl::Nanoseconds(delay.nanos());
}

TestClient::TestClient(const std::string& address, std::string token)
    : token_(std::move(token)),
      channel_(Connect(address)),
      stub_(v1::RoomLifecycle::NewStub(channel_)),
      membership_stub_(v1::RoomMembership::NewStub(channel_)),
      state_stub_(v1::RoomState::NewStub(channel_)),
      directory_stub_(v1::RoomDirectory::NewStub(channel_)),
      subscriptions_stub_(v1::EventSubscriptions::NewStub(channel_)),
      supervision_stub_(v1::Supervision::NewStub(channel_)),
      audit_stub_(v1::AuditLog::NewStub(channel_)) {}

void TestClient::Prepare(grpc::ClientContext& context) const {
  context.set_deadline(std::chrono::system_clock::now() + kDeadline);
  if (!token_.empty()) context.AddMetadata("authorization", absl::StrCat("Bearer ", token_));
}

#define INNKEEPER_DEFINE_CALL(stub, method)                                                  \
  Reply<v1::method##Response> TestClient::method(const v1::method##Request& request) const { \
    grpc::ClientContext context;                                                             \
    Prepare(context);                                                                        \
    Reply<v1::method##Response> reply;                                                       \
    reply.status = (stub)->method(&context, request, &reply.response);                       \
    return reply;                                                                            \
  }

INNKEEPER_DEFINE_CALL(stub_, CreateRoom)
INNKEEPER_DEFINE_CALL(stub_, UpgradeRoom)
INNKEEPER_DEFINE_CALL(stub_, GetRoom)
INNKEEPER_DEFINE_CALL(stub_, GetRoomState)
INNKEEPER_DEFINE_CALL(stub_, ListRooms)
INNKEEPER_DEFINE_CALL(stub_, ListRoomEvents)
INNKEEPER_DEFINE_CALL(stub_, CancelUpgrade)
INNKEEPER_DEFINE_CALL(stub_, LinkUpgrade)
INNKEEPER_DEFINE_CALL(stub_, DeleteRoom)
INNKEEPER_DEFINE_CALL(membership_stub_, InviteUser)
INNKEEPER_DEFINE_CALL(membership_stub_, JoinRoom)
INNKEEPER_DEFINE_CALL(membership_stub_, LeaveRoom)
INNKEEPER_DEFINE_CALL(membership_stub_, KickUser)
INNKEEPER_DEFINE_CALL(membership_stub_, BanUser)
INNKEEPER_DEFINE_CALL(membership_stub_, UnbanUser)
INNKEEPER_DEFINE_CALL(membership_stub_, KnockOnRoom)
INNKEEPER_DEFINE_CALL(membership_stub_, ListMembers)
INNKEEPER_DEFINE_CALL(membership_stub_, ListUserRooms)
INNKEEPER_DEFINE_CALL(membership_stub_, ListPendingInvites)
INNKEEPER_DEFINE_CALL(membership_stub_, AckInvite)
INNKEEPER_DEFINE_CALL(state_stub_, SetState)
INNKEEPER_DEFINE_CALL(state_stub_, SendEvent)
INNKEEPER_DEFINE_CALL(state_stub_, RedactEvent)
INNKEEPER_DEFINE_CALL(state_stub_, GetEvent)
INNKEEPER_DEFINE_CALL(state_stub_, ListEvents)
INNKEEPER_DEFINE_CALL(directory_stub_, SetAlias)
INNKEEPER_DEFINE_CALL(directory_stub_, DeleteAlias)
INNKEEPER_DEFINE_CALL(directory_stub_, ResolveAlias)
INNKEEPER_DEFINE_CALL(directory_stub_, ListAliases)
INNKEEPER_DEFINE_CALL(directory_stub_, SetVisibility)
INNKEEPER_DEFINE_CALL(directory_stub_, ListPublicRooms)
INNKEEPER_DEFINE_CALL(subscriptions_stub_, CreateSubscription)
INNKEEPER_DEFINE_CALL(subscriptions_stub_, GetSubscription)
INNKEEPER_DEFINE_CALL(subscriptions_stub_, ListSubscriptions)
INNKEEPER_DEFINE_CALL(subscriptions_stub_, UpdateSubscription)
INNKEEPER_DEFINE_CALL(subscriptions_stub_, SeekSubscription)
INNKEEPER_DEFINE_CALL(subscriptions_stub_, DeleteSubscription)
INNKEEPER_DEFINE_CALL(subscriptions_stub_, AckEvents)
INNKEEPER_DEFINE_CALL(subscriptions_stub_, RejectEvent)
INNKEEPER_DEFINE_CALL(subscriptions_stub_, ListParkedEvents)
INNKEEPER_DEFINE_CALL(subscriptions_stub_, ReplayParkedEvents)
INNKEEPER_DEFINE_CALL(subscriptions_stub_, DropParkedEvents)
INNKEEPER_DEFINE_CALL(supervision_stub_, ApproveUpgrade)
INNKEEPER_DEFINE_CALL(supervision_stub_, RejectUpgrade)
INNKEEPER_DEFINE_CALL(supervision_stub_, ApproveCreation)
INNKEEPER_DEFINE_CALL(supervision_stub_, RejectCreation)
INNKEEPER_DEFINE_CALL(supervision_stub_, ListPendingApprovals)
INNKEEPER_DEFINE_CALL(audit_stub_, VerifyAudit)

#undef INNKEEPER_DEFINE_CALL

ExportedRoom TestClient::ExportRoom(const v1::ExportRoomRequest& request) const {
  grpc::ClientContext context;
  Prepare(context);
  const auto stream = stub_->ExportRoom(&context, request);
  ExportedRoom room;
  v1::ExportRoomResponse message;
  bool is_first = true;
  while (stream->Read(&message)) {
    CHECK_EQ(message.has_header(), is_first) << "the header must come first, and once";
    CHECK_NE(message.has_events(), is_first);
    is_first = false;
    if (message.has_header()) room.header = message.header();
    for (const std::string& pdu : message.events().pdus()) room.pdus.push_back(pdu);
  }
  room.status = stream->Finish();
  return room;
}

Reply<v1::ImportRoomResponse> TestClient::ImportRoom(
    const std::vector<v1::ImportRoomRequest>& messages) const {
  grpc::ClientContext context;
  Prepare(context);
  Reply<v1::ImportRoomResponse> reply;
  const auto stream = stub_->ImportRoom(&context, &reply.response);
  for (const v1::ImportRoomRequest& message : messages) {
    if (!stream->Write(message)) break;
  }
  stream->WritesDone();
  reply.status = stream->Finish();
  return reply;
}

v1::Room TestClient::Create(const v1::CreateRoomRequest& request) const {
  Reply<v1::CreateRoomResponse> reply = CreateRoom(request);
  CHECK(reply.ok()) << reply.status.error_message();
  return reply.response.room();
}

v1::Room TestClient::Room(const std::string& room_id) const {
  v1::GetRoomRequest request;
  request.set_room_id(room_id);
  Reply<v1::GetRoomResponse> reply = GetRoom(request);
  CHECK(reply.ok()) << reply.status.error_message();
  return reply.response.room();
}

std::map<std::pair<std::string, std::string>, v1::StateEvent> TestClient::State(
    const std::string& room_id) const {
  v1::GetRoomStateRequest request;
  request.set_room_id(room_id);
  std::map<std::pair<std::string, std::string>, v1::StateEvent> state;
  do {
    Reply<v1::GetRoomStateResponse> reply = GetRoomState(request);
    CHECK(reply.ok()) << reply.status.error_message();
    for (const auto& event : reply.response.events()) {
      CHECK(state.emplace(std::pair(event.type(), event.state_key()), event).second);
    }
    request.set_page_token(reply.response.next_page_token());
  } while (!request.page_token().empty());
  return state;
}

std::vector<v1::RoomEvent> TestClient::AllEvents() const {
  v1::ListRoomEventsRequest request;
  std::vector<v1::RoomEvent> events;
  while (true) {
    Reply<v1::ListRoomEventsResponse> reply = ListRoomEvents(request);
    CHECK(reply.ok()) << reply.status.error_message();
    events.insert(events.end(), reply.response.events().begin(), reply.response.events().end());
    if (!reply.response.has_more()) return events;
    request.set_after_cursor(reply.response.next_cursor());
  }
}

std::vector<v1::AuditRecord> TestClient::AuditLog(int64_t first_number) const {
  grpc::ClientContext context;
  Prepare(context);
  v1::ExportAuditRequest request;
  request.set_first_number(first_number);
  const auto stream = audit_stub_->ExportAudit(&context, request);
  std::vector<v1::AuditRecord> records;
  v1::ExportAuditResponse message;
  while (stream->Read(&message)) {
    records.insert(records.end(), message.records().begin(), message.records().end());
  }
  const grpc::Status status = stream->Finish();
  CHECK(status.ok()) << status.error_message();
  return records;
}

v1::CreateRoomRequest RoomRequest(const std::string& creator) {
  v1::CreateRoomRequest request;
  request.set_creator(creator);
  return request;
}

std::vector<v1::ImportRoomRequest> ImportRequests(const ExportedRoom& room) {
  constexpr int kEventsInAMessage = 50;
  std::vector<v1::ImportRoomRequest> requests(1);
  v1::RoomImportHeader& header = *requests.front().mutable_header();
  header.set_room_id(room.header.room_id());
  header.set_room_version(room.header.room_version());
  *header.mutable_verify_keys() = room.header.verify_keys();
  header.set_event_count(room.header.event_count());
  for (const std::string& pdu : room.pdus) {
    if (requests.back().events().pdus_size() % kEventsInAMessage == 0) requests.emplace_back();
    requests.back().mutable_events()->add_pdus(pdu);
  }
  return requests;
}

void ParseJsonMessage(absl::string_view json, google::protobuf::Message* message) {
  auto status = google::protobuf::util::JsonStringToMessage(
      google::protobuf::StringPiece(json.data(), json.size()), message);
  CHECK(status.ok()) << status.ToString() << " in " << json;
}

}  // namespace innkeeper
