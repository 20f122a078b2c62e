// Every method of every service that the server has, called by those who may and those who
// may not. A method without its rows in the tables here fails.

#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "google/protobuf/descriptor.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "server/rooms/event.h"
#include "tests/e2e/e2e_test.h"
#include "tests/server/rooms/forked_room.h"
#include "tests/server/rooms/signed_pdus.h"
#include "tests/support/health_client.h"
#include "tests/support/jwt_issuer.h"
#include "tests/support/people.h"
#include "tests/support/raw_call.h"
#include "tests/support/reflection_client.h"

namespace innkeeper {
namespace {

using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;
using grpc::StatusCode;
using Json = nlohmann::json;
using Metadata = std::multimap<std::string, std::string>;

constexpr char kLongBob[] = "@bob__:example.org";  // as long
constexpr char kTenant[] = "tenant-7";

// Has every role but admin and may act for kAlice, and is kept to another audience.
constexpr char kStranger[] = "stranger";

// A request of each method that its rightful caller gets an answer to.
struct Row {
  std::string request;
  std::string role;                     // that every call needs, or ""
  std::string user;                     // that the request has the caller act for, or ""
  std::string allowed;                  // a principal who may
  std::vector<std::string> more = {};   // requests that follow the first in a stream
  StatusCode outcome = StatusCode::OK;  // of that one's call
};

// What the stranger gets.
struct StrangersRow {
  StatusCode outcome;
  std::string reason;
  std::string request = {};  // "": that of Row, which acts for kAlice or for nobody
};

// A server that knows every principal by its token and by JSON Web Tokens, and what else is
// dear to set up.
struct Scene {
  static Json Principals() {
    Json file = Json::parse(TestTokenFile());
    file["principals"].push_back(
        {{"name", kStranger},
         {"roles",
          {"create", "upgrade", "participate", "read-all", "watch", "federate", "approve"}},
         {"users", {kAlice}},
         {"audiences", {"elsewhere"}}});
    for (Json& principal : file["principals"]) principal["jwt_subjects"] = {principal["name"]};
    return file;
  }

  TempDir dir;
  const JwtIssuer issuer{"key-1", "ES256"};
  TestServer server{[this](ServerConfig& config) {
    config.reflection = true;
    config.tokens_file = dir.Write("principals.json", Principals().dump());
    config.jwt_keys_file = dir.Write("keys.json", KeySet(Json::array({issuer.PublicKey()})));
    config.jwt_issuer = "https://issuer.example";
    config.jwt_audience = "innkeeper";
    config.audit_refusal_rate = 0;
  }};
  const TestClient backend{server.address(), TestToken("backend")};
  const TestClient reader{server.address(), TestToken("reader")};
  const TestClient watcher{server.address(), TestToken("watcher")};
  const TestClient archivist{server.address(), TestToken("archivist")};
  const std::shared_ptr<grpc::Channel> channel =
      grpc::CreateChannel(server.address(), grpc::InsecureChannelCredentials());
};

class MethodsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { scene_ = new Scene(); }
  static void TearDownTestSuite() {
    EXPECT_TRUE(scene_->server.Stop().ok());
    delete scene_;
    scene_ = nullptr;
  }

  static const TestClient& backend() { return scene_->backend; }
  static const TestClient& reader() { return scene_->reader; }
  static const TestClient& watcher() { return scene_->watcher; }
  static const TestClient& archivist() { return scene_->archivist; }
  static const std::string& address() { return scene_->server.address(); }

  static int64_t LogHead() {
    const std::vector<v1::RoomEvent> events = watcher().AllEvents();
    return events.empty() ? 0 : events.back().sequence();
  }

  // The number of the newest entry in the audit log.
  static int64_t AuditHead() { return archivist().VerifyAudit({}).response.head().number(); }

  // Those that the server has, but for health and reflection.
  static std::vector<const ServiceDescriptor*> Services() {
    std::vector<const ServiceDescriptor*> services;
    for (const std::string& name : ReflectedServices(address())) {
      if (absl::StartsWith(name, "grpc.")) continue;
      services.push_back(
          google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(name));
      EXPECT_NE(services.back(), nullptr) << name;
    }
    EXPECT_GE(services.size(), 5u);
    return services;
  }

