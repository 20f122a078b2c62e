// Client does what its comments promise, against the real server.

#include "client/innkeeper_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/error_info.h"
#include "client/event_reader.h"
#include "google/protobuf/descriptor.h"
#include "google/rpc/error_details.pb.h"
#include "server/base/clock.h"
#include "server/base/file.h"
#include "tests/client/tcp_proxy.h"
#include "tests/client/test_clients.h"
#include "tests/support/manual_clock.h"
#include "tests/support/people.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_client.h"
#include "tests/support/test_server.h"

namespace innkeeper {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::Ge;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

v1::UpgradeRoomRequest UpgradeOf(const std::string& room_id) {
  v1::UpgradeRoomRequest request;
  request.set_room_id(room_id);
  request.set_requester(kAlice);
  request.set_new_version("12");
  return request;
}

class ClientTest : public testing::Test {
 protected:
  // The types of all events, oldest first.
  std::vector<std::string> EventTypes() const {
    std::vector<std::string> types;
    for (const v1::RoomEvent& event : direct_.AllEvents()) types.push_back(event.type());
    return types;
  }

  // From now on, what the client is answered does not reach it.
  void LoseReplies() {
    ASSERT_TRUE(client_.ListRooms({}).ok()) << "for a connection to be there";
    proxy_.Hold();
  }

  // Waits for an event, without going through the proxy.
  void AwaitEvent(const std::string& type) {
    EventReader reader(Client(TestOptions(server_.address(), "admin")),
                       {.start = WatchStart::kOldest});
    while (const auto event = NextOf<v1::RoomEvent>(reader)) {
      if (event->type() == type) return;
    }
    FAIL() << reader.status();
  }

  TestServer server_;
  TestClient direct_{server_.address(), TestToken("admin")};
  TcpProxy proxy_{server_.address()};
  const Client client_{TestOptions(proxy_.address(), "admin")};
};

TEST_F(ClientTest, ReturnsResponses) {
  v1::CreateRoomRequest request = RoomRequest(kAlice);
  request.set_name("Lobby");
  const auto created = client_.CreateRoom(request);
  ASSERT_TRUE(created.ok()) << created.status();
  v1::GetRoomRequest get;
  get.set_room_id(created->room().room_id());
  const auto room = client_.GetRoom(get);
  ASSERT_TRUE(room.ok()) << room.status();
  EXPECT_EQ(room->room().name(), "Lobby");
}

TEST_F(ClientTest, ReturnsErrorsWithTheirDetails) {
  const auto invalid = client_.CreateRoom({});
  EXPECT_EQ(invalid.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(invalid.status().message()), StartsWith("CreateRoom: creator: "));
  EXPECT_EQ(ErrorReasonOf(invalid.status()), v1::ERROR_REASON_INVALID_REQUEST);
  const auto bad_request = ErrorDetailOf<google::rpc::BadRequest>(invalid.status());
  ASSERT_TRUE(bad_request);
  EXPECT_EQ(bad_request->field_violations(0).field(), "creator");
  EXPECT_FALSE(ErrorDetailOf<google::rpc::RetryInfo>(invalid.status()));

  const std::string room_id = direct_.Create(RoomRequest(kAlice)).room_id();
  const auto upgraded = client_.UpgradeRoom(UpgradeOf(room_id));
  ASSERT_TRUE(upgraded.ok()) << upgraded.status();
  const absl::Status tombstoned = client_.UpgradeRoom(UpgradeOf(room_id)).status();
  EXPECT_EQ(ErrorReasonOf(tombstoned), v1::ERROR_REASON_ROOM_TOMBSTONED);
  EXPECT_EQ(ErrorMetadataOf(tombstoned, "successor_room_id"), upgraded->room().room_id());
  EXPECT_EQ(ErrorMetadataOf(tombstoned, "no such key"), "");
}

TEST_F(ClientTest, AnErrorThatIsNotTheServersHasNoReason) {
  for (const absl::Status& status : {absl::OkStatus(), absl::UnavailableError("unplugged")}) {
    EXPECT_EQ(ErrorReasonOf(status), v1::ERROR_REASON_UNSPECIFIED);
    EXPECT_EQ(ErrorMetadataOf(status, "rule"), "");
    EXPECT_EQ(RetryDelayOf(status), std::nullopt);
  }
}

TEST_F(ClientTest, ALostReplyOfACreateDoesNotMakeTwoRooms) {
  LoseReplies();
  std::optional<absl::StatusOr<v1::CreateRoomResponse>> created;
  std::thread caller([&] { created = client_.CreateRoom(RoomRequest(kAlice)); });
  AwaitEvent("room.created");
  proxy_.Cut();
  proxy_.Release();
  caller.join();
  ASSERT_TRUE(created->ok()) << created->status();
  const std::vector<v1::RoomEvent> events = direct_.AllEvents();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].room_id(), (*created)->room().room_id());
  EXPECT_GE(proxy_.connections(), 2);
}

