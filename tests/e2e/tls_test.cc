// TLS: who gets a connection, callers that are known by their certificates, and
// certificates that are exchanged while the server runs.

#include <glog/logging.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/channel_arguments.h"
#include "tests/e2e/e2e_test.h"
#include "tests/support/jwt_issuer.h"
#include "tests/support/people.h"
#include "tests/support/raw_call.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_authority.h"

namespace innkeeper {
namespace {

using grpc::StatusCode;
using Json = nlohmann::json;
using Metadata = std::multimap<std::string, std::string>;

constexpr char kCalendarId[] = "spiffe://example.org/calendar";

// Keeps what is logged while it lives. Thread-safe.
class LogKeeper : public google::LogSink {
 public:
  LogKeeper() { google::AddLogSink(this); }
  ~LogKeeper() override { google::RemoveLogSink(this); }

  void send(google::LogSeverity severity, const char*, const char*, int,
            const google::LogMessageTime&, const char* message, size_t length) override {
    absl::MutexLock lock(&mutex_);
    absl::StrAppend(&text_, google::GetLogSeverityName(severity), " ",
                    absl::string_view(message, length), "\n");
  }

  bool Has(absl::string_view line) {
    absl::MutexLock lock(&mutex_);
    return absl::StrContains(text_, line);
  }

 private:
  absl::Mutex mutex_;
  std::string text_ ABSL_GUARDED_BY(mutex_);
};

// Principals that are known by certificates: the calendar may create rooms and watch, the
// auditor may read every room.
class TlsTest : public testing::Test {
 protected:
  TlsTest() {
    WriteServerCertificate(server_authority_);
    WritePrincipals("auditor.example.org");
  }

  void WriteServerCertificate(const TestAuthority& authority) const {
    const TestCertificate certificate = authority.Issue("IP:127.0.0.1,DNS:localhost");
    dir_.Write("server.key", certificate.key);
    dir_.Write("server.crt", certificate.certificate);
  }

  // With this name for the auditor.
  void WritePrincipals(const std::string& auditor, bool with_calendar = true) const {
    Json file = Json::parse(TestTokenFile());
    file["principals"].push_back(
        {{"name", "auditor"}, {"certificate_names", {auditor}}, {"roles", {"read-all"}}});
    if (with_calendar) {
      file["principals"].push_back({{"name", "calendar"},
                                    {"certificate_names", {kCalendarId, "calendar.example.org"}},
                                    {"jwt_subjects", {"calendar"}},
                                    {"roles", {"create", "watch"}},
                                    {"users", {"@*:example.org"}}});
    }
    dir_.Write("principals.json", file.dump());
  }

  TestServer::ChangeConfig WithTls() const {
    return [this](ServerConfig& config) {
      config.tls_certificate_file = dir_.File("server.crt");
      config.tls_key_file = dir_.File("server.key");
      config.tokens_file = dir_.File("principals.json");
    };
  }

  TestServer::ChangeConfig WithClientAuthority(
      ClientCertificates certificates = ClientCertificates::kRequired) const {
    return [this, certificates](ServerConfig& config) {
      WithTls()(config);
      config.tls_client_ca_file = dir_.Write("clients.crt", client_authority_.certificate());
      config.tls_client_certificates = certificates;
      config.jwt_keys_file = dir_.Write("keys.json", KeySet(Json::array({issuer_.PublicKey()})));
      config.jwt_issuer = "https://issuer.example";
      config.jwt_audience = "innkeeper";
    };
  }

  // A connection of its own, which trusts `authority`.
  std::shared_ptr<grpc::Channel> Connect(const TestServer& server,
                                         const TestCertificate& client = {},
                                         const TestAuthority* authority = nullptr) const {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = (authority ? *authority : server_authority_).certificate();
    options.pem_private_key = client.key;
    options.pem_cert_chain = client.certificate;
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel(server.address(), grpc::SslCredentials(options), arguments);
  }

  // A client's connection with a certificate of these names.
  std::shared_ptr<grpc::Channel> ConnectAs(const TestServer& server, const std::string& names,
                                           const std::string& common_name = "test") const {
    return Connect(server, client_authority_.Issue(names, common_name));
  }

  // The outcome of a call that needs the role read-all.
  static grpc::Status Read(const std::shared_ptr<grpc::Channel>& channel,
                           const Metadata& metadata = {}) {
    const auto* service =
        v1::CreateRoomRequest::descriptor()->file()->FindServiceByName("RoomLifecycle");
    return CallRaw(channel, *service->FindMethodByName("ListRooms"), {std::string()}, metadata);
  }

