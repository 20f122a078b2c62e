#include "tests/e2e/e2e_test.h"

#include <glog/logging.h>

#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "google/protobuf/util/json_util.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "tests/support/http_get.h"

namespace innkeeper {
namespace {

std::string TestName() {
  return absl::AsciiStrToLower(testing::UnitTest::GetInstance()->current_test_info()->name());
}

std::string SortedJson(const google::protobuf::Struct& content) {
  std::string json;
  CHECK(google::protobuf::util::MessageToJsonString(content, &json).ok());
  return nlohmann::json::parse(json).dump();
}

struct Clients {
  explicit Clients(const std::string& address)
      : admin(address, TestToken("admin")),
        backend(address, TestToken("backend")),
        reader(address, TestToken("reader")),
        watcher(address, TestToken("watcher")) {}

  const TestClient admin;
  const TestClient backend;
  const TestClient reader;
  const TestClient watcher;
};

std::unique_ptr<Clients>& SuiteClients() {
  static auto& clients = *new std::unique_ptr<Clients>();
  return clients;
}

// A request of a user about another.
template <typename Request>
Request AboutUser(const std::string& room_id, const std::string& requester,
                  const std::string& user_id) {
  Request request;
  request.set_room_id(room_id);
  request.set_requester(requester);
  request.set_user_id(user_id);
  return request;
}

}  // namespace

TestServer* E2eTest::server_ = nullptr;

void E2eTest::SetUpTestSuite() {
  server_ = new TestServer();
  SuiteClients() = std::make_unique<Clients>(server_->address());
}

void E2eTest::TearDownTestSuite() {
  SuiteClients().reset();
  EXPECT_TRUE(server_->Stop().ok());
  delete server_;
  server_ = nullptr;
}

const TestClient& E2eTest::admin() { return SuiteClients()->admin; }
const TestClient& E2eTest::backend() { return SuiteClients()->backend; }
const TestClient& E2eTest::reader() { return SuiteClients()->reader; }
const TestClient& E2eTest::watcher() { return SuiteClients()->watcher; }

std::string E2eTest::User(absl::string_view name) {
  return absl::StrCat("@", name, ".", TestName(), ":", kTestServerName);
}

std::string E2eTest::Alias(absl::string_view name) {
  return absl::StrCat("#", name, ".", TestName(), ":", kTestServerName);
}

int64_t E2eTest::LogHead() {
  const std::vector<v1::RoomEvent> events = watcher().AllEvents();
  return events.empty() ? 0 : events.back().sequence();
}

v1::GetRoomRequest GetRequest(const std::string& room_id, const std::string& requester) {
  v1::GetRoomRequest request;
  request.set_room_id(room_id);
  request.set_requester(requester);
  return request;
}

v1::GetRoomStateRequest StateRequest(const std::string& room_id, const std::string& requester) {
  v1::GetRoomStateRequest request;
  request.set_room_id(room_id);
  request.set_requester(requester);
  return request;
}

v1::ExportRoomRequest ExportRequest(const std::string& room_id, const std::string& requester) {
  v1::ExportRoomRequest request;
  request.set_room_id(room_id);
  request.set_requester(requester);
  return request;
}

v1::UpgradeRoomRequest UpgradeRequest(const std::string& room_id, const std::string& requester,
                                      const std::string& new_version) {
  v1::UpgradeRoomRequest request;
  request.set_room_id(room_id);
  request.set_requester(requester);
  request.set_new_version(new_version);
  return request;
}

v1::InviteUserRequest InviteRequest(const std::string& room_id, const std::string& requester,
                                    const std::string& user_id) {
  return AboutUser<v1::InviteUserRequest>(room_id, requester, user_id);
}

v1::KickUserRequest KickRequest(const std::string& room_id, const std::string& requester,
                                const std::string& user_id) {
  return AboutUser<v1::KickUserRequest>(room_id, requester, user_id);
}

v1::BanUserRequest BanRequest(const std::string& room_id, const std::string& requester,
                              const std::string& user_id) {
  return AboutUser<v1::BanUserRequest>(room_id, requester, user_id);
}

v1::UnbanUserRequest UnbanRequest(const std::string& room_id, const std::string& requester,
                                  const std::string& user_id) {
  return AboutUser<v1::UnbanUserRequest>(room_id, requester, user_id);
}

v1::JoinRoomRequest JoinRequest(const std::string& room_id_or_alias, const std::string& requester) {
  v1::JoinRoomRequest request;
  request.set_room_id_or_alias(room_id_or_alias);
  request.set_requester(requester);
  return request;
}

v1::KnockOnRoomRequest KnockRequest(const std::string& room_id_or_alias,
                                    const std::string& requester) {
  v1::KnockOnRoomRequest request;
  request.set_room_id_or_alias(room_id_or_alias);
  request.set_requester(requester);
  return request;
}

v1::LeaveRoomRequest LeaveRequest(const std::string& room_id, const std::string& requester) {
  v1::LeaveRoomRequest request;
  request.set_room_id(room_id);
  request.set_requester(requester);
  return request;
}

v1::SetAliasRequest SetAliasRequest(const std::string& alias, const std::string& room_id,
                                    const std::string& requester) {
  v1::SetAliasRequest request;
  request.set_alias(alias);
  request.set_room_id(room_id);
  request.set_requester(requester);
  return request;
}

v1::SetStateRequest SetStateRequest(const std::string& room_id, const std::string& requester,
                                    const std::string& type, absl::string_view content_json) {
  v1::SetStateRequest request;
  request.set_room_id(room_id);
  request.set_requester(requester);
  request.set_type(type);
  *request.mutable_content() = FromJson<google::protobuf::Struct>(content_json);
  return request;
}

v1::SendEventRequest SendRequest(const std::string& room_id, const std::string& requester,
                                 const std::string& text) {
  v1::SendEventRequest request;
  request.set_room_id(room_id);
  request.set_requester(requester);
  request.set_type("m.room.message");
  auto& fields = *request.mutable_content()->mutable_fields();
  fields["msgtype"].set_string_value("m.text");
  fields["body"].set_string_value(text);
  return request;
}

v1::RedactEventRequest RedactRequest(const std::string& room_id, const std::string& requester,
                                     const std::string& event_id) {
  v1::RedactEventRequest request;
  request.set_room_id(room_id);
  request.set_requester(requester);
  request.set_event_id(event_id);
  return request;
}

v1::GetEventRequest EventRequest(const std::string& room_id, const std::string& event_id,
                                 const std::string& requester) {
  v1::GetEventRequest request;
  request.set_room_id(room_id);
  request.set_event_id(event_id);
  request.set_requester(requester);
  return request;
}

v1::ListEventsRequest ListRequest(const std::string& room_id, const std::string& requester) {
  v1::ListEventsRequest request;
  request.set_room_id(room_id);
  request.set_requester(requester);
  return request;
}

std::string ContentOf(const v1::StateEvent& event) { return SortedJson(event.content()); }
std::string ContentOf(const v1::TimelineEvent& event) { return SortedJson(event.content()); }

std::vector<std::string> UnmovedIn(const v1::UpgradeRoomResponse& response) {
  std::vector<std::string> items;
  for (const v1::Unmoved& unmoved : response.unmoved()) {
    items.push_back(absl::StrCat(v1::UnmovedKind_Name(unmoved.kind()).substr(13), " ",
                                 unmoved.name(), "|", unmoved.state_key(), " ",
                                 v1::UnmovedReason_Name(unmoved.reason()).substr(15)));
  }
  EXPECT_EQ(response.unmoved_count(), response.unmoved_size());
  return items;
}

std::vector<std::string> MembersOf(const TestClient& client, const std::string& room_id,
                                   absl::string_view membership) {
  std::vector<std::string> members;
  for (const auto& [place, event] : client.State(room_id)) {
    if (place.first != "m.room.member") continue;
    if (event.content().fields().at("membership").string_value() == membership) {
      members.push_back(place.second);
    }
  }
  return members;
}

std::vector<std::string> RoomsOf(const TestClient& client, const std::string& user) {
  v1::ListRoomsRequest request;
  request.set_requester(user);
  std::vector<std::string> rooms;
  const auto reply = client.ListRooms(request);
  for (const v1::Room& room : reply.response.rooms()) rooms.push_back(room.room_id());
  return rooms;
}

std::string RoomAt(const TestClient& client, const std::string& alias) {
  v1::ResolveAliasRequest request;
  request.set_alias(alias);
  return client.ResolveAlias(request).response.room_id();
}

std::unique_ptr<v1::RoomLifecycle::Stub> ConnectNarrowly(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  return v1::RoomLifecycle::NewStub(
      grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments));
}

std::string MetricsOf(const TestServer& server) {
  return absl::StrReplaceAll(HttpGet(server.metrics_address(), "/metrics"), {{"\r", ""}});
}

std::vector<v1::RoomEvent> EventsOf(const TestClient& client, const std::string& room_id) {
  std::vector<v1::RoomEvent> events;
  for (v1::RoomEvent& event : client.AllEvents()) {
    if (event.room_id() == room_id) events.push_back(std::move(event));
  }
  return events;
}

}  // namespace innkeeper