TEST_F(ClientTest, ALostReplyOfAnUpgradeDoesNotFailTheCall) {
  const std::string room_id = direct_.Create(RoomRequest(kAlice)).room_id();
  LoseReplies();
  std::optional<absl::StatusOr<v1::UpgradeRoomResponse>> upgraded;
  std::thread caller([&] { upgraded = client_.UpgradeRoom(UpgradeOf(room_id)); });
  AwaitEvent("room.upgraded");
  proxy_.Cut();
  proxy_.Release();
  caller.join();
  ASSERT_TRUE(upgraded->ok()) << upgraded->status();
  EXPECT_THAT(EventTypes(), ElementsAre("room.created", "room.created", "room.upgraded"));
  EXPECT_EQ((*upgraded)->room().room_id(), direct_.Room(room_id).successor_room_id());
}

TEST_F(ClientTest, ALostReplyOfAMessageDoesNotSendItTwice) {
  v1::SendEventRequest request;
  request.set_room_id(direct_.Create(RoomRequest(kAlice)).room_id());
  request.set_requester(kAlice);
  request.set_type("org.example.greeting");
  request.mutable_content();
  LoseReplies();
  std::optional<absl::StatusOr<v1::SendEventResponse>> sent;
  std::thread caller([&] { sent = client_.SendEvent(request); });
  AwaitEvent("room.event.sent");
  proxy_.Cut();
  proxy_.Release();
  caller.join();
  ASSERT_TRUE(sent->ok()) << sent->status();
  EXPECT_THAT(EventTypes(), ElementsAre("room.created", "room.event.sent"));
}

TEST_F(ClientTest, EveryCreateMakesOneRoomWhereverConnectionsBreak) {
  std::mt19937 random(1);  // the same each time
  // A connection begins with some 100 bytes of HTTP/2 settings; a reply has about as many.
  proxy_.CutEachAfter([&] { return std::uniform_int_distribution<size_t>(0, 600)(random); });
  std::set<std::string> room_ids;
  for (int i = 0; i < 40; ++i) {
    const auto created = client_.CreateRoom(RoomRequest(kAlice));
    ASSERT_TRUE(created.ok()) << created.status();
    room_ids.insert(created->room().room_id());
  }
  EXPECT_EQ(room_ids.size(), size_t{40});
  EXPECT_THAT(EventTypes(), ElementsAreArray(std::vector<std::string>(40, "room.created")));
  EXPECT_GT(proxy_.connections(), 5);
}

TEST_F(ClientTest, ARequestIdOfTheCallersIsLeftAsItIs) {
  v1::CreateRoomRequest request = RoomRequest(kAlice);
  request.set_request_id("mine");
  const auto created = client_.CreateRoom(request);
  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_EQ(direct_.CreateRoom(request).response.room().room_id(), created->room().room_id());
}

TEST_F(ClientTest, TwoCallsAreNotTakenForOne) {
  const auto first = client_.CreateRoom(RoomRequest(kAlice));
  const auto second = client_.CreateRoom(RoomRequest(kAlice));
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_NE(first->room().room_id(), second->room().room_id());
}

TEST_F(ClientTest, FindsTheServerAgainAfterARestart) {
  ASSERT_TRUE(client_.ListRooms({}).ok());
  ASSERT_TRUE(server_.Stop().ok());
  proxy_.SetServer("");
  std::optional<absl::StatusOr<v1::CreateRoomResponse>> created;
  const int connections = proxy_.connections();
  std::thread caller([&] { created = client_.CreateRoom(RoomRequest(kAlice)); });
  proxy_.AwaitConnections(connections + 2);  // it tried, and tried again
  server_.Start();
  proxy_.SetServer(server_.address());
  caller.join();
  EXPECT_TRUE(created->ok()) << created->status();
}

TEST_F(ClientTest, ACallThatIsNotAnsweredEndsWithTheTimeout) {
  LoseReplies();
  EXPECT_EQ(client_.WithTimeout(absl::Milliseconds(50)).ListRooms({}).status().code(),
            absl::StatusCode::kDeadlineExceeded);
}