  // As what a call without a token is taken.
  static std::string TakenFor(const std::shared_ptr<grpc::Channel>& channel) {
    const grpc::Status status = Read(channel);
    switch (status.error_code()) {
      case StatusCode::OK:
        return "auditor";
      case StatusCode::PERMISSION_DENIED:
        return "calendar";
      case StatusCode::UNAUTHENTICATED:
        return "nobody";
      case StatusCode::UNAVAILABLE:
        return "no connection";
      default:
        return status.error_message();
    }
  }

  static Metadata Bearer(const std::string& token) {
    return {{"authorization", absl::StrCat("Bearer ", token)}};
  }

  std::string JwtOfCalendar(absl::Duration from_now) const {
    return issuer_.Token({{"iss", "https://issuer.example"},
                          {"aud", "innkeeper"},
                          {"sub", "calendar"},
                          {"exp", absl::ToUnixSeconds(absl::Now() + from_now)}});
  }

  const TempDir dir_;
  const TestAuthority server_authority_;
  const TestAuthority client_authority_;
  const JwtIssuer issuer_{"key-1", "ES256"};
};

TEST_F(TlsTest, ClientsThatTrustTheCertificateGetThrough) {
  TestServer server(WithTls());
  const grpc::Status status = Read(Connect(server), Bearer(TestToken("reader")));
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(TakenFor(Connect(server, {}, &client_authority_)), "no connection");
  EXPECT_EQ(TakenFor(grpc::CreateChannel(server.address(), grpc::InsecureChannelCredentials())),
            "no connection");
}

TEST_F(TlsTest, WithAClientAuthorityClientsNeedItsCertificate) {
  TestServer server(WithClientAuthority());
  const Metadata token = Bearer(TestToken("reader"));
  const grpc::Status status = Read(ConnectAs(server, "DNS:some.example.org"), token);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(Read(Connect(server), token).error_code(), StatusCode::UNAVAILABLE);
  const TestCertificate strangers = server_authority_.Issue("DNS:auditor.example.org");
  EXPECT_EQ(Read(Connect(server, strangers), token).error_code(), StatusCode::UNAVAILABLE);
}

TEST_F(TlsTest, ACertificatesSpiffeIdAndDnsNamesSayWhoCalls) {
  TestServer server(WithClientAuthority());
  const auto names_of = [&](const std::string& names, const std::string& common_name = "test") {
    return TakenFor(ConnectAs(server, names, common_name));
  };
  EXPECT_EQ(names_of(absl::StrCat("URI:", kCalendarId)), "calendar");
  EXPECT_EQ(names_of("DNS:calendar.example.org"), "calendar");
  EXPECT_EQ(names_of("DNS:other.example.org,DNS:Auditor.Example.ORG"), "auditor");
  EXPECT_EQ(names_of(absl::StrCat("URI:", kCalendarId, ",DNS:calendar.example.org")), "calendar");

  EXPECT_EQ(names_of("DNS:other.example.org"), "nobody");
  EXPECT_EQ(names_of("DNS:*.example.org"), "nobody");
  EXPECT_EQ(names_of("", "auditor.example.org"), "nobody") << "common names do not count";
  EXPECT_EQ(names_of("DNS:other.example.org", "auditor.example.org"), "nobody");
  EXPECT_EQ(names_of("email:auditor.example.org"), "nobody");
  EXPECT_EQ(names_of("URI:auditor.example.org"), "nobody");
  EXPECT_EQ(names_of(absl::StrCat("DNS:", kCalendarId)), "nobody");
  EXPECT_EQ(names_of(absl::StrCat("URI:", kCalendarId, "/2")), "nobody");
  EXPECT_EQ(names_of(absl::StrCat("URI:", kCalendarId, ",URI:https://example.org")), "nobody")
      << "a SPIFFE id is the only URI of its certificate";
  EXPECT_EQ(names_of("DNS:auditor.example.org,DNS:calendar.example.org"), "nobody")
      << "it could be either";
}

TEST_F(TlsTest, WhoIsNotKnownByItsCertificateIsToldTheSameAsOthers) {
  TestServer server(WithClientAuthority());
  const grpc::Status with_token =
      Read(ConnectAs(server, "DNS:other.example.org"), Bearer("unknown"));
  const grpc::Status without = Read(ConnectAs(server, "DNS:other.example.org"));
  EXPECT_THAT(without, IsError(StatusCode::UNAUTHENTICATED, "CREDENTIALS_INVALID"));
  EXPECT_EQ(without.error_message(), with_token.error_message());
  EXPECT_EQ(without.error_details(), with_token.error_details());
}

TEST_F(TlsTest, ATokenDecidesAndMustBeGood) {
  TestServer server(WithClientAuthority());
  const auto calendar = ConnectAs(server, absl::StrCat("URI:", kCalendarId));
  EXPECT_TRUE(Read(calendar, Bearer(TestToken("reader"))).ok());
  const auto auditor = ConnectAs(server, "DNS:auditor.example.org");
  ASSERT_TRUE(Read(auditor).ok());
  EXPECT_THAT(Read(auditor, Bearer(TestToken("watcher"))),
              IsError(StatusCode::PERMISSION_DENIED, "ROLE_MISSING"));
  EXPECT_THAT(Read(auditor, Bearer(JwtOfCalendar(absl::Minutes(10)))),
              IsError(StatusCode::PERMISSION_DENIED, "ROLE_MISSING"));
  const Metadata two = {{"authorization", "Bearer " + TestToken("reader")},
                        {"authorization", "Bearer " + TestToken("reader")}};
  const Metadata empty = {{"authorization", ""}}, other = {{"authorization", "Basic eA=="}};
  for (const Metadata& bad : {Bearer("unknown"), Bearer(""),
                              Bearer(JwtOfCalendar(-absl::Minutes(1))), two, empty, other}) {
    EXPECT_THAT(Read(auditor, bad), IsError(StatusCode::UNAUTHENTICATED, "CREDENTIALS_INVALID"))
        << bad.begin()->second;
  }
}

TEST_F(TlsTest, WhereCertificatesAreOptionalOneThatIsThereMustBeGood) {
  TestServer server(WithClientAuthority(ClientCertificates::kOptional));
  EXPECT_TRUE(Read(Connect(server), Bearer(TestToken("reader"))).ok());
  EXPECT_EQ(TakenFor(Connect(server)), "nobody");
  EXPECT_EQ(TakenFor(ConnectAs(server, "DNS:auditor.example.org")), "auditor");
  EXPECT_EQ(TakenFor(Connect(server, server_authority_.Issue("DNS:auditor.example.org"))),
            "no connection");
}

TEST_F(TlsTest, WithoutAClientAuthorityACertificateProvesNothing) {
  TestServer server(WithTls());
  EXPECT_EQ(TakenFor(ConnectAs(server, "DNS:auditor.example.org")), "nobody");
}

TEST_F(TlsTest, NamesInTheTokenFileMayChangeWhileAConnectionIsOpen) {
  TestServer server(WithClientAuthority());
  const auto old_name = ConnectAs(server, "DNS:auditor.example.org");
  const auto new_name = ConnectAs(server, "DNS:other.example.org");
  ASSERT_EQ(TakenFor(old_name), "auditor");
  ASSERT_EQ(TakenFor(new_name), "nobody");
  WritePrincipals("other.example.org");
  while (TakenFor(new_name) != "auditor") {
  }
  EXPECT_EQ(TakenFor(old_name), "nobody");
}

// A stream of the calendar, who makes the rooms in it, too.
class CalendarsStream {
 public:
  explicit CalendarsStream(const std::shared_ptr<grpc::Channel>& channel)
      : stub_(v1::RoomLifecycle::NewStub(channel)),
        reader_(stub_->WatchRoomEvents(&context_, FromTheOldest())) {}