  static std::vector<const MethodDescriptor*> Methods() {
    std::vector<const MethodDescriptor*> methods;
    for (const ServiceDescriptor* service : Services()) {
      for (int i = 0; i < service->method_count(); ++i) methods.push_back(service->method(i));
    }
    return methods;
  }

  // An event of a room that its creator may redact.
  static std::string SomeEvent(const std::string& room_id) {
    return reader().State(room_id).at({"m.room.join_rules", ""}).event_id();
  }

  // A request of kAlice about a room, and about bob where it is about somebody else.
  template <typename Request>
  static std::string About(const std::string& room_id) {
    Request request;
    request.set_requester(kAlice);
    if constexpr (requires { request.set_room_id(room_id); }) {
      request.set_room_id(room_id);
    } else {
      request.set_room_id_or_alias(room_id);
    }
    if constexpr (requires { request.set_user_id(""); }) request.set_user_id("@bob:example.org");
    return request.SerializeAsString();
  }

  // A room of somebody else that kAlice may knock on.
  static std::string KnockableRoom() {
    auto request = FromJson<v1::CreateRoomRequest>(R"({"roomVersion": "10", "initialState": [
        {"type": "m.room.join_rules", "content": {"join_rule": "knock"}}]})");
    request.set_creator("@carol:example.org");
    return backend().Create(request).room_id();
  }

  // A request that links the room with one that was made to succeed it.
  static std::string LinkToSuccessor(const std::string& room_id) {
    auto room = FromJson<v1::CreateRoomRequest>(
        absl::StrCat(R"({"creationContent": {"predecessor": {"room_id": ")", room_id, R"("}}})"));
    room.set_creator(kAlice);
    v1::LinkUpgradeRequest request;
    request.set_old_room_id(room_id);
    request.set_new_room_id(backend().Create(room).room_id());
    request.set_requester(kAlice);
    return request.SerializeAsString();
  }

  // A request that deletes a room that no other request is about.
  static std::string DeletionOfARoom() {
    v1::DeleteRoomRequest request;
    request.set_room_id(backend().Create(RoomRequest(kAlice)).room_id());
    return request.SerializeAsString();
  }

  // An alias that no other call of this has returned.
  static std::string NewAlias() {
    static int count = 0;
    return absl::StrCat("#alias-", ++count, ":example.org");
  }

  // A request about a subscription that is there.
  template <typename Request>
  static std::string OfSubscription() {
    Request request;
    if constexpr (requires { request.mutable_subscription(); }) {
      request.mutable_subscription()->set_name(NewSubscription());
    } else {
      request.set_name(NewSubscription());
    }
    if constexpr (requires { request.set_all(true); }) request.set_all(true);
    if constexpr (requires { request.set_position(v1::START_POSITION_NOW); }) {
      request.set_position(v1::START_POSITION_NOW);
    }
    if constexpr (requires { request.set_consumer_id(""); }) request.set_consumer_id("none");
    if constexpr (requires { request.set_cursor(""); }) request.set_cursor("none");
    if constexpr (requires { request.set_sequence(1); }) request.set_sequence(1);
    return request.SerializeAsString();
  }

  // A subscription of the watcher.
  static std::string NewSubscription() {
    v1::CreateSubscriptionRequest request = NewSubscriptionRequest();
    EXPECT_TRUE(watcher().CreateSubscription(request).ok());
    return request.subscription().name();
  }

  static v1::CreateSubscriptionRequest NewSubscriptionRequest() {
    static int count = 0;
    v1::CreateSubscriptionRequest request;
    request.mutable_subscription()->set_name(absl::StrCat("subscription-", ++count));
    return request;
  }

  // Only checks the room, so that it can be repeated.
  static Row ImportRow() {
    rooms::ForkedRoom room("11");
    room.Begin();
    v1::ImportRoomRequest header;
    header.mutable_header()->set_room_id(room.graph().event(0).room_id);
    header.mutable_header()->set_room_version("11");
    header.mutable_header()->set_validate_only(true);
    v1::ImportRoomRequest events;
    for (const std::string& pdu : rooms::SignedPdus(room)) events.mutable_events()->add_pdus(pdu);
    return {header.SerializeAsString(), "admin", "", "admin", {events.SerializeAsString()}};
  }

  // A request that decides on what nobody has asked for.
  template <typename Request>
  static Row DecisionRow(const std::string& room_id) {
    Request request;
    if constexpr (requires { request.set_room_id(room_id); }) request.set_room_id(room_id);
    request.set_approval_id("none");
    return {request.SerializeAsString(), "approve", "", "approver", {}, StatusCode::NOT_FOUND};
  }

  // The rows by the methods' names, for a room of kAlice.
  static std::map<std::string, Row> Rows(const std::string& room_id) {
    v1::ListRoomsRequest rooms;
    rooms.set_requester(kAlice);
    v1::ListUserRoomsRequest rooms_of_alice;
    rooms_of_alice.set_user_id(kAlice);
    v1::AckInviteRequest ack;
    ack.set_room_id(room_id);
    ack.set_user_id("@zoe:elsewhere.example");
    ack.set_event_id("$invite");
    v1::SetAliasRequest set_alias;
    set_alias.set_alias(NewAlias());
    set_alias.set_room_id(room_id);
    set_alias.set_requester(kAlice);
    v1::DeleteAliasRequest delete_alias;
    delete_alias.set_alias(ResolvableAlias(room_id));
    delete_alias.set_requester(kAlice);
    v1::ResolveAliasRequest resolve_alias;
    resolve_alias.set_alias(ResolvableAlias(room_id));
    v1::ListAliasesRequest aliases;
    aliases.set_room_id(room_id);
    aliases.set_requester(kAlice);
    v1::SetVisibilityRequest visibility;
    visibility.set_room_id(room_id);
    visibility.set_requester(kAlice);
    visibility.set_is_public(true);
    return {
        {"CreateRoom", {RoomRequest(kAlice).SerializeAsString(), "create", kAlice, "alice"}},
        {"UpgradeRoom",
         {UpgradeRequest(room_id, kAlice, "12").SerializeAsString(), "upgrade", kAlice, "alice"}},
        {"CancelUpgrade",
         {About<v1::CancelUpgradeRequest>(room_id),
          "upgrade",
          kAlice,
          "alice",
          {},
          StatusCode::FAILED_PRECONDITION}},
        {"LinkUpgrade", {LinkToSuccessor(room_id), "upgrade", kAlice, "alice"}},
        {"DeleteRoom", {DeletionOfARoom(), "admin", "", "admin"}},
        {"GetRoom", {GetRequest(room_id, kAlice).SerializeAsString(), "", kAlice, "nobody"}},
        {"GetRoomState", {StateRequest(room_id, kAlice).SerializeAsString(), "", kAlice, "nobody"}},
        {"ListRooms", {rooms.SerializeAsString(), "", kAlice, "nobody"}},
        {"ExportRoom", {ExportRequest(room_id, kAlice).SerializeAsString(), "", kAlice, "nobody"}},
        {"ImportRoom", ImportRow()},
        {"WatchRoomEvents", {"", "watch", "", "watcher"}},
        {"ListRoomEvents", {"", "watch", "", "watcher"}},
        {"SetState",
         {SetStateRequest(room_id, kAlice, "m.room.name", R"({"name": "A"})").SerializeAsString(),
          "participate", kAlice, "alice"}},
        {"SendEvent",
         {SendRequest(room_id, kAlice, "A").SerializeAsString(), "participate", kAlice, "alice"}},
        {"RedactEvent",
         {RedactRequest(room_id, kAlice, SomeEvent(room_id)).SerializeAsString(), "participate",
          kAlice, "alice"}},
        {"GetEvent",
         {EventRequest(room_id, SomeEvent(room_id), kAlice).SerializeAsString(), "", kAlice,
          "nobody"}},
        {"ListEvents", {ListRequest(room_id, kAlice).SerializeAsString(), "", kAlice, "nobody"}},
        {"InviteUser", {About<v1::InviteUserRequest>(room_id), "participate", kAlice, "alice"}},
        {"JoinRoom", {About<v1::JoinRoomRequest>(room_id), "participate", kAlice, "alice"}},
        {"LeaveRoom", {About<v1::LeaveRoomRequest>(room_id), "participate", kAlice, "alice"}},
        {"KickUser", {About<v1::KickUserRequest>(room_id), "participate", kAlice, "alice"}},
        {"BanUser", {About<v1::BanUserRequest>(room_id), "participate", kAlice, "alice"}},
        {"UnbanUser", {About<v1::UnbanUserRequest>(room_id), "participate", kAlice, "alice"}},
        {"KnockOnRoom",
         {About<v1::KnockOnRoomRequest>(KnockableRoom()), "participate", kAlice, "alice"}},
        {"ListMembers", {About<v1::ListMembersRequest>(room_id), "", kAlice, "nobody"}},
        {"ListUserRooms", {rooms_of_alice.SerializeAsString(), "", kAlice, "nobody"}},
        {"ListPendingInvites", {"", "federate", "", "sender"}},
        {"AckInvite", {ack.SerializeAsString(), "federate", "", "sender"}},
        {"SetAlias", {set_alias.SerializeAsString(), "participate", kAlice, "alice"}},
        {"DeleteAlias", {delete_alias.SerializeAsString(), "participate", kAlice, "alice"}},
        {"ResolveAlias", {resolve_alias.SerializeAsString(), "", "", "sender"}},
        {"ListAliases", {aliases.SerializeAsString(), "", kAlice, "nobody"}},
        {"SetVisibility", {visibility.SerializeAsString(), "participate", kAlice, "alice"}},
        {"ListPublicRooms", {"", "", "", "sender"}},
        {"CreateSubscription",
         {NewSubscriptionRequest().SerializeAsString(), "watch", "", "watcher"}},
        {"GetSubscription", {OfSubscription<v1::GetSubscriptionRequest>(), "watch", "", "watcher"}},
        {"ListSubscriptions", {"", "watch", "", "watcher"}},
        {"UpdateSubscription",
         {OfSubscription<v1::UpdateSubscriptionRequest>(), "watch", "", "watcher"}},
        {"SeekSubscription",
         {OfSubscription<v1::SeekSubscriptionRequest>(), "watch", "", "watcher"}},
        {"DeleteSubscription",
         {OfSubscription<v1::DeleteSubscriptionRequest>(), "watch", "", "watcher"}},
        {"ConsumeEvents", {OfSubscription<v1::ConsumeEventsRequest>(), "watch", "", "watcher"}},
        {"AckEvents",
         {OfSubscription<v1::AckEventsRequest>(),
          "watch",
          "",
          "watcher",
          {},
          StatusCode::NOT_FOUND}},
        {"RejectEvent",
         {OfSubscription<v1::RejectEventRequest>(),
          "watch",
          "",
          "watcher",
          {},
          StatusCode::NOT_FOUND}},
        {"ListParkedEvents",
         {OfSubscription<v1::ListParkedEventsRequest>(), "watch", "", "watcher"}},
        {"ReplayParkedEvents",
         {OfSubscription<v1::ReplayParkedEventsRequest>(), "watch", "", "watcher"}},
        {"DropParkedEvents",
         {OfSubscription<v1::DropParkedEventsRequest>(), "watch", "", "watcher"}},
        {"ApproveUpgrade", DecisionRow<v1::ApproveUpgradeRequest>(room_id)},
        {"RejectUpgrade", DecisionRow<v1::RejectUpgradeRequest>(room_id)},
        {"ApproveCreation", DecisionRow<v1::ApproveCreationRequest>(room_id)},
        {"RejectCreation", DecisionRow<v1::RejectCreationRequest>(room_id)},
        {"ListPendingApprovals", {"", "approve", "", "approver"}},
        {"ExportAudit", {"", "audit", "", "archivist"}},
        {"VerifyAudit", {"", "audit", "", "archivist"}},
    };
  }

  // Requests of the stranger about a room of kTenant that has kAlice, and what it gets.
  static std::map<std::string, StrangersRow> StrangersRows(const std::string& room_id) {
    const StrangersRow as_alice = {StatusCode::OK, ""};
    const StrangersRow& public_or_own = as_alice;
    const StrangersRow no_such_subscription = {StatusCode::NOT_FOUND, "SUBSCRIPTION_NOT_FOUND"};
    const StrangersRow no_such_approval = {StatusCode::NOT_FOUND, "APPROVAL_NOT_FOUND"};
    const auto no_such_room = [](const auto& request) {
      return StrangersRow{StatusCode::NOT_FOUND, "ROOM_NOT_FOUND", request.SerializeAsString()};
    };
    const auto not_allowed = [](const auto& request) {
      return StrangersRow{StatusCode::PERMISSION_DENIED, "AUDIENCE_NOT_ALLOWED",
                          request.SerializeAsString()};
    };
    v1::CreateRoomRequest create = RoomRequest(kAlice);
    create.set_audience(kTenant);
    v1::WatchRoomEventsRequest watch;
    watch.mutable_filter()->add_audiences(kTenant);
    v1::ListRoomEventsRequest events;
    events.mutable_filter()->add_audiences(kTenant);
    v1::ListAliasesRequest aliases;
    aliases.set_room_id(room_id);
    v1::ListMembersRequest members;
    members.set_room_id(room_id);
    v1::CreateSubscriptionRequest subscribe = NewSubscriptionRequest();
    subscribe.mutable_subscription()->mutable_filter()->add_audiences(kTenant);
    return {
        {"CreateRoom", not_allowed(create)},
        {"UpgradeRoom", as_alice},
        {"CancelUpgrade", {StatusCode::FAILED_PRECONDITION, "ROOM_NOT_UPGRADING"}},
        {"LinkUpgrade", as_alice},
        {"DeleteRoom", {StatusCode::PERMISSION_DENIED, "ROLE_MISSING"}},
        {"GetRoom", no_such_room(GetRequest(room_id))},
        {"GetRoomState", no_such_room(StateRequest(room_id))},
        {"ListRooms", public_or_own},
        {"ExportRoom", no_such_room(ExportRequest(room_id))},
        {"ImportRoom", {StatusCode::PERMISSION_DENIED, "ROLE_MISSING"}},
        {"WatchRoomEvents", not_allowed(watch)},
        {"ListRoomEvents", not_allowed(events)},
        {"SetState", as_alice},
        {"SendEvent", as_alice},
        {"RedactEvent", as_alice},
        {"GetEvent", no_such_room(EventRequest(room_id, SomeEvent(room_id)))},
        {"ListEvents", no_such_room(ListRequest(room_id))},
        {"InviteUser", as_alice},
        {"JoinRoom", as_alice},
        {"LeaveRoom", as_alice},
        {"KickUser", as_alice},
        {"BanUser", as_alice},
        {"UnbanUser", as_alice},
        {"KnockOnRoom", as_alice},
        {"ListMembers", no_such_room(members)},
        {"ListUserRooms", public_or_own},
        {"ListPendingInvites", public_or_own},
        {"AckInvite", public_or_own},
        {"SetAlias", as_alice},
        {"DeleteAlias", as_alice},
        {"ResolveAlias", public_or_own},
        {"ListAliases", no_such_room(aliases)},
        {"SetVisibility", as_alice},
        {"ListPublicRooms", public_or_own},
        {"CreateSubscription", not_allowed(subscribe)},
        {"GetSubscription", no_such_subscription},
        {"ListSubscriptions", public_or_own},
        {"UpdateSubscription", no_such_subscription},
        {"SeekSubscription", no_such_subscription},
        {"DeleteSubscription", no_such_subscription},
        {"ConsumeEvents", no_such_subscription},
        {"AckEvents", no_such_subscription},
        {"RejectEvent", no_such_subscription},
        {"ListParkedEvents", no_such_subscription},
        {"ReplayParkedEvents", no_such_subscription},
        {"DropParkedEvents", no_such_subscription},
        {"ApproveUpgrade", no_such_approval},
        {"RejectUpgrade", no_such_approval},
        {"ApproveCreation", no_such_approval},
        {"RejectCreation", no_such_approval},
        {"ListPendingApprovals", public_or_own},
        {"ExportAudit", {StatusCode::PERMISSION_DENIED, "ROLE_MISSING"}},
        {"VerifyAudit", {StatusCode::PERMISSION_DENIED, "ROLE_MISSING"}},
    };
  }

  static std::string NewRoom() {
    v1::CreateRoomRequest request = RoomRequest(kAlice);
    request.set_audience(kTenant);
    return backend().Create(request).room_id();
  }

  // The id of a room that is not there, as long as `room_id`.
  static std::string MissingRoom(const std::string& room_id) {
    std::string missing = room_id;
    std::fill_n(missing.begin() + 1, 8, 'x');
    return missing;
  }

  // An alias of the room.
  static std::string ResolvableAlias(const std::string& room_id) {
    v1::SetAliasRequest request;
    request.set_alias(NewAlias());
    request.set_room_id(room_id);
    request.set_requester(kAlice);
    EXPECT_TRUE(backend().SetAlias(request).ok());
    return request.alias();
  }

  // Calls `check` for every method of the services and its row.
  template <typename Check>
  static void ForEachMethod(Check check) {
    for (const MethodDescriptor* described : Methods()) {
      const MethodDescriptor& method = *described;
      SCOPED_TRACE(method.name());
      const auto rows = Rows(NewRoom());
      const auto row = rows.find(method.name());
      if (row == rows.end()) {
        ADD_FAILURE() << "there is no row for this method";
        continue;
      }
      check(method, row->second);
    }
  }

  static grpc::Status Call(const MethodDescriptor& method, const std::string& request,
                           const Metadata& metadata, const std::vector<std::string>& more = {}) {
    std::vector<std::string> requests = {request};
    requests.insert(requests.end(), more.begin(), more.end());
    return CallRaw(scene_->channel, method, requests, metadata);
  }

  static Metadata Bearer(const std::string& token) {
    return {{"authorization", absl::StrCat("Bearer ", token)}};
  }

  static Json Claims(const std::string& principal) {
    return {{"iss", "https://issuer.example"},
            {"aud", "innkeeper"},
            {"sub", principal},
            {"exp", absl::ToUnixSeconds(absl::Now()) + 600}};
  }

  static std::string JwtOf(const std::string& principal) {
    return scene_->issuer.Token(Claims(principal));
  }

  // As above, with another value of one claim.
  static std::string JwtOf(const std::string& principal, const char* claim, const Json& value) {
    Json claims = Claims(principal);
    claims[claim] = value;
    return scene_->issuer.Token(claims);
  }

  // Expects that a caller is answered about a room that is there as about one that isn't.
  static void ExpectSameAnswer(const MethodDescriptor& method, const std::string& request,
                               const std::string& room_id, const std::string& principal) {
    const std::string missing = MissingRoom(room_id);
    const grpc::Status there = Call(method, request, Bearer(TestToken(principal)));
    const grpc::Status not_there = Call(method, absl::StrReplaceAll(request, {{room_id, missing}}),
                                        Bearer(TestToken(principal)));
    EXPECT_FALSE(there.ok());
    EXPECT_EQ(there.error_code(), not_there.error_code()) << principal;
    for (const auto text : {&grpc::Status::error_message, &grpc::Status::error_details}) {
      EXPECT_EQ(absl::StrReplaceAll((there.*text)(), {{room_id, missing}}), (not_there.*text)());
    }
  }

  static Scene* scene_;
};

