// ImportRoom does what its comment promises.

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/rooms/event.h"
#include "server/rooms/json.h"
#include "server/rooms/room_version.h"
#include "server/rooms/signing.h"
#include "tests/e2e/e2e_test.h"
#include "tests/e2e/tenant_test.h"
#include "tests/server/rooms/forked_room.h"
#include "tests/server/rooms/signed_pdus.h"

namespace innkeeper {
namespace {

using grpc::StatusCode;
using rooms::ForkedRoom;
using rooms::Json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
// A server of another name than that of E2eTest.
std::unique_ptr<TestServer> ServerOf(const std::string& server_name) {
  return std::make_unique<TestServer>(
      [&](ServerConfig& config) { config.server_name = server_name; });
}

// A room as its servers would export it, under another id than other rooms have.
ExportedRoom Exported(const ForkedRoom& room) {
  ExportedRoom exported;
  exported.header.set_room_id(room.graph().event(0).room_id);
  exported.header.set_room_version(std::string(room.version().id));
  exported.pdus = rooms::SignedPdus(room);
  exported.header.set_event_count(static_cast<int64_t>(exported.pdus.size()));
  for (const char* server : {"a.example", "b.example"}) {
    v1::VerifyKey& key = *exported.header.add_verify_keys();
    key.set_server_name(server);
    key.set_key_id("ed25519:1");
    key.set_public_key(rooms::Base64(rooms::KeyOf(server).key.public_key()));
  }
  return exported;
}

// A room in which @alice:a.example and @bob:b.example are.
ForkedRoom PlainRoom(absl::string_view version = "11") {
  ForkedRoom room(version);
  room.Begin();
  room.Join("JoinBob", rooms::kBob);
  room.Topic("Topic", rooms::kAlice);
  return room;
}

v1::JoinRoomRequest JoinRequest(const std::string& room_id, const std::string& user) {
  v1::JoinRoomRequest request;
  request.set_room_id_or_alias(room_id);
  request.set_requester(user);
  return request;
}

// Rooms of example.org, taken over by elsewhere.net.
class ImportTest : public E2eTest {
 protected:
  static void SetUpTestSuite() {
    E2eTest::SetUpTestSuite();
    elsewhere_ = ServerOf("elsewhere.net").release();
    importer_ = new TestClient(elsewhere_->address(), TestToken("admin"));
  }

  static void TearDownTestSuite() {
    delete importer_;
    EXPECT_TRUE(elsewhere_->Stop().ok());
    delete elsewhere_;
    E2eTest::TearDownTestSuite();
  }

  static const TestClient& importer() { return *importer_; }

  // A room with a past: members of both servers, messages, redactions.
  static std::string MakeRoom(const std::string& version) {
    auto request = FromJson<v1::CreateRoomRequest>(R"({
        "name": "Lobby", "topic": "日本 \"quoted\" \\ \n", "preset": "ROOM_PRESET_PUBLIC_CHAT",
        "invites": ["@bob:elsewhere.net"],
        "initialState": [{"type": "org.example.x", "stateKey": "k",
                          "content": {"b": 9007199254740991, "a": [null, true, {"": -1}]}}]})");
    request.set_creator(User("alice"));
    request.set_room_version(version);
    std::string room_id = backend().Create(request).room_id();
    const std::string carol = User("carol");
    EXPECT_TRUE(backend().JoinRoom(JoinRequest(room_id, carol)).ok());
    const auto sent = backend().SendEvent(SendRequest(room_id, carol, "Hello"));
    EXPECT_TRUE(sent.ok());
    const auto topic = backend().SetState(
        SetStateRequest(room_id, User("alice"), "m.room.topic", R"({"topic": "B"})"));
    for (const std::string& event_id :
         {sent.response.event().event_id(), topic.response.event().event_id()}) {
      EXPECT_TRUE(backend().RedactEvent(RedactRequest(room_id, User("alice"), event_id)).ok());
    }
    EXPECT_TRUE(
        backend()
            .SetState(SetStateRequest(room_id, User("alice"), "m.room.name", R"({"name": "C"})"))
            .ok());
    return room_id;
  }

