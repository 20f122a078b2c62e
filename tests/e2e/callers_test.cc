// Who may call what: tokens, roles, users, and TLS.

#include <cstdlib>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "google/protobuf/descriptor.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "server/base/file.h"
#include "server/rooms/event.h"
#include "tests/e2e/e2e_test.h"
#include "tests/server/rooms/forked_room.h"
#include "tests/server/rooms/signed_pdus.h"
#include "tests/support/health_client.h"
#include "tests/support/raw_call.h"

namespace innkeeper {
namespace {

using google::protobuf::MethodDescriptor;
using Metadata = std::multimap<std::string, std::string>;

constexpr char kAlice[] = "@alice:example.org";

// A request of each method that its rightful caller gets an answer to.
struct Row {
  std::string request;
  std::string role;                    // that every call needs, or ""
  std::string user;                    // that the request has the caller act for, or ""
  std::string allowed;                 // a principal who may
  std::vector<std::string> more = {};  // requests that follow the first in a stream
  grpc::StatusCode outcome = grpc::StatusCode::OK;  // of that one's call
};

class CallersTest : public E2eTest {
 protected:
  static std::vector<const google::protobuf::ServiceDescriptor*> Services() {
    return {v1::CreateRoomRequest::descriptor()->file()->service(0),
            v1::JoinRoomRequest::descriptor()->file()->service(0),
            v1::SetStateRequest::descriptor()->file()->service(0),
            v1::SetAliasRequest::descriptor()->file()->service(0),
            v1::CreateSubscriptionRequest::descriptor()->file()->service(0)};
  }

  static std::vector<const MethodDescriptor*> Methods() {
    std::vector<const MethodDescriptor*> methods;
    for (const auto* service : Services()) {
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

  // An alias that no other call of this has returned.
  static std::string NewAlias() {
    static int count = 0;
    return Alias(absl::StrCat(++count));
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
          grpc::StatusCode::FAILED_PRECONDITION}},
        {"LinkUpgrade", {LinkToSuccessor(room_id), "upgrade", kAlice, "alice"}},
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
          grpc::StatusCode::NOT_FOUND}},
        {"RejectEvent",
         {OfSubscription<v1::RejectEventRequest>(),
          "watch",
          "",
          "watcher",
          {},
          grpc::StatusCode::NOT_FOUND}},
        {"ListParkedEvents",
         {OfSubscription<v1::ListParkedEventsRequest>(), "watch", "", "watcher"}},
        {"ReplayParkedEvents",
         {OfSubscription<v1::ReplayParkedEventsRequest>(), "watch", "", "watcher"}},
        {"DropParkedEvents",
         {OfSubscription<v1::DropParkedEventsRequest>(), "watch", "", "watcher"}},
    };
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
      const auto rows = Rows(backend().Create(RoomRequest(kAlice)).room_id());
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
    static const auto& channel = *new std::shared_ptr<grpc::Channel>(
        grpc::CreateChannel(server().address(), grpc::InsecureChannelCredentials()));
    std::vector<std::string> requests = {request};
    requests.insert(requests.end(), more.begin(), more.end());
    return CallRaw(channel, method, requests, metadata);
  }

  static Metadata Bearer(const std::string& token) {
    return {{"authorization", absl::StrCat("Bearer ", token)}};
  }
};

TEST_F(CallersTest, RightfulCallersGetThrough) {
  ForEachMethod([](const MethodDescriptor& method, const Row& row) {
    for (const std::string& principal : {row.allowed, std::string("admin")}) {
      // Each of them upgrades a room of their own.
      const Row own = Rows(backend().Create(RoomRequest(kAlice)).room_id()).at(method.name());
      const grpc::Status status = Call(method, own.request, Bearer(TestToken(principal)), own.more);
      EXPECT_EQ(status.error_code(), own.outcome) << principal << ": " << status.error_message();
    }
  });
}