TEST_F(ClientTest, ADeadConnectionIsGivenUpForAnother) {
  ClientOptions options = TestOptions(proxy_.address(), "admin");
  options.keepalive_time = absl::Milliseconds(200);
  const Client client(options);
  ASSERT_TRUE(client.ListRooms({}).ok());
  proxy_.Hold();
  std::optional<absl::StatusOr<v1::CreateRoomResponse>> created;
  std::thread caller([&] { created = client.CreateRoom(RoomRequest(kAlice)); });
  proxy_.AwaitConnections(2);
  proxy_.Release();
  caller.join();
  EXPECT_TRUE(created->ok()) << created->status();
  EXPECT_EQ(direct_.AllEvents().size(), 1u);
}

TEST_F(ClientTest, ATokenThatCannotBeSentIsAnError) {
  ClientOptions options = TestOptions(server_.address(), "admin");
  options.token = FixedToken("two\nlines");
  EXPECT_EQ(Client(options).ListRooms({}).status().code(), absl::StatusCode::kInvalidArgument);
  options.token = [] { return absl::UnauthenticatedError("forgot it"); };
  EXPECT_EQ(Client(options).ListRooms({}).status(), absl::UnauthenticatedError("forgot it"));
  options.token = nullptr;
  EXPECT_EQ(ErrorReasonOf(Client(options).ListRooms({}).status()),
            v1::ERROR_REASON_CREDENTIALS_INVALID);
}

// A client on a clock that moves only when the client waits.
class WaitingTest : public testing::Test {
 protected:
  ClientSurroundings Surroundings() {
    ClientSurroundings surroundings;
    surroundings.now = [clock = std::make_shared<Clock>(clock_.clock())] { return (*clock)(); };
    surroundings.sleep = [this](absl::Duration duration, const absl::Notification&) {
      waits_.push_back(duration);
      clock_.Advance(duration);
    };
    return surroundings;
  }

  ManualClock clock_;
  std::vector<absl::Duration> waits_;
};