 private:
  static TestServer* elsewhere_;
  static TestClient* importer_;
};

TestServer* ImportTest::elsewhere_ = nullptr;
TestClient* ImportTest::importer_ = nullptr;

// What rooms on two servers have in common.
v1::Room WithoutHistoryHere(v1::Room room) {
  room.clear_revision();
  room.clear_create_time();
  room.clear_update_time();
  room.clear_preset();
  return room;
}

TEST_F(ImportTest, RoomsOfAllVersionsComeOutAsTheyWentIn) {
  for (const rooms::RoomVersion& version : rooms::AllRoomVersions()) {
    SCOPED_TRACE(std::string(version.id));
    const std::string room_id = MakeRoom(std::string(version.id));
    const ExportedRoom exported = reader().ExportRoom(ExportRequest(room_id));
    const auto reply = importer().ImportRoom(ImportRequests(exported));
    ASSERT_TRUE(reply.ok()) << reply.status.error_message();
    EXPECT_EQ(reply.response.event_count(), exported.header.event_count());
    EXPECT_THAT(reply.response.refused_events(), IsEmpty());
    EXPECT_THAT(reply.response.unverified_servers(), IsEmpty());
    EXPECT_EQ(reply.response.room().DebugString(), importer().Room(room_id).DebugString());
    EXPECT_EQ(WithoutHistoryHere(reply.response.room()).DebugString(),
              WithoutHistoryHere(reader().Room(room_id)).DebugString());

    const ExportedRoom again = importer().ExportRoom(ExportRequest(room_id));
    EXPECT_EQ(again.pdus, exported.pdus);
    ASSERT_THAT(again.header.verify_keys(), SizeIs(2));
    EXPECT_EQ(again.header.verify_keys(0).server_name(), "elsewhere.net");
    EXPECT_EQ(again.header.verify_keys(1).DebugString(),
              exported.header.verify_keys(0).DebugString());

    const auto state = importer().State(room_id);
    const auto before = reader().State(room_id);
    ASSERT_EQ(state.size(), before.size());
    for (const auto& [position, event] : before) {
      EXPECT_EQ(state.at(position).event_id(), event.event_id());
      EXPECT_EQ(ContentOf(state.at(position)), ContentOf(event));
    }
  }
}

TEST_F(ImportTest, ItsUsersAreMembersAndWriteIntoIt) {
  for (const char* version : {"1", "3", "8", "11", "12"}) {
    SCOPED_TRACE(version);
    const std::string room_id = MakeRoom(version);
    ASSERT_TRUE(
        importer().ImportRoom(ImportRequests(reader().ExportRoom(ExportRequest(room_id)))).ok());
    const std::string bob = "@bob:elsewhere.net";
    ASSERT_TRUE(importer().JoinRoom(JoinRequest(room_id, bob)).ok());
    EXPECT_TRUE(importer().SendEvent(SendRequest(room_id, bob, "Hello")).ok());
    EXPECT_THAT(importer()
                    .SetState(SetStateRequest(room_id, bob, "m.room.name", R"({"name": "x"})"))
                    .status,
                IsError(StatusCode::PERMISSION_DENIED, "INSUFFICIENT_POWER"));

    // A third server takes the result over, and finds nothing to object to.
    const auto third = ServerOf("third.example");
    const TestClient admin(third->address(), TestToken("admin"));
    const ExportedRoom exported = importer().ExportRoom(ExportRequest(room_id));
    const auto reply = admin.ImportRoom(ImportRequests(exported));
    ASSERT_TRUE(reply.ok()) << reply.status.error_message();
    EXPECT_THAT(reply.response.refused_events(), IsEmpty());
    EXPECT_THAT(reply.response.unverified_servers(), IsEmpty());
    EXPECT_EQ(admin.ExportRoom(ExportRequest(room_id)).pdus, exported.pdus);
  }
}

TEST_F(ImportTest, TheStreamTellsOfItOnce) {
  const std::string room_id = MakeRoom("11");
  ASSERT_TRUE(
      importer().ImportRoom(ImportRequests(reader().ExportRoom(ExportRequest(room_id)))).ok());
  const auto events = EventsOf(importer(), room_id);
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].type(), "room.imported");
  EXPECT_EQ(events[0].room_imported().creator_id(), User("alice"));
  EXPECT_EQ(events[0].room_imported().room_version(), "11");
}