TEST_F(CallersTest, WithoutAKnownTokenNothingIsDoneOrTold) {
  const std::string token = TestToken("admin");
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
  };
  ForEachMethod([&](const MethodDescriptor& method, const Row& row) {
    const int64_t head = LogHead();
    std::set<std::string> answers;
    for (size_t i = 0; i < wrong.size(); ++i) {
      for (const std::string& request : {row.request, std::string("\xff garbage")}) {
        const grpc::Status status = Call(method, request, wrong[i]);
        EXPECT_THAT(status, IsError(grpc::StatusCode::UNAUTHENTICATED, "CREDENTIALS_INVALID")) << i;
        answers.insert(status.error_message() + status.error_details());
      }
    }
    EXPECT_EQ(answers.size(), 1u) << "the answer tells what is wrong with the token";
    EXPECT_EQ(LogHead(), head);
  });
}

TEST_F(CallersTest, WithoutTheRoleNothingIsDone) {
  ForEachMethod([](const MethodDescriptor& method, const Row& row) {
    if (row.role.empty()) return;
    const int64_t head = LogHead();
    for (const std::string principal : {"nobody", "reader"}) {
      for (const std::string& request : {row.request, std::string("\xff garbage")}) {
        const grpc::Status status = Call(method, request, Bearer(TestToken(principal)));
        EXPECT_THAT(status, IsError(grpc::StatusCode::PERMISSION_DENIED, "ROLE_MISSING"));
        EXPECT_EQ(MetadataOf(status)["role"], row.role);
      }
    }
    EXPECT_EQ(LogHead(), head);
  });
}

TEST_F(CallersTest, ReadingAsNobodyNeedsReadAll) {
  const std::string room_id = backend().Create(RoomRequest(kAlice)).room_id();
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
    EXPECT_THAT(status, IsError(grpc::StatusCode::PERMISSION_DENIED, "ROLE_MISSING"));
    EXPECT_EQ(MetadataOf(status)["role"], "read-all");
  });
}

TEST_F(CallersTest, NobodyActsForUsersThatAreNotTheirs) {
  ForEachMethod([](const MethodDescriptor& method, const Row& row) {
    if (row.user.empty()) return;
    const std::string bob = "@bob__:example.org";
    std::string request = row.request;
    const size_t place = request.find(kAlice);
    ASSERT_NE(place, std::string::npos);
    request.replace(place, bob.size(), bob);
    const int64_t head = LogHead();
    const grpc::Status status = Call(method, request, Bearer(TestToken("alice")));
    EXPECT_THAT(status, IsError(grpc::StatusCode::PERMISSION_DENIED, "USER_NOT_ALLOWED"));
    EXPECT_EQ(MetadataOf(status)["user"], bob);
    EXPECT_EQ(LogHead(), head);
  });
}

TEST_F(CallersTest, HealthNeedsNoTokenAndKnowsTheServices) {
  EXPECT_EQ(HealthOf(server().address(), ""), "SERVING");
  for (const auto* service : Services()) {
    EXPECT_EQ(HealthOf(server().address(), service->full_name()), "SERVING");
  }
  EXPECT_EQ(HealthOf(server().address(), "innkeeper.v1.NoSuchService"), "NOT_FOUND");
}

TEST(TokenFileTest, AChangeTakesEffectWhileRunning) {
  TestServer server;
  const TestClient alice(server.address(), TestToken("alice"));
  const TestClient newcomer(server.address(), "newcomer-token");
  const v1::CreateRoomRequest request = RoomRequest(kAlice);
  ASSERT_TRUE(alice.CreateRoom(request).ok());
  ASSERT_EQ(newcomer.CreateRoom(request).status.error_code(), grpc::StatusCode::UNAUTHENTICATED);

  const nlohmann::json file = {
      {"principals",
       {{{"name", "newcomer"},
         {"token_sha256", {absl::BytesToHexString(rooms::Sha256("newcomer-token"))}},
         {"roles", {"create"}},
         {"users", {"@alice:*"}}}}}};
  server.dir().Write("tokens.json", file.dump());
  while (!newcomer.CreateRoom(request).ok()) {
  }
  EXPECT_THAT(alice.CreateRoom(request).status,
              IsError(grpc::StatusCode::UNAUTHENTICATED, "CREDENTIALS_INVALID"));

  // A file that is wrong changes nothing; one that comes after it counts.
  server.dir().Write("tokens.json", "{");
  EXPECT_TRUE(newcomer.CreateRoom(request).ok());
  server.dir().Write("tokens.json", TestTokenFile());
  while (!alice.CreateRoom(request).ok()) {
    EXPECT_TRUE(newcomer.CreateRoom(request).status.ok() ||
                newcomer.CreateRoom(request).status.error_code() ==
                    grpc::StatusCode::UNAUTHENTICATED);
  }
}

