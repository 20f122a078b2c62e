// ExportRoom does what its comment promises.

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/rooms/event.h"
#include "server/rooms/json.h"
#include "server/rooms/room_version.h"
#include "server/rooms/signing.h"
#include "tests/e2e/e2e_test.h"
#include "tests/e2e/exported_pdu.h"
#include "tests/e2e/tenant_test.h"

namespace innkeeper {
namespace {

using rooms::Json;
using testing::ElementsAre;
using testing::IsEmpty;

// What a reader of an export can find out without asking the server.
struct CheckedExport {
  std::vector<Json> pdus;
  std::vector<std::string> event_ids;
};

// Checks hashes and signatures, and that each event follows on the one before it.
CheckedExport Check(const ExportedRoom& room) {
  EXPECT_TRUE(room.status.ok()) << room.status.error_message();
  CheckedExport checked;
  const rooms::RoomVersion& version = *rooms::FindRoomVersion(room.header.room_version());
  EXPECT_EQ(room.pdus.size(), static_cast<size_t>(room.header.event_count()));
  for (const std::string& text : room.pdus) {
    Json pdu = rooms::ParseJson(text).value();
    EXPECT_EQ(rooms::CanonicalJson(pdu), text);
    EXPECT_EQ(pdu["hashes"]["sha256"], rooms::Base64(rooms::ContentHash(pdu))) << text;
    const absl::Status is_signed = rooms::CheckEventSignatures(version, pdu, KeysIn(room.header));
    EXPECT_TRUE(is_signed.ok()) << is_signed << " in " << text;
    std::vector<std::string> previous;
    for (const Json& reference : pdu["prev_events"]) {
      previous.push_back(reference.is_array() ? reference[0] : reference);
    }
    if (checked.event_ids.empty()) {
      EXPECT_THAT(previous, IsEmpty());
    } else {
      EXPECT_THAT(previous, ElementsAre(checked.event_ids.back()));
    }
    checked.event_ids.push_back(EventIdOf(version, pdu));
    checked.pdus.push_back(std::move(pdu));
  }
  return checked;
}

// Makes a room whose export is far longer than what a connection takes in advance.
std::string LongRoom(const TestClient& client, const std::string& creator,
                     const std::string& audience = "") {
  v1::CreateRoomRequest request = RoomRequest(creator);
  request.set_audience(audience);
  for (int i = 0; i < 400; ++i) {
    v1::InitialStateEvent* event = request.add_initial_state();
    event->set_type("org.example.long");
    event->set_state_key(absl::StrCat(i));
    (*event->mutable_content()->mutable_fields())["text"].set_string_value(std::string(8'000, 'x'));
  }
  return client.Create(request).room_id();
}

class ExportTest : public E2eTest {
 protected:
  static v1::CreateRoomRequest RichRequest(const std::string& creator, const std::string& version) {
    v1::CreateRoomRequest request = RoomRequest(creator);
    request.set_room_version(version);
    request.set_name("Lobby");
    request.set_topic("\xE6\x97\xA5\xE6\x9C\xAC \"quoted\" \\ \n");
    request.add_invites("@bob:elsewhere.net");
    *request.add_initial_state() = FromJson<v1::InitialStateEvent>(
        R"({"type": "org.example.x", "stateKey": "k",
            "content": {"b": 9007199254740991, "a": [null, true, {"": -1}]}})");
    return request;
  }
};

TEST_F(ExportTest, RoomsOfAllVersionsCheckByWhatIsInTheExport) {
  const std::string alice = User("alice");
  for (const rooms::RoomVersion& version : rooms::AllRoomVersions()) {
    SCOPED_TRACE(std::string(version.id));
    const v1::Room room = backend().Create(RichRequest(alice, std::string(version.id)));
    const ExportedRoom exported = backend().ExportRoom(ExportRequest(room.room_id(), alice));
    const CheckedExport checked = Check(exported);
    EXPECT_EQ(exported.header.room_id(), room.room_id());
    EXPECT_EQ(exported.header.room_version(), version.id);
    ASSERT_FALSE(checked.pdus.empty());
    EXPECT_EQ(checked.pdus.front()["type"], "m.room.create");

    // Its state events are those of GetRoomState.
    std::map<std::string, Json> by_id;
    for (size_t i = 0; i < checked.pdus.size(); ++i) {
      by_id[checked.event_ids[i]] = checked.pdus[i];
    }
    const auto state = reader().State(room.room_id());
    EXPECT_EQ(by_id.size(), state.size());
    for (const auto& [position, event] : state) {
      const Json& pdu = by_id[event.event_id()];
      EXPECT_EQ(pdu["type"], position.first);
      EXPECT_EQ(pdu["state_key"], position.second);
      EXPECT_EQ(pdu["content"], Json::parse(ContentOf(event)));
    }
  }
}

TEST_F(ExportTest, ATombstonedRoomIsExportedWithItsTombstone) {
  const std::string alice = User("alice");
  const std::string room_id = backend().Create(RichRequest(alice, "9")).room_id();
  ASSERT_TRUE(backend().UpgradeRoom(UpgradeRequest(room_id, alice, "12")).ok());
  const CheckedExport checked = Check(backend().ExportRoom(ExportRequest(room_id, alice)));
  EXPECT_EQ(std::count_if(checked.pdus.begin(), checked.pdus.end(),
                          [](const Json& pdu) { return pdu["type"] == "m.room.tombstone"; }),
            1);
}

TEST_F(ExportTest, OnlyMembersAndReadersOfEverything) {
  const std::string alice = User("alice");
  v1::CreateRoomRequest request = RoomRequest(alice);
  request.add_invites(User("bob"));
  const std::string room_id = backend().Create(request).room_id();
  EXPECT_TRUE(backend().ExportRoom(ExportRequest(room_id, alice)).status.ok());
  EXPECT_TRUE(reader().ExportRoom(ExportRequest(room_id)).status.ok());
  for (const std::string& stranger : {User("bob"), User("mallory")}) {
    const ExportedRoom refused = backend().ExportRoom(ExportRequest(room_id, stranger));
    EXPECT_THAT(refused.status, IsError(grpc::StatusCode::NOT_FOUND, "ROOM_NOT_FOUND"));
    EXPECT_THAT(refused.pdus, IsEmpty());
    EXPECT_EQ(refused.header.ByteSizeLong(), 0u);
  }
  EXPECT_THAT(backend().ExportRoom(ExportRequest(room_id)).status,
              IsError(grpc::StatusCode::PERMISSION_DENIED, "ROLE_MISSING"));
}

TEST_F(ExportTest, TheRoomIsExportedAsItWasAtTheStart) {
  const std::string alice = User("alice");
  const std::string room_id = LongRoom(backend(), alice);
  grpc::ClientContext context;
  reader().Prepare(context);
  const auto stream = reader().stub().ExportRoom(&context, ExportRequest(room_id));
  v1::ExportRoomResponse message;
  ASSERT_TRUE(stream->Read(&message));
  const int64_t count = message.header().event_count();
  ASSERT_TRUE(backend().UpgradeRoom(UpgradeRequest(room_id, alice, "12")).ok());
  int64_t read = 0;
  while (stream->Read(&message)) read += message.events().pdus_size();
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(read, count);
  EXPECT_GT(reader().ExportRoom(ExportRequest(room_id)).header.event_count(), count);
}

// With one thread for all reads, an export that waited on its reader would hold it.
TEST(StalledExportTest, AReaderWhoStopsHoldsUpNobody) {
  TestServer server([](ServerConfig& config) {
    config.read_threads = 1;
    config.drain_timeout = absl::Minutes(5);
  });
  const TestClient admin(server.address(), TestToken("admin"));
  const auto stub = ConnectNarrowly(server.address());
  const std::string room_id = LongRoom(admin, "@alice:example.org");
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<v1::ExportRoomResponse>>> streams;
  for (int i = 0; i < 4; ++i) {
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    admin.Prepare(*contexts.back());
    streams.push_back(stub->ExportRoom(contexts.back().get(), ExportRequest(room_id)));
    v1::ExportRoomResponse message;
    ASSERT_TRUE(streams.back()->Read(&message));
  }
  const TestClient other(server.address(), TestToken("admin"));
  EXPECT_TRUE(other.GetRoom(GetRequest(room_id)).ok());
  for (size_t i = 0; i < streams.size(); ++i) {
    contexts[i]->TryCancel();
    EXPECT_EQ(streams[i]->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  // Does not wait for what is cancelled: the test would run out of time.
  EXPECT_TRUE(server.Stop().ok());
}

class RevokedExportTest : public TenantTest {
 protected:
  // Has the tenant begin an export and calls `change`. Returns how the export then ends.
  grpc::Status ExportDuring(const std::function<void()>& change) {
    const auto stub = ConnectNarrowly(server_.address());
    grpc::ClientContext context;
    tenant_.Prepare(context);
    const auto stream = stub->ExportRoom(&context, ExportRequest(room_id_));
    v1::ExportRoomResponse message;
    EXPECT_TRUE(stream->Read(&message));
    change();
    while (stream->Read(&message)) {
    }
    return stream->Finish();
  }

  // Waits until the tenant may no longer read the room.
  void AwaitRefusal() const {
    while (tenant_.GetRoom(GetRequest(room_id_)).ok()) {
    }
  }

  const std::string room_id_ = LongRoom(admin_, kTenantTestUser, "tenant-1");
};

TEST_F(RevokedExportTest, ARevokedTokenEndsIt) {
  const grpc::Status status = ExportDuring([&] {
    RevokeTenant();
    AwaitRefusal();
  });
  EXPECT_THAT(status, IsError(grpc::StatusCode::UNAUTHENTICATED, "CREDENTIALS_INVALID"));
}

TEST_F(RevokedExportTest, ALostRoleEndsIt) {
  const grpc::Status status = ExportDuring([&] {
    SetTenant({"create"}, {"tenant-*"});
    AwaitRefusal();
  });
  EXPECT_THAT(status, IsError(grpc::StatusCode::PERMISSION_DENIED, "ROLE_MISSING"));
}

TEST_F(RevokedExportTest, ChangesThatLeaveTheCallerItsRightsDoNot) {
  const grpc::Status status = ExportDuring([&] {
    SetTenant({"read-all", "watch"}, {"tenant-*"});
    AwaitAudience("tenant-1");
  });
  EXPECT_TRUE(status.ok()) << status.error_message();
}

TEST(DrainedExportTest, AnExportUnderWayIsFinishedAndNoneBegun) {
  TestServer server([](ServerConfig& config) { config.drain_timeout = absl::Minutes(5); });
  const TestClient admin(server.address(), TestToken("admin"));
  const auto stub = ConnectNarrowly(server.address());
  const std::string room_id = LongRoom(admin, "@alice:example.org");
  grpc::ClientContext context;
  admin.Prepare(context);
  const auto stream = stub->ExportRoom(&context, ExportRequest(room_id));
  v1::ExportRoomResponse message;
  ASSERT_TRUE(stream->Read(&message));
  const int64_t count = message.header().event_count();
  const TestClient other(server.address(), TestToken("admin"));
  std::thread stopping([&] { EXPECT_TRUE(server.Stop().ok()); });
  // The server still answers, as it waits for the reader, and begins nothing new.
  grpc::Status refusal;
  // One that arrives at the very moment may be cancelled by gRPC.
  while (refusal.ok() || refusal.error_code() == grpc::StatusCode::CANCELLED) {
    refusal = other.ExportRoom(ExportRequest(room_id)).status;
  }
  EXPECT_THAT(refusal, IsError(grpc::StatusCode::UNAVAILABLE, "SHUTTING_DOWN"));
  int64_t read = 0;
  while (stream->Read(&message)) read += message.events().pdus_size();
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(read, count);
  stopping.join();
}

TEST(SigningKeyTest, ExportsAreSignedWithTheKeyInTheDataDirectoryAcrossRestarts) {
  TestServer server;
  auto admin = std::make_unique<TestClient>(server.address(), TestToken("admin"));
  const std::string room_id = admin->Create(RoomRequest("@alice:example.org")).room_id();
  const ExportedRoom before = admin->ExportRoom(ExportRequest(room_id));
  Check(before);
  admin.reset();
  ASSERT_TRUE(server.Stop().ok());
  server.Start();
  admin = std::make_unique<TestClient>(server.address(), TestToken("admin"));
  const ExportedRoom after = admin->ExportRoom(ExportRequest(room_id));
  EXPECT_EQ(after.pdus, before.pdus);
  ASSERT_EQ(before.header.verify_keys_size(), 1);
  EXPECT_EQ(before.header.verify_keys(0).server_name(), "example.org");
}

}  // namespace
}  // namespace innkeeper