TEST_F(ImportTest, InvitesOfOthersDoNotWaitForDelivery) {
  auto request = RoomRequest(User("alice"));
  request.add_invites("@dave:far.example");
  const std::string room_id = backend().Create(request).room_id();
  ASSERT_TRUE(
      importer().ImportRoom(ImportRequests(reader().ExportRoom(ExportRequest(room_id)))).ok());
  const auto pending = importer().ListPendingInvites(v1::ListPendingInvitesRequest());
  ASSERT_TRUE(pending.ok());
  for (const auto& invite : pending.response.invites()) EXPECT_NE(invite.room_id(), room_id);
  EXPECT_EQ(importer().Room(room_id).invited_member_count(), 1);
}

TEST_F(ImportTest, AReplacedRoomStaysReplaced) {
  const std::string room_id = MakeRoom("9");
  const auto upgraded = backend().UpgradeRoom(UpgradeRequest(room_id, User("alice"), "12"));
  ASSERT_TRUE(upgraded.ok());
  const auto reply =
      importer().ImportRoom(ImportRequests(reader().ExportRoom(ExportRequest(room_id))));
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(reply.response.room().status(), v1::ROOM_STATUS_TOMBSTONED);
  EXPECT_EQ(reply.response.room().successor_room_id(), upgraded.response.room().room_id());
  const auto refused = importer().JoinRoom(JoinRequest(room_id, "@bob:elsewhere.net"));
  EXPECT_THAT(refused.status, IsError(StatusCode::FAILED_PRECONDITION, "ROOM_TOMBSTONED"));

  // Its successor comes after it, and names it.
  const std::string successor = upgraded.response.room().room_id();
  const auto second =
      importer().ImportRoom(ImportRequests(reader().ExportRoom(ExportRequest(successor))));
  ASSERT_TRUE(second.ok()) << second.status.error_message();
  EXPECT_EQ(second.response.room().predecessor_room_id(), room_id);
}

TEST_F(ImportTest, WhatWasTamperedWithIsLeftOutAndListed) {
  const std::string room_id = MakeRoom("11");
  ExportedRoom exported = reader().ExportRoom(ExportRequest(room_id));
  const size_t count = exported.pdus.size();
  Json forged = Json::parse(exported.pdus[count - 1]);
  forged["origin_server_ts"] = 1;
  forged["hashes"]["sha256"] = rooms::Base64(rooms::ContentHash(forged));
  exported.pdus[count - 1] = rooms::CanonicalJson(forged);
  exported.pdus.emplace_back("{");
  exported.pdus.push_back(reader().ExportRoom(ExportRequest(MakeRoom("11"))).pdus.at(1));
  exported.header.set_event_count(static_cast<int64_t>(exported.pdus.size()));

  auto requests = ImportRequests(exported);
  requests.front().mutable_header()->set_validate_only(true);
  for (const bool validate_only : {true, false}) {
    requests.front().mutable_header()->set_validate_only(validate_only);
    const auto reply = importer().ImportRoom(requests);
    ASSERT_TRUE(reply.ok()) << reply.status.error_message();
    EXPECT_EQ(reply.response.event_count(), static_cast<int64_t>(count) - 1);
    EXPECT_EQ(reply.response.refused_event_count(), 3);
    ASSERT_THAT(reply.response.refused_events(), SizeIs(3));
    EXPECT_EQ(reply.response.refused_events(0).position(), static_cast<int64_t>(count) - 1);
    EXPECT_THAT(reply.response.refused_events(0).reason(),
                HasSubstr("signature of example.org that does not match"));
    EXPECT_EQ(reply.response.refused_events(1).position(), static_cast<int64_t>(count));
    EXPECT_EQ(reply.response.refused_events(1).event_id(), "");
    EXPECT_THAT(reply.response.refused_events(1).reason(), HasSubstr("not valid JSON"));
    EXPECT_THAT(reply.response.refused_events(2).reason(), HasSubstr("is of the room !"));
  }
  // The last event was the name.
  EXPECT_EQ(importer().Room(room_id).name(), "Lobby");
}

