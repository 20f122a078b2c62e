// A server whose disk is full, too slow, or broken beyond repair: writes end with an error that
// says why, and all else goes on.

#include <sys/mount.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/e2e/e2e_test.h"
#include "tests/storage/rocksdb/failing_disk.h"
#include "tests/storage/rocksdb/faulty_file_system.h"
#include "tests/storage/rocksdb/store_files.h"
#include "tests/support/health_client.h"
#include "tests/support/people.h"
#include "tests/support/temp_dir.h"
#include "tests/support/watch_stream.h"

namespace innkeeper {
namespace {

using testing::HasSubstr;

constexpr char kWritesHealth[] = "innkeeper.v1.writes";
constexpr char kRetryInfo[] = "google.rpc.RetryInfo";

// Waits until health checks say that writes are taken.
void AwaitWrites(const TestServer& server) {
  HealthWatch watch(server.address(), kWritesHealth);
  std::string health = watch.Next();
  while (health == "NOT_SERVING") health = watch.Next();
  EXPECT_EQ(health, "SERVING");
}

Server::Surroundings On(rocksdb::Env* env) {
  Server::Surroundings surroundings;
  surroundings.storage_env = env;
  surroundings.storage_retry_period = absl::Milliseconds(10);
  return surroundings;
}

// A room of Alice's, and a stream that has caught up with the log.
class Audience {
 public:
  explicit Audience(const TestServer& server)
      : server_(server), client_(server.address(), TestToken("admin")) {
    room_id_ = client_.Create(RoomRequest(kAlice)).room_id();
    v1::WatchRoomEventsRequest watch;
    watch.set_position(v1::START_POSITION_OLDEST);
    stream_ = std::make_unique<WatchStream>(client_, watch);
    stream_->UntilCaughtUp();
  }

  const TestClient& client() const { return client_; }
  WatchStream& stream() { return *stream_; }

  // Expects that all but writes is as ever.
  void ExpectReads() const {
    EXPECT_TRUE(client_.GetRoom(GetRequest(room_id_)).ok());
    EXPECT_FALSE(client_.AllEvents().empty());
    EXPECT_EQ(HealthOf(server_.address(), ""), "SERVING");
    EXPECT_EQ(HealthOf(server_.address(), v1::RoomLifecycle::service_full_name()), "SERVING");
  }