Scene* MethodsTest::scene_ = nullptr;

TEST_F(MethodsTest, RightfulCallersGetThrough) {
  ForEachMethod([](const MethodDescriptor& method, const Row& row) {
    for (const std::string& token :
         {TestToken(row.allowed), TestToken("admin"), JwtOf(row.allowed), JwtOf("admin")}) {
      // Each of them upgrades a room of their own.
      const Row own = Rows(NewRoom()).at(method.name());
      const grpc::Status status = Call(method, own.request, Bearer(token), own.more);
      EXPECT_EQ(status.error_code(), own.outcome) << token << ": " << status.error_message();
    }
  });
}

TEST_F(MethodsTest, WithoutAGoodTokenNothingIsDoneOrTold) {
  const std::string token = TestToken("admin");
  const int64_t a_minute_ago = absl::ToUnixSeconds(absl::Now()) - 60;
  const std::vector<Metadata> wrong = {
      {},
      Bearer("unknown"),
      Bearer(""),
      Bearer(token + "x"),
      Bearer(token.substr(1)),
      {{"authorization", token}},
      {{"authorization", "Basic " + token}},
      {{"token", token}},
      // The hash that stands in the file is no token.
      Bearer(absl::BytesToHexString(rooms::Sha256(token))),
      Bearer(std::string(5000, 'x')),
      {{"authorization", "Bearer " + token}, {"authorization", "Bearer unknown"}},
      Bearer(JwtOf("admin", "exp", a_minute_ago)),
      Bearer(JwtOf("admin", "aud", "elsewhere")),
      Bearer(JwtOf("admin", "iss", "https://other.example")),
      Bearer(JwtOf("nobody that is known")),
      Bearer(JwtIssuer("key-1", "ES256").Token(Claims("admin"))),
  };
  ForEachMethod([&](const MethodDescriptor& method, const Row& row) {
    const int64_t head = LogHead();
    std::set<std::string> answers;
    for (size_t i = 0; i < wrong.size(); ++i) {
      for (const std::string& request : {row.request, std::string("\xff garbage")}) {
        const grpc::Status status = Call(method, request, wrong[i]);
        EXPECT_THAT(status, IsError(StatusCode::UNAUTHENTICATED, "CREDENTIALS_INVALID")) << i;
        answers.insert(status.error_message() + status.error_details());
      }
    }
    const std::string expired = JwtOf(row.allowed, "exp", a_minute_ago);
    EXPECT_THAT(Call(method, row.request, Bearer(expired), row.more),
                IsError(StatusCode::UNAUTHENTICATED, "CREDENTIALS_INVALID"));
    EXPECT_EQ(answers.size(), 1u) << "the answer tells what is wrong with the token";
    EXPECT_EQ(LogHead(), head);
  });
}