TEST_F(ImportTest, ValidateOnlyWritesNothing) {
  const std::string room_id = MakeRoom("12");
  auto requests = ImportRequests(reader().ExportRoom(ExportRequest(room_id)));
  requests.front().mutable_header()->set_validate_only(true);
  const size_t events = importer().AllEvents().size();
  const auto preview = importer().ImportRoom(requests);
  ASSERT_TRUE(preview.ok());
  EXPECT_EQ(preview.response.room().room_id(), room_id);
  EXPECT_THAT(importer().GetRoom(GetRequest(room_id)).status,
              IsError(StatusCode::NOT_FOUND, "ROOM_NOT_FOUND"));
  EXPECT_EQ(importer().AllEvents().size(), events);
}

TEST_F(ImportTest, ARoomThatIsThereIsLeftAlone) {
  const std::string room_id = MakeRoom("11");
  const auto requests = ImportRequests(reader().ExportRoom(ExportRequest(room_id)));
  ASSERT_TRUE(importer().ImportRoom(requests).ok());
  const auto again = importer().ImportRoom(requests);
  EXPECT_THAT(again.status, IsError(StatusCode::ALREADY_EXISTS, "ROOM_EXISTS"));
  EXPECT_NE(DetailOf(again.status, "google.rpc.ResourceInfo"), "");
  EXPECT_THAT(EventsOf(importer(), room_id), SizeIs(1));

  const auto other = ImportRequests(reader().ExportRoom(ExportRequest(MakeRoom("12"))));
  const auto statuses = AtOnce(4, [&](int) { return importer().ImportRoom(other).status; });
  EXPECT_EQ(std::count_if(statuses.begin(), statuses.end(), [](auto& s) { return s.ok(); }), 1);
  for (const grpc::Status& status : statuses) {
    EXPECT_TRUE(status.ok() || ReasonOf(status) == "ROOM_EXISTS") << status.error_message();
  }
}

TEST_F(ImportTest, WhatIsWrongIsNamed) {
  const ExportedRoom exported = reader().ExportRoom(ExportRequest(MakeRoom("11")));
  const auto requests = ImportRequests(exported);
  const auto outcome = [&](const std::vector<v1::ImportRoomRequest>& messages) {
    return importer().ImportRoom(messages).status;
  };
  const v1::ImportRoomRequest& header = requests[0];
  const v1::ImportRoomRequest& events = requests[1];
  EXPECT_THAT(outcome({}), IsInvalid({"header"}));
  EXPECT_THAT(outcome({events}), IsInvalid({"header"}));
  EXPECT_THAT(outcome({header, header}), IsInvalid({"header"}));
  EXPECT_THAT(outcome({header, {}}), IsInvalid({"events.pdus"}));
  // The header tells how many events there are.
  EXPECT_THAT(outcome({header}), IsInvalid({"header.event_count"}));
  v1::ImportRoomRequest uncounted = header;
  uncounted.mutable_header()->clear_event_count();
  EXPECT_THAT(outcome({uncounted}), IsInvalid({"events.pdus"}));

  v1::ImportRoomRequest wrong = header;
  wrong.mutable_header()->set_room_id("lobby");
  wrong.mutable_header()->mutable_verify_keys(0)->set_public_key("x");
  EXPECT_THAT(outcome({wrong, events}),
              IsInvalid({"header.room_id", "header.verify_keys[0].public_key"}));
  v1::ImportRoomRequest unsupported = header;
  unsupported.mutable_header()->set_room_version("org.example.13");
  EXPECT_THAT(outcome({unsupported, events}),
              IsError(StatusCode::INVALID_ARGUMENT, "ROOM_VERSION_UNSUPPORTED"));
  EXPECT_THAT(FieldsOf(outcome({unsupported, events})), ElementsAre("header.room_version"));
  // The events make a room of another version.
  v1::ImportRoomRequest other_version = header;
  other_version.mutable_header()->set_room_version("10");
  EXPECT_THAT(outcome({other_version, events}), IsInvalid({"events.pdus"}));

  for (const char* principal : {"backend", "reader", "nobody"}) {
    const TestClient client(server().address(), TestToken(principal));
    EXPECT_THAT(client.ImportRoom(requests).status,
                IsError(StatusCode::PERMISSION_DENIED, "ROLE_MISSING"));
  }
}

// Rooms that a.example takes over, whose users alone have power in them.
class TakenOverTest : public testing::Test {
 protected:
  TakenOverTest()
      : server_(ServerOf("a.example")), admin_(server_->address(), TestToken("admin")) {}