TEST_F(WaitingTest, OnlyWhatMayBeRepeatedIs) {
  const TcpProxy nowhere("");
  const Client client =
      Client(TestOptions(nowhere.address(), "admin"), Surroundings()).WithTimeout(absl::Seconds(5));
  EXPECT_EQ(client.CancelUpgrade({}).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(waits_, IsEmpty());
  EXPECT_EQ(client.GetRoom({}).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(waits_, Not(IsEmpty()));
  waits_.clear();
  EXPECT_EQ(client.AckInvite({}).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(waits_, Not(IsEmpty()));
}

TEST_F(WaitingTest, AttemptsEndWithTheTimeout) {
  const TcpProxy nowhere("");
  const Client client(TestOptions(nowhere.address(), "admin"), Surroundings());
  const absl::Time start = clock_.clock()();
  EXPECT_EQ(client.WithTimeout(absl::Seconds(30)).GetRoom({}).status().code(),
            absl::StatusCode::kUnavailable);
  EXPECT_GT(clock_.clock()(), start + absl::Seconds(29));
  EXPECT_LT(clock_.clock()(), start + absl::Seconds(30));
}

TEST_F(WaitingTest, WaitsOutARateLimit) {
  TestServer server(
      [](ServerConfig& config) {
        config.room_creation_rate = 0.01;
        config.room_creation_burst = 1;
      },
      [this] { return Server::Surroundings{.clock = clock_.clock()}; });
  const Client client(TestOptions(server.address(), "admin"), Surroundings());
  ASSERT_TRUE(client.CreateRoom(RoomRequest(kAlice)).ok());
  const absl::Status limited = client.CreateRoom(RoomRequest(kAlice)).status();
  EXPECT_EQ(ErrorReasonOf(limited), v1::ERROR_REASON_ROOM_CREATION_RATE_LIMITED);
  EXPECT_THAT(waits_, IsEmpty()) << "there was no time for it";
  const Client patient = client.WithTimeout(absl::Minutes(10));
  EXPECT_TRUE(patient.CreateRoom(RoomRequest(kAlice)).ok());
  EXPECT_THAT(waits_, ElementsAre(Ge(absl::Seconds(99))));
}

TEST(ClientMethodsTest, HasEveryUnaryMethodOfTheApi) {
  const TcpProxy nowhere("");
  const Client client = Client(TestOptions(nowhere.address(), "admin")).WithTimeout({});
  std::set<std::string> called;
  const auto note = [&](const absl::Status& status) {
    called.emplace(status.message().substr(0, status.message().find(':')));
  };
  note(client.CreateRoom({}).status());
  note(client.UpgradeRoom({}).status());
  note(client.CancelUpgrade({}).status());
  note(client.LinkUpgrade({}).status());
  note(client.DeleteRoom({}).status());
  note(client.GetRoom({}).status());
  note(client.GetRoomState({}).status());
  note(client.ListRooms({}).status());
  note(client.ListRoomEvents({}).status());
  note(client.InviteUser({}).status());
  note(client.JoinRoom({}).status());
  note(client.LeaveRoom({}).status());
  note(client.KickUser({}).status());
  note(client.BanUser({}).status());
  note(client.UnbanUser({}).status());
  note(client.KnockOnRoom({}).status());
  note(client.ListMembers({}).status());
  note(client.ListUserRooms({}).status());
  note(client.ListPendingInvites({}).status());
  note(client.AckInvite({}).status());
  note(client.SetState({}).status());
  note(client.SendEvent({}).status());
  note(client.RedactEvent({}).status());
  note(client.GetEvent({}).status());
  note(client.ListEvents({}).status());
  note(client.SetAlias({}).status());
  note(client.DeleteAlias({}).status());
  note(client.ResolveAlias({}).status());
  note(client.ListAliases({}).status());
  note(client.SetVisibility({}).status());
  note(client.ListPublicRooms({}).status());
  note(client.CreateSubscription({}).status());
  note(client.GetSubscription({}).status());
  note(client.ListSubscriptions({}).status());
  note(client.UpdateSubscription({}).status());
  note(client.SeekSubscription({}).status());
  note(client.DeleteSubscription({}).status());
  note(client.AckEvents({}).status());
  note(client.RejectEvent({}).status());
  note(client.ListParkedEvents({}).status());
  note(client.ReplayParkedEvents({}).status());
  note(client.DropParkedEvents({}).status());
  note(client.ApproveUpgrade({}).status());
  note(client.RejectUpgrade({}).status());
  note(client.ApproveCreation({}).status());
  note(client.RejectCreation({}).status());
  note(client.ListPendingApprovals({}).status());
  note(client.VerifyAudit({}).status());

  std::set<std::string> expected;
  for (const google::protobuf::FileDescriptor* file :
       {v1::CreateRoomRequest::descriptor()->file(), v1::JoinRoomRequest::descriptor()->file(),
        v1::SetStateRequest::descriptor()->file(), v1::SetAliasRequest::descriptor()->file(),
        v1::CreateSubscriptionRequest::descriptor()->file(),
        v1::ApproveUpgradeRequest::descriptor()->file(),
        v1::VerifyAuditRequest::descriptor()->file()}) {
    const google::protobuf::ServiceDescriptor& service = *file->service(0);
    for (int i = 0; i < service.method_count(); ++i) {
      const google::protobuf::MethodDescriptor& method = *service.method(i);
      if (method.client_streaming() || method.server_streaming()) continue;
      expected.insert(method.name());
    }
  }
  EXPECT_EQ(called, expected);
}

TEST(ClientTlsTest, TrustsOnlyTheAuthoritiesThatItIsGiven) {
  const TempDir dir;
  const std::string command = absl::StrCat(
      "cd '", dir.path(), "' && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 ",
      "-nodes -days 1 -subj /CN=test -addext subjectAltName=IP:127.0.0.1 ",
      "-keyout test.key -out test.crt 2>openssl.log");
  ASSERT_EQ(std::system(command.c_str()), 0);
  TestServer server([&](ServerConfig& config) {
    config.tls_certificate_file = dir.File("test.crt");
    config.tls_key_file = dir.File("test.key");
    config.tls_client_ca_file = dir.File("test.crt");
  });
  const std::string certificate = ReadFile(dir.File("test.crt"), 1 << 20)->bytes;
  ClientOptions options = TestOptions(server.address(), "admin");
  options.tls = {.root_certificates = certificate,
                 .certificate_chain = certificate,
                 .private_key = ReadFile(dir.File("test.key"), 1 << 20)->bytes};
  const auto rooms = Client(options).ListRooms({});
  EXPECT_TRUE(rooms.ok()) << rooms.status();

  options.timeout = absl::Seconds(1);
  options.tls->root_certificates = "";
  EXPECT_FALSE(Client(options).ListRooms({}).ok());
  options.tls = {.root_certificates = certificate};
  EXPECT_FALSE(Client(options).ListRooms({}).ok()) << "without a certificate of its own";
}

}  // namespace
}  // namespace innkeeper