TEST_F(MethodsTest, WithoutTheRoleNothingIsDone) {
  ForEachMethod([](const MethodDescriptor& method, const Row& row) {
    if (row.role.empty()) return;
    const int64_t head = LogHead();
    for (const std::string principal : {"nobody", "reader"}) {
      for (const std::string& token : {TestToken(principal), JwtOf(principal)}) {
        for (const std::string& request : {row.request, std::string("\xff garbage")}) {
          const grpc::Status status = Call(method, request, Bearer(token));
          EXPECT_THAT(status, IsError(StatusCode::PERMISSION_DENIED, "ROLE_MISSING"));
          EXPECT_EQ(MetadataOf(status)["role"], row.role);
        }
      }
    }
    EXPECT_EQ(LogHead(), head);
  });
}

TEST_F(MethodsTest, ReadingAsNobodyNeedsReadAll) {
  const std::string room_id = NewRoom();
  v1::ListAliasesRequest aliases;
  aliases.set_room_id(room_id);
  v1::ListMembersRequest members;
  members.set_room_id(room_id);
  const std::map<std::string, std::string> requests = {
      {"GetRoom", GetRequest(room_id).SerializeAsString()},
      {"GetRoomState", StateRequest(room_id).SerializeAsString()},
      {"ListRooms", ""},
      {"ExportRoom", ExportRequest(room_id).SerializeAsString()},
      {"GetEvent", EventRequest(room_id, SomeEvent(room_id)).SerializeAsString()},
      {"ListEvents", ListRequest(room_id).SerializeAsString()},
      {"ListAliases", aliases.SerializeAsString()},
      {"ListMembers", members.SerializeAsString()},
  };
  ForEachMethod([&](const MethodDescriptor& method, const Row& row) {
    // ListUserRooms is always about one user.
    if (!row.role.empty() || row.user.empty() || method.name() == "ListUserRooms") return;
    const std::string& request = requests.at(method.name());
    EXPECT_TRUE(Call(method, request, Bearer(TestToken("reader"))).ok());
    const grpc::Status status = Call(method, request, Bearer(TestToken("alice")));
    EXPECT_THAT(status, IsError(StatusCode::PERMISSION_DENIED, "ROLE_MISSING"));
    EXPECT_EQ(MetadataOf(status)["role"], "read-all");
  });
}