  v1::Room Import(const ForkedRoom& room) {
    const auto reply = admin_.ImportRoom(ImportRequests(Exported(room)));
    EXPECT_TRUE(reply.ok()) << reply.status.error_message();
    EXPECT_THAT(reply.response.refused_events(), IsEmpty());
    return reply.response.room();
  }

  std::unique_ptr<TestServer> server_;
  const TestClient admin_;
};

TEST_F(TakenOverTest, TheNextEventBringsTheBranchesOfTheRoomTogether) {
  ForkedRoom room = PlainRoom();
  room.Message("Left", rooms::kBob, {"Topic"});
  room.Message("Right", rooms::kAlice, {"Topic"});
  const std::string room_id = Import(room).room_id();
  ASSERT_TRUE(
      admin_.SetState(SetStateRequest(room_id, rooms::kAlice, "m.room.name", R"({"name": "A"})"))
          .ok());
  ASSERT_TRUE(admin_.SendEvent(SendRequest(room_id, rooms::kAlice, "Hello")).ok());
  const ExportedRoom exported = admin_.ExportRoom(ExportRequest(room_id));
  const auto id = [&](const char* name) { return room.graph().event(room.Index(name)).event_id; };
  const Json name = Json::parse(exported.pdus.at(exported.pdus.size() - 2));
  EXPECT_THAT(name["prev_events"], testing::UnorderedElementsAre(id("Left"), id("Right")));
  EXPECT_EQ(name["depth"], room.graph().event(room.Index("Left")).depth + 1);
  EXPECT_THAT(Json::parse(exported.pdus.back())["prev_events"], SizeIs(1));

  const auto elsewhere = ServerOf("elsewhere.net");
  const TestClient other(elsewhere->address(), TestToken("admin"));
  const auto reply = other.ImportRoom(ImportRequests(exported));
  ASSERT_TRUE(reply.ok()) << reply.status.error_message();
  EXPECT_THAT(reply.response.refused_events(), IsEmpty());
  EXPECT_EQ(other.ExportRoom(ExportRequest(room_id)).pdus, exported.pdus);
}

TEST_F(TakenOverTest, TheRoomIsAsUsableAsOneThatWasMadeHere) {
  const std::string room_id = Import(PlainRoom("5")).room_id();
  EXPECT_THAT(admin_.Room(room_id).revision(), 1);
  const auto set = admin_.SetState(
      SetStateRequest(room_id, rooms::kAlice, "m.room.topic", R"({"topic": "New"})"));
  ASSERT_TRUE(set.ok()) << set.status.error_message();
  v1::GetRoomStateRequest as_it_was = StateRequest(room_id);
  as_it_was.set_type("m.room.topic");
  as_it_was.set_revision(1);
  EXPECT_EQ(ContentOf(admin_.GetRoomState(as_it_was).response.events(0)), R"({"topic":"Topic"})");

  const std::string carol = "@carol:a.example";
  ASSERT_TRUE(admin_.JoinRoom(JoinRequest(room_id, carol)).ok());
  const auto sent = admin_.SendEvent(SendRequest(room_id, carol, "Hello"));
  ASSERT_TRUE(sent.ok());
  // Also what somebody else sent before the import can be taken back.
  const std::string topic = admin_.GetRoomState(as_it_was).response.events(0).event_id();
  for (const std::string& event_id : {sent.response.event().event_id(), topic}) {
    ASSERT_TRUE(admin_.RedactEvent(RedactRequest(room_id, rooms::kAlice, event_id)).ok());
  }
  EXPECT_EQ(ContentOf(admin_.GetRoomState(as_it_was).response.events(0)), "{}");
  const auto timeline = admin_.ListEvents(ListRequest(room_id, rooms::kAlice));
  ASSERT_TRUE(timeline.ok());
  EXPECT_THAT(timeline.response.events(), SizeIs(11));
  v1::SetAliasRequest alias;
  alias.set_alias("#taken:a.example");
  alias.set_room_id(room_id);
  alias.set_requester(rooms::kAlice);
  EXPECT_TRUE(admin_.SetAlias(alias).ok());

  const auto upgraded = admin_.UpgradeRoom(UpgradeRequest(room_id, rooms::kAlice, "12"));
  ASSERT_TRUE(upgraded.ok()) << upgraded.status.error_message();
  EXPECT_EQ(upgraded.response.room().joined_member_count(), 2);
  EXPECT_EQ(upgraded.response.room().invited_member_count(), 1);
  EXPECT_THAT(upgraded.response.moved_aliases(), ElementsAre("#taken:a.example"));

  // Both rooms are what others accept.
  const auto elsewhere = ServerOf("elsewhere.net");
  const TestClient other(elsewhere->address(), TestToken("admin"));
  for (const std::string& id : {room_id, upgraded.response.room().room_id()}) {
    const auto reply = other.ImportRoom(ImportRequests(admin_.ExportRoom(ExportRequest(id))));
    ASSERT_TRUE(reply.ok()) << reply.status.error_message();
    EXPECT_THAT(reply.response.refused_events(), IsEmpty());
    EXPECT_THAT(reply.response.unverified_servers(), IsEmpty());
  }
}