TEST(HealthTest, EndsBeforeTheServerDoes) {
  TestServer server([](ServerConfig& config) { config.drain_timeout = absl::Milliseconds(200); });
  HealthWatch watch(server.address(), "innkeeper.v1.RoomLifecycle");
  EXPECT_EQ(watch.Next(), "SERVING");
  ASSERT_TRUE(server.Stop().ok());
  EXPECT_EQ(watch.Next(), "NOT_SERVING");
}

// Certificates made for this run.
class TlsTest : public testing::Test {
 protected:
  void SetUp() override {
    MakeAuthority("ca");
    MakeCertificate("server", "ca");
    MakeAuthority("clients");
    MakeCertificate("client", "clients");
    MakeCertificate("stranger", "ca");
  }

  void Openssl(const std::string& arguments) const {
    const std::string command =
        absl::StrCat("cd '", dir_.path(), "' && openssl ", arguments, " >>openssl.log 2>&1");
    ASSERT_EQ(std::system(command.c_str()), 0) << command << Read("openssl.log");
  }

  void MakeAuthority(const std::string& name) const {
    Openssl(absl::StrCat("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1",
                         " -subj /CN=", name, " -keyout ", name, ".key -out ", name, ".crt"));
  }

  void MakeCertificate(const std::string& name, const std::string& authority) const {
    dir_.Write("names", "subjectAltName=IP:127.0.0.1,DNS:localhost");
    Openssl(absl::StrCat("req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=",
                         name, " -keyout ", name, ".key -out ", name, ".csr"));
    Openssl(absl::StrCat("x509 -req -days 1 -extfile names -in ", name, ".csr -CA ", authority,
                         ".crt -CAkey ", authority, ".key -CAcreateserial -out ", name, ".crt"));
  }

  std::string Read(const std::string& name) const {
    auto file = ReadFile(dir_.File(name), 1 << 20);
    return file.ok() ? file->bytes : "";
  }

  TestServer::ChangeConfig WithTls(bool client_certificates) const {
    return [this, client_certificates](ServerConfig& config) {
      config.tls_certificate_file = dir_.File("server.crt");
      config.tls_key_file = dir_.File("server.key");
      if (client_certificates) config.tls_client_ca_file = dir_.File("clients.crt");
    };
  }

  // The outcome of a call with the certificate of `client`, "" for none, trusting
  // `authority`.
  grpc::Status Outcome(const TestServer& server, const std::string& authority,
                       const std::string& client) const {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = Read(authority + ".crt");
    if (!client.empty()) {
      options.pem_private_key = Read(client + ".key");
      options.pem_cert_chain = Read(client + ".crt");
    }
    return List(grpc::CreateChannel(server.address(), grpc::SslCredentials(options)));
  }

  static grpc::Status List(const std::shared_ptr<grpc::Channel>& channel) {
    const auto* service =
        v1::CreateRoomRequest::descriptor()->file()->FindServiceByName("RoomLifecycle");
    return CallRaw(channel, *service->FindMethodByName("ListRooms"), {std::string()},
                   {{"authorization", "Bearer " + TestToken("reader")}});
  }

  const TempDir dir_;
};

TEST_F(TlsTest, ClientsThatTrustTheCertificateGetThrough) {
  TestServer server(WithTls(false));
  const grpc::Status status = Outcome(server, "ca", "");
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(Outcome(server, "clients", "").error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(
      List(grpc::CreateChannel(server.address(), grpc::InsecureChannelCredentials())).error_code(),
      grpc::StatusCode::UNAVAILABLE);
}

TEST_F(TlsTest, WithAClientAuthorityClientsNeedItsCertificate) {
  TestServer server(WithTls(true));
  const grpc::Status status = Outcome(server, "ca", "client");
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(Outcome(server, "ca", "").error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(Outcome(server, "ca", "stranger").error_code(), grpc::StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace innkeeper