TEST_F(MethodsTest, NobodyActsForUsersThatAreNotTheirs) {
  ForEachMethod([](const MethodDescriptor& method, const Row& row) {
    if (row.user.empty()) return;
    ASSERT_TRUE(absl::StrContains(row.request, kAlice));
    const std::string request = absl::StrReplaceAll(row.request, {{kAlice, kLongBob}});
    const int64_t head = LogHead();
    const grpc::Status status = Call(method, request, Bearer(TestToken("alice")));
    EXPECT_THAT(status, IsError(StatusCode::PERMISSION_DENIED, "USER_NOT_ALLOWED"));
    EXPECT_EQ(MetadataOf(status)["user"], kLongBob);
    EXPECT_EQ(LogHead(), head);
  });
}

TEST_F(MethodsTest, WhoIsKeptToAnotherAudienceGetsNothingOfThisOne) {
  ForEachMethod([](const MethodDescriptor& method, const Row&) {
    const std::string room_id = NewRoom();
    const auto rows = StrangersRows(room_id);
    const auto found = rows.find(method.name());
    if (found == rows.end()) {
      ADD_FAILURE() << "there is no stranger's row for this method";
      return;
    }
    const StrangersRow& row = found->second;
    const Row own = Rows(room_id).at(method.name());
    const std::string& request = row.request.empty() ? own.request : row.request;
    const grpc::Status status = Call(method, request, Bearer(JwtOf(kStranger)), own.more);
    EXPECT_THAT(status, IsError(row.outcome, row.reason));
  });
}