TEST_F(TakenOverTest, ContentThatOnlyOldVersionsAllowIsShown) {
  ForkedRoom room("5");
  room.Begin();
  room.Add("Fraction", {.sender = rooms::kAlice,
                        .type = "org.example.x",
                        .content = {{"share", 0.5}, {"huge", 18446744073709551615u}}});
  const std::string room_id = Import(room).room_id();
  EXPECT_EQ(ContentOf(admin_.State(room_id).at({"org.example.x", ""})),
            R"({"huge":1.8446744073709552e+19,"share":0.5})");
  const auto timeline = admin_.ListEvents(ListRequest(room_id));
  ASSERT_TRUE(timeline.ok()) << timeline.status.error_message();
  EXPECT_EQ(ContentOf(timeline.response.events(0)),
            R"({"huge":1.8446744073709552e+19,"share":0.5})");
}

// What max_import_bytes has to be for this import, and no more.
int64_t BytesOf(const std::vector<v1::ImportRoomRequest>& requests) {
  size_t bytes = 0;
  for (const auto& request : requests) {
    for (const std::string& pdu : request.events().pdus()) bytes += pdu.size() + 256;
  }
  return static_cast<int64_t>(bytes);
}

// An import under way, to be broken off.
class OpenImport {
 public:
  explicit OpenImport(const TestClient& client) {
    client.Prepare(context_);
    stream_ = client.stub().ImportRoom(&context_, &response_);
  }

  // Returns false if the server takes no more.
  bool Send(const std::vector<v1::ImportRoomRequest>& messages) {
    return std::all_of(messages.begin(), messages.end(),
                       [&](const auto& message) { return stream_->Write(message); });
  }

  // Sends no more, and does not say so.
  grpc::Status Stall() { return stream_->Finish(); }

  grpc::Status Cancel() {
    context_.TryCancel();
    return stream_->Finish();
  }

  grpc::Status Finish() {
    stream_->WritesDone();
    return stream_->Finish();
  }

 private:
  grpc::ClientContext context_;
  v1::ImportRoomResponse response_;
  std::unique_ptr<grpc::ClientWriter<v1::ImportRoomRequest>> stream_;
};

TEST(BrokenOffImportTest, LeavesNothingBehind) {
  TestServer server([&](ServerConfig& config) {
    config.server_name = "a.example";
    config.drain_timeout = absl::Minutes(5);
  });
  auto admin = std::make_unique<TestClient>(server.address(), TestToken("admin"));
  auto requests = ImportRequests(Exported(PlainRoom()));
  // With the whole room sent, all that is missing is that it is said to be whole.
  requests.front().mutable_header()->clear_event_count();
  for (int i = 0; i < 50; ++i) {
    OpenImport import(*admin);
    EXPECT_TRUE(import.Send(requests));
    EXPECT_EQ(import.Cancel().error_code(), StatusCode::CANCELLED);
  }
  admin.reset();
  // When it is stopped, it is done with all of them.
  ASSERT_TRUE(server.Stop().ok());
  server.Start();
  admin = std::make_unique<TestClient>(server.address(), TestToken("admin"));
  EXPECT_THAT(admin->AllEvents(), IsEmpty());
  EXPECT_THAT(admin->ListRooms({}).response.rooms(), IsEmpty());
  EXPECT_TRUE(admin->ImportRoom(requests).ok());
}