  // Expects that writes end with `reason`.
  void ExpectRefusal(const std::string& reason, const std::string& message) const {
    const auto refused = client_.CreateRoom(RoomRequest(kAlice));
    EXPECT_EQ(refused.status.error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_EQ(ReasonOf(refused.status), reason);
    EXPECT_THAT(refused.status.error_message(), HasSubstr(message));
    EXPECT_NE(DetailOf(refused.status, kRetryInfo), "");
    EXPECT_EQ(HealthOf(server_.address(), kWritesHealth), "NOT_SERVING");
  }

  // Expects that writes are taken again, and that the stream brings them.
  void ExpectWrites() {
    AwaitWrites(server_);
    const std::string room_id = client_.Create(RoomRequest(kAlice)).room_id();
    std::vector<v1::RoomEvent> events = stream_->NextEvents(1);
    while (events.back().room_created().room_id() != room_id) events = stream_->NextEvents(1);
  }

 private:
  const TestServer& server_;
  const TestClient client_;
  std::string room_id_;
  std::unique_ptr<WatchStream> stream_;
};

// A file system of 64 MiB in memory.
class SmallDisk {
 public:
  SmallDisk() {
    if (mount("tmpfs", path().c_str(), "tmpfs", 0, "size=64m") != 0) error_ = strerror(errno);
  }
  ~SmallDisk() {
    if (error_.empty()) umount2(path().c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  // Why there is none; empty if there is.
  const std::string& error() const { return error_; }
  const std::string& path() const { return dir_.path(); }

  // Leaves no room on it, until Free().
  void Fill() const {
    std::ofstream ballast(Ballast(), std::ios::binary);
    const std::string chunk(64 << 10, 'x');
    while (ballast.write(chunk.data(), static_cast<std::streamsize>(chunk.size()))) {
    }
  }
  void Free() const { std::filesystem::remove(Ballast()); }

 private:
  std::filesystem::path Ballast() const { return path() + "/ballast"; }

  TempDir dir_;
  std::string error_;
};

TEST(DiskTest, AFullDiskEndsWritesUntilThereIsRoom) {
  const SmallDisk disk;
  if (!disk.error().empty()) GTEST_SKIP() << "no file system can be mounted: " << disk.error();
  TestServer server([&](ServerConfig& config) {
    config.data_dir = disk.path() + "/data";
    config.write_buffer_bytes = 8 << 20;
    config.disk_min_free_bytes = 0;
  });
  Audience audience(server);
  disk.Fill();
  v1::CreateRoomRequest request = RoomRequest(kAlice);
  request.set_topic(std::string(20'000, 't'));
  std::vector<std::string> acknowledged;
  Reply<v1::CreateRoomResponse> reply = audience.client().CreateRoom(request);
  while (reply.ok() && acknowledged.size() < 10'000) {
    acknowledged.push_back(reply.response.room().room_id());
    reply = audience.client().CreateRoom(request);
  }
  EXPECT_EQ(ReasonOf(reply.status), "STORAGE_FULL");
  audience.ExpectRefusal("STORAGE_FULL", "room");
  audience.ExpectReads();
  audience.stream().NextEvents(acknowledged.size());

  disk.Free();
  audience.ExpectWrites();
  ASSERT_TRUE(server.Stop().ok());
  server.Start();
  const TestClient client(server.address(), TestToken("admin"));
  for (const std::string& room_id : acknowledged) {
    EXPECT_TRUE(client.GetRoom(GetRequest(room_id)).ok()) << room_id;
  }
}

TEST(DiskTest, SomeOfTheDiskIsLeftFree) {
  constexpr int64_t kLeft = 100 << 20;
  storage::FailingDisk disk;
  TestServer server(
      [](ServerConfig& config) {
        config.disk_min_free_bytes = kLeft;
        config.metrics_address = "127.0.0.1:0";
      },
      [&] { return On(disk.env()); });
  Audience audience(server);
  EXPECT_THAT(MetricsOf(server), HasSubstr("\ninnkeeper_store_takes_writes 1"));
  disk.SetFreeBytes(kLeft - 1);
  EXPECT_FALSE(audience.client().CreateRoom(RoomRequest(kAlice)).ok());
  audience.ExpectRefusal("STORAGE_FULL", "too little room");
  audience.ExpectReads();
  EXPECT_THAT(MetricsOf(server), HasSubstr("\ninnkeeper_store_takes_writes 0"));
  EXPECT_THAT(MetricsOf(server), HasSubstr("innkeeper_errors_total{reason=\"STORAGE_FULL\"} 2"));

  disk.SetFreeBytes(kLeft);
  audience.ExpectWrites();
  EXPECT_THAT(MetricsOf(server), HasSubstr("innkeeper_store_write_failures_total 0"));
}

TEST(DiskTest, WhatIsLeftFreeSufficesToDeleteRoomsAndToStart) {
  constexpr int64_t kLeft = 100 << 20;
  storage::FailingDisk disk;
  TestServer server([](ServerConfig& config) { config.disk_min_free_bytes = kLeft; },
                    [&] { return On(disk.env()); });
  const auto admin = [&] { return TestClient(server.address(), TestToken("admin")); };
  v1::DeleteRoomRequest request;
  request.set_room_id(admin().Create(RoomRequest(kAlice)).room_id());
  request.set_request_id("request");
  const std::string kept = admin().Create(RoomRequest(kAlice)).room_id();

  disk.SetFreeBytes(kLeft - 1);
  const auto refused = admin().CreateRoom(RoomRequest(kAlice));
  EXPECT_EQ(ReasonOf(refused.status), "STORAGE_FULL");
  const auto deleted = admin().DeleteRoom(request);
  EXPECT_TRUE(deleted.ok()) << deleted.status.error_message();
  ASSERT_TRUE(server.Stop().ok());
  server.Start();
  EXPECT_TRUE(admin().GetRoom(GetRequest(kept)).ok());
  EXPECT_TRUE(admin().DeleteRoom(request).ok()) << "it was answered before";
  EXPECT_EQ(ReasonOf(admin().CreateRoom(RoomRequest(kAlice)).status), "STORAGE_FULL");
  request.set_room_id(kept);
  request.set_request_id("another");
  EXPECT_TRUE(admin().DeleteRoom(request).ok());

  disk.SetFreeBytes(kLeft);
  AwaitWrites(server);
  EXPECT_TRUE(admin().CreateRoom(RoomRequest(kAlice)).ok());
}

TEST(DiskTest, AReadOnlyDiskEndsWritesUntilItCanBeWritten) {
  storage::FailingDisk disk;
  TestServer server([](ServerConfig& config) { config.metrics_address = "127.0.0.1:0"; },
                    [&] { return On(disk.env()); });
  Audience audience(server);
  disk.Arrange({{.error = storage::ReadOnlyDisk()}});
  EXPECT_FALSE(audience.client().CreateRoom(RoomRequest(kAlice)).ok());
  audience.ExpectRefusal("STORAGE_READ_ONLY", "only be read");
  audience.ExpectReads();

  disk.Heal();
  audience.ExpectWrites();
  EXPECT_THAT(MetricsOf(server), HasSubstr("innkeeper_store_write_failures_total 1"));
  EXPECT_THAT(MetricsOf(server), HasSubstr("innkeeper_store_reopenings_total 1"));
}

TEST(DiskTest, WhatOnlyARestartCanMendIsSaid) {
  storage::FailingDisk disk;
  TestServer server([](ServerConfig& config) { config.metrics_address = "127.0.0.1:0"; },
                    [&] { return On(disk.env()); });
  Audience audience(server);
  disk.Arrange({{.error = storage::BadDisk()}});
  EXPECT_FALSE(audience.client().CreateRoom(RoomRequest(kAlice)).ok());
  audience.ExpectRefusal("STORAGE_UNAVAILABLE", "now");
  // Half of what was acknowledged is gone.
  const std::filesystem::path wal = storage::FilesEndingIn(server.config().data_dir, ".log").back();
  std::filesystem::resize_file(wal, std::filesystem::file_size(wal) / 2);
  disk.Heal();
  while (!absl::StrContains(MetricsOf(server), "\ninnkeeper_store_needs_restart 1")) {
  }
  audience.ExpectRefusal("STORAGE_UNAVAILABLE", "until the server is restarted");
  audience.ExpectReads();
  EXPECT_FALSE(server.Stop().ok());
}

TEST(DiskTest, ASlowDiskOnlyDelaysWrites) {
  storage::Faults faults;
  const std::unique_ptr<rocksdb::Env> env = storage::MakeFaultyEnv(faults);
  TestServer server([](ServerConfig&) {}, [&] { return On(env.get()); });
  Audience audience(server);
  faults.HoldSyncs();
  grpc::ClientContext context;
  audience.client().Prepare(context);
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Milliseconds(200)));
  v1::CreateRoomResponse response;
  const grpc::Status status =
      audience.client().stub().CreateRoom(&context, RoomRequest(kAlice), &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  faults.AwaitHeldSync();
  audience.ExpectReads();
  EXPECT_EQ(HealthOf(server.address(), kWritesHealth), "SERVING");

  faults.ReleaseSyncs();
  audience.ExpectWrites();
}

}  // namespace
}  // namespace innkeeper