// Of a room, whoever may not know of it learns the same whether it is there or not.
TEST_F(MethodsTest, PermissionComesBeforeExistence) {
  ForEachMethod([](const MethodDescriptor& method, const Row&) {
    const std::string room_id = NewRoom();
    const Row row = Rows(room_id).at(method.name());
    const StrangersRow stranger = StrangersRows(room_id).at(method.name());
    if (absl::StrContains(row.request, room_id)) {
      if (!row.role.empty()) ExpectSameAnswer(method, row.request, room_id, "nobody");
      if (!row.user.empty()) {
        const std::string as_bob = absl::StrReplaceAll(row.request, {{kAlice, kLongBob}});
        ExpectSameAnswer(method, as_bob, room_id, "alice");
        // Who may act for a user that is not in the room reads no more than the user.
        if (row.role.empty()) ExpectSameAnswer(method, as_bob, room_id, "backend");
      }
    }
    if (absl::StrContains(stranger.request, room_id)) {
      ExpectSameAnswer(method, stranger.request, room_id, "nobody");
      ExpectSameAnswer(method, stranger.request, room_id, kStranger);
    }
  });
}

TEST_F(MethodsTest, EveryChangeIsInTheAuditLog) {
  const std::set<std::string> reads = {
      "GetRoom",           "GetRoomState",    "ListRooms",
      "ExportRoom",        "GetEvent",        "ListEvents",
      "ListMembers",       "ListUserRooms",   "ListAliases",
      "ResolveAlias",      "ListPublicRooms", "ListPendingInvites",
      "ListRoomEvents",    "WatchRoomEvents", "GetSubscription",
      "ListSubscriptions", "ConsumeEvents",   "ExportAudit",
      "ListParkedEvents",  "VerifyAudit",     "ListPendingApprovals"};
  // What their rows here ask for is true already, or is not there, or is only checked.
  const std::set<std::string> change_nothing = {
      "CancelUpgrade",      "ImportRoom",         "JoinRoom",         "KickUser",
      "UnbanUser",          "AckInvite",          "AckEvents",        "RejectEvent",
      "UpdateSubscription", "ReplayParkedEvents", "DropParkedEvents", "ApproveUpgrade",
      "RejectUpgrade",      "ApproveCreation",    "RejectCreation"};
  ForEachMethod([&](const MethodDescriptor& method, const Row& row) {
    const int64_t head = AuditHead();
    const grpc::Status status = Call(method, row.request, Bearer(TestToken(row.allowed)), row.more);
    ASSERT_EQ(status.error_code(), row.outcome) << status.error_message();
    int entries = 0;
    for (const v1::AuditRecord& record : archivist().AuditLog(head + 1)) {
      if (record.entry().outcome() != v1::AUDIT_OUTCOME_ALLOWED) continue;
      EXPECT_EQ(record.entry().method(), method.name());
      EXPECT_EQ(record.entry().principal(), row.allowed);
      ++entries;
    }
    const bool changes = !reads.contains(method.name()) && !change_nothing.contains(method.name());
    EXPECT_EQ(entries > 0, changes);
  });
}

TEST_F(MethodsTest, EveryRefusalIsInTheAuditLog) {
  ForEachMethod([&](const MethodDescriptor& method, const Row& row) {
    const int64_t head = AuditHead();
    EXPECT_FALSE(Call(method, row.request, Bearer("unknown")).ok());
    // It is written behind the reply.
    while (AuditHead() == head) {
    }
    const std::vector<v1::AuditRecord> records = archivist().AuditLog(head + 1);
    ASSERT_EQ(records.size(), 1u);
    EXPECT_EQ(records[0].entry().method(), method.name());
    EXPECT_EQ(records[0].entry().principal(), "");
    EXPECT_EQ(records[0].entry().reason(), "CREDENTIALS_INVALID");
  });
}

TEST_F(MethodsTest, HealthNeedsNoTokenAndKnowsTheServices) {
  EXPECT_EQ(HealthOf(address(), ""), "SERVING");
  for (const auto* service : Services()) {
    EXPECT_EQ(HealthOf(address(), service->full_name()), "SERVING");
  }
  EXPECT_EQ(HealthOf(address(), "innkeeper.v1.NoSuchService"), "NOT_FOUND");
}

}  // namespace
}  // namespace innkeeper