  ~CalendarsStream() { context_.TryCancel(); }

  // Waits for the event that tells of the room; false if the stream ends before.
  bool Tells(const std::string& room_id) {
    v1::WatchRoomEventsResponse message;
    while (reader_->Read(&message)) {
      for (const v1::RoomEvent& event : message.events().events()) {
        if (event.room_id() == room_id && event.type() == "room.created") return true;
      }
    }
    return false;
  }

  grpc::Status Finish() {
    v1::WatchRoomEventsResponse message;
    while (reader_->Read(&message)) {
    }
    return reader_->Finish();
  }

 private:
  static v1::WatchRoomEventsRequest FromTheOldest() {
    v1::WatchRoomEventsRequest request;
    request.set_position(v1::START_POSITION_OLDEST);
    return request;
  }

  grpc::ClientContext context_;
  const std::unique_ptr<v1::RoomLifecycle::Stub> stub_;
  const std::unique_ptr<grpc::ClientReader<v1::WatchRoomEventsResponse>> reader_;
};

std::string CreateRoom(const std::shared_ptr<grpc::Channel>& channel) {
  grpc::ClientContext context;
  v1::CreateRoomResponse response;
  const grpc::Status status =
      v1::RoomLifecycle::NewStub(channel)->CreateRoom(&context, RoomRequest(kAlice), &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response.room().room_id();
}

TEST_F(TlsTest, AStreamEndsWhenItsCertificateIsKnownNoMore) {
  TestServer server(WithClientAuthority());
  const auto channel = ConnectAs(server, absl::StrCat("URI:", kCalendarId));
  CalendarsStream stream(channel);
  EXPECT_TRUE(stream.Tells(CreateRoom(channel)));
  WritePrincipals("auditor.example.org", /*with_calendar=*/false);
  EXPECT_THAT(stream.Finish(), IsError(StatusCode::UNAUTHENTICATED, "CREDENTIALS_INVALID"));
}

TEST_F(TlsTest, ANewServerCertificateCountsForNewConnectionsAndStreamsGoOn) {
  TestServer server(WithClientAuthority());
  const TestCertificate calendar = client_authority_.Issue(absl::StrCat("URI:", kCalendarId));
  const auto old_connection = Connect(server, calendar);
  CalendarsStream stream(old_connection);
  EXPECT_TRUE(stream.Tells(CreateRoom(old_connection)));

  const TestAuthority next;
  WriteServerCertificate(next);
  while (TakenFor(Connect(server, calendar, &next)) != "calendar") {
  }
  EXPECT_EQ(TakenFor(Connect(server, calendar)), "no connection");
  EXPECT_EQ(TakenFor(old_connection), "calendar");
  EXPECT_TRUE(stream.Tells(CreateRoom(Connect(server, calendar, &next))));
}

TEST_F(TlsTest, NewClientAuthoritiesCountForNewConnections) {
  TestServer server(WithClientAuthority());
  const TestAuthority next;
  const TestCertificate of_next = next.Issue("DNS:auditor.example.org");
  const auto old_connection = ConnectAs(server, "DNS:auditor.example.org");
  ASSERT_EQ(TakenFor(old_connection), "auditor");
  ASSERT_EQ(TakenFor(Connect(server, of_next)), "no connection");

  dir_.Write("clients.crt", absl::StrCat(client_authority_.certificate(), next.certificate()));
  while (TakenFor(Connect(server, of_next)) != "auditor") {
  }
  EXPECT_EQ(TakenFor(ConnectAs(server, "DNS:auditor.example.org")), "auditor") << "both count";

  dir_.Write("clients.crt", next.certificate());
  while (TakenFor(ConnectAs(server, "DNS:auditor.example.org")) != "no connection") {
  }
  EXPECT_EQ(TakenFor(Connect(server, of_next)), "auditor");
  EXPECT_EQ(TakenFor(old_connection), "auditor") << "open connections go on";
}

TEST_F(TlsTest, ABadSetIsRefusedAndTheOldOneStaysInForce) {
  TestServer server(WithClientAuthority());
  const std::string key = TestAuthority().Issue("").key;
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"server.key", key}, {"server.key", "garbage"},  {"server.crt", ""},
      {"clients.crt", ""}, {"clients.crt", "garbage"}, {"server.crt", "garbage"}};
  int auditors = 0;
  for (const auto& [file, contents] : wrong) {
    SCOPED_TRACE(absl::StrCat(file, ": ", contents));
    WriteServerCertificate(server_authority_);
    dir_.Write("clients.crt", client_authority_.certificate());
    LogKeeper log;
    dir_.Write(file, contents);
    // The token file is looked at behind the others.
    const std::string auditor = absl::StrCat("auditor-", ++auditors, ".example.org");
    const auto channel = ConnectAs(server, "DNS:" + auditor);
    WritePrincipals(auditor);
    while (TakenFor(channel) != "auditor") {
    }
    EXPECT_TRUE(log.Has("(what was in force before stays so)"));
    EXPECT_EQ(TakenFor(ConnectAs(server, "DNS:" + auditor)), "auditor");
    EXPECT_EQ(TakenFor(Connect(server)), "no connection");
  }
}

}  // namespace
}  // namespace innkeeper