using RevokedImportTest = TenantTest;

TEST_F(RevokedImportTest, ARevokedTokenEndsItThoughAllWasSent) {
  const std::string room_id = CreateFor("");
  const auto requests = ImportRequests(admin_.ExportRoom(ExportRequest(room_id)));
  v1::DeleteRoomRequest deletion;
  deletion.set_room_id(room_id);
  ASSERT_TRUE(admin_.DeleteRoom(deletion).ok());
  SetTenant({"admin"}, {"one"});
  AwaitAudience("one");
  OpenImport import(tenant_);
  ASSERT_TRUE(import.Send(requests));
  RevokeTenant();
  while (tenant_.ListRooms({}).ok()) {
  }
  EXPECT_THAT(import.Finish(), IsError(StatusCode::UNAUTHENTICATED, "CREDENTIALS_INVALID"));
  EXPECT_THAT(admin_.GetRoom(GetRequest(room_id)).status,
              IsError(StatusCode::NOT_FOUND, "ROOM_NOT_FOUND"));
}

TEST(LimitedImportTest, TheSizeIsLimitedAndImportsAtOnceShareTheLimit) {
  ForkedRoom room = PlainRoom();
  auto requests = ImportRequests(Exported(room));
  requests.front().mutable_header()->set_validate_only(true);
  TestServer server([&](ServerConfig& config) {
    config.server_name = "a.example";
    config.max_import_bytes = BytesOf(requests);
  });
  const TestClient admin(server.address(), TestToken("admin"));
  // Mostly the one that is begun first has its events there first.
  grpc::Status refused;
  while (refused.ok()) {
    OpenImport first(admin);
    first.Send(requests);
    refused = admin.ImportRoom(requests).status;
    first.Cancel();
  }
  EXPECT_THAT(refused, IsError(StatusCode::RESOURCE_EXHAUSTED, "OVERLOADED"));
  EXPECT_NE(DetailOf(refused, "google.rpc.RetryInfo"), "");
  while (!admin.ImportRoom(requests).ok()) {
  }

  room.Message("Hello", rooms::kAlice);
  const auto larger = admin.ImportRoom(ImportRequests(Exported(room)));
  EXPECT_THAT(larger.status, IsInvalid({"events.pdus"}));
  EXPECT_THAT(larger.status.error_message(), HasSubstr("max_import_bytes"));
}

// With one thread for imports, one that waited for its caller would hold it.
TEST(StalledImportTest, ACallerWhoStopsHoldsUpNobody) {
  TestServer server([](ServerConfig& config) {
    config.server_name = "a.example";
    config.upgrade_threads = 1;
    config.drain_timeout = absl::Minutes(5);
  });
  const TestClient admin(server.address(), TestToken("admin"));
  const auto requests = ImportRequests(Exported(PlainRoom()));
  std::vector<std::unique_ptr<OpenImport>> stalled;
  for (int i = 0; i < 4; ++i) {
    stalled.push_back(std::make_unique<OpenImport>(admin));
    ASSERT_TRUE(stalled.back()->Send({requests.front()}));
  }
  EXPECT_TRUE(admin.ImportRoom(requests).ok());
  for (const auto& import : stalled) {
    EXPECT_EQ(import->Cancel().error_code(), StatusCode::CANCELLED);
  }
  // Does not wait for what is cancelled: the test would run out of time.
  EXPECT_TRUE(server.Stop().ok());
}

TEST(StalledImportTest, ACallerWhoStopsForTooLongIsSentAway) {
  const auto requests = ImportRequests(Exported(PlainRoom()));
  TestServer server([&](ServerConfig& config) {
    config.server_name = "a.example";
    config.max_import_bytes = BytesOf(requests);
    config.stream_stall_timeout = absl::Milliseconds(100);
  });
  const TestClient admin(server.address(), TestToken("admin"));
  OpenImport import(admin);
  import.Send(requests);
  EXPECT_THAT(import.Stall(), IsError(StatusCode::RESOURCE_EXHAUSTED, "STREAM_STALLED"));
  // What it took of the limit is there again.
  while (!admin.ImportRoom(requests).ok()) {
  }
}

}  // namespace
}  // namespace innkeeper
