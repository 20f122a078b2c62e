// A whole server on a disk that fails at every call in turn, while a room is created and
// another is upgraded: what must hold after a crash holds after a power cut, and when the
// server has come back by itself.

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "google/protobuf/util/message_differencer.h"
#include "tests/crash/ledger.h"
#include "tests/crash/operation.h"
#include "tests/crash/room_check.h"
#include "tests/crash/violations.h"
#include "tests/crash/watcher.h"
#include "tests/storage/rocksdb/disk_failures.h"
#include "tests/storage/rocksdb/failing_disk.h"
#include "tests/support/health_client.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_client.h"
#include "tests/support/test_server.h"

namespace innkeeper::crash {
namespace {

using google::protobuf::util::MessageDifferencer;
using storage::DiskFailure;
using storage::FailingDisk;
using storage::Unsynced;

constexpr absl::Duration kPatience = absl::Minutes(1);
constexpr absl::Duration kLease = absl::Seconds(30);
constexpr char kWritesHealth[] = "innkeeper.v1.writes";

// What a creation and an upgrade take at least: three batches, each written and synced.
constexpr int kLeastCalls = 6;

// A server, a room that is created and one that is upgraded, with a fault at one call.
class FaultRun {
 public:
  FaultRun(const DiskFailure& failure, int first) : failure_(failure), first_(first) {
    old_room_.request = RoomRequest("@old:example.org");
    old_room_.request.set_room_version("10");
    old_room_.request.set_name("Old room");
    old_room_.request.set_alias("#room:example.org");
    old_room_.request.add_invites("@guest:example.org");
    create_.request = RoomRequest("@new:example.org");
    create_.request.set_room_version("12");
    create_.request.set_topic(std::string(3000, 't'));
    create_.request.set_alias("#another:example.org");
    create_.request.set_request_id("create");
    upgrade_.request.set_requester("@old:example.org");
    upgrade_.request.set_new_version("11");
    upgrade_.request.set_request_id("upgrade");
  }

  // Returns whether the fault was met.
  bool Run() {
    Begin();
    CreateAndUpgrade(server_->address());
    const bool was_met = disk_.has_failed();
    ExpectReadable();
    for (const Unsynced unsynced : {Unsynced::kDropped, Unsynced::kHalved, Unsynced::kSpoiled}) {
      CheckAfterPowerCut(unsynced);
    }
    disk_.Heal();
    AwaitWrites();
    Repeat(server_->address());
    Audit(server_->address());
    CheckStream();
    EXPECT_TRUE(server_->Stop().ok());
    EXPECT_EQ(absl::StrJoin(violations_.found(), "\n"), "");
    return was_met;
  }

 private:
  std::unique_ptr<TestServer> StartServer(const FailingDisk& disk, const std::string& data_dir) {
    return std::make_unique<TestServer>(
        [&](ServerConfig& config) {
          config.data_dir = data_dir;
          config.upgrade_lease = kLease;
        },
        [this, &disk] {
          Server::Surroundings surroundings;
          surroundings.clock = clock_.clock();
          surroundings.storage_env = disk.env();
          surroundings.storage_retry_period = absl::Milliseconds(1);
          return surroundings;
        });
  }

  // Starts a server with a room to upgrade, and arranges for the fault.
  void Begin() {
    server_ = StartServer(disk_, data_dir_);
    Attempt(TestClient(server_->address(), TestToken("backend")), old_room_);
    ASSERT_EQ(old_room_.outcome, Outcome::kDone) << old_room_.reason;
    upgrade_.request.set_room_id(old_room_.response.room().room_id());
    watcher_.Connect(server_->address());
    disk_.Arrange({failure_.At(first_)});
  }

  void CreateAndUpgrade(const std::string& address) {
    const TestClient client(address, TestToken("backend"));
    if (create_.outcome == Outcome::kUnknown) Attempt(client, create_);
    if (upgrade_.outcome == Outcome::kUnknown) Attempt(client, upgrade_);
  }

  // Repeats what got no answer, once locks of upgrades that were cut off have expired.
  void Repeat(const std::string& address) {
    clock_.Advance(2 * kLease);
    CreateAndUpgrade(address);
    EXPECT_EQ(create_.outcome, Outcome::kDone) << create_.reason;
    EXPECT_EQ(upgrade_.outcome, Outcome::kDone) << upgrade_.reason;
  }

  // Checks what must hold at any time that the server serves: every acknowledged room is
  // whole, nothing is there by half, no room has two successors, and the log has no gap.
  void Audit(const std::string& address) {
    const TestClient admin(address, TestToken("admin"));
    Ledger ledger(violations_);
    ledger.AddOperations({{old_room_, create_}, {upgrade_}});
    ledger.AddEvents(LogOf(address));
    std::vector<std::string> room_ids;
    for (const auto& [room_id, room] : ledger.rooms()) room_ids.push_back(room_id);
    CheckRooms(admin, ledger, room_ids, violations_);
    CheckRoomList(admin, ledger, violations_);
    ledger.CheckNewOperations();
  }

  // What was streamed must be in the log of the server at `address`.
  void CheckStreamed(const std::string& address, const std::vector<v1::RoomEvent>& streamed) {
    const std::vector<v1::RoomEvent> logged = LogOf(address);
    violations_.Expect(streamed.size() <= logged.size(), "the stream brought phantoms");
    for (size_t i = 0; i < std::min(streamed.size(), logged.size()); ++i) {
      violations_.Expect(MessageDifferencer::Equals(streamed[i], logged[i]),
                         "the log now has another event ", i + 1);
    }
  }

  // What is in the log must be streamed.
  void CheckStream() {
    const auto head = static_cast<int64_t>(LogOf(server_->address()).size());
    EXPECT_TRUE(watcher_.WaitFor(head, kPatience));
    CheckStreamed(server_->address(), watcher_.events());
  }

  static std::vector<v1::RoomEvent> LogOf(const std::string& address) {
    return TestClient(address, TestToken("watcher")).AllEvents();
  }

  // Checks a server on what a power cut leaves of the disk now.
  void CheckAfterPowerCut(Unsynced unsynced) {
    SCOPED_TRACE(absl::StrCat("unsynced bytes of kind ", static_cast<int>(unsynced)));
    const CreateOperation create = create_;
    const UpgradeOperation upgrade = upgrade_;
    const std::string image = dir_.File("image");
    const std::vector<v1::RoomEvent> streamed = watcher_.events();
    disk_.CopyAfterPowerCut(data_dir_, image, unsynced);
    const FailingDisk good_disk;
    const std::unique_ptr<TestServer> server = StartServer(good_disk, image);
    CheckStreamed(server->address(), streamed);
    Audit(server->address());
    CreateAndUpgrade(server->address());
    EXPECT_EQ(create_.outcome, Outcome::kDone) << create_.reason;
    EXPECT_EQ(upgrade_.outcome, Outcome::kDone) << upgrade_.reason;
    Audit(server->address());
    create_ = create;
    upgrade_ = upgrade;
  }

  // Expects that reads and the stream work, while writes don't.
  void ExpectReadable() {
    const TestClient reader(server_->address(), TestToken("reader"));
    v1::GetRoomRequest request;
    request.set_room_id(old_room_.response.room().room_id());
    EXPECT_TRUE(reader.GetRoom(request).ok());
    CheckStream();
    EXPECT_EQ(HealthOf(server_->address(), ""), "SERVING");
    EXPECT_EQ(HealthOf(server_->address(), v1::RoomLifecycle::service_full_name()), "SERVING");
  }

  void AwaitWrites() {
    HealthWatch watch(server_->address(), kWritesHealth);
    std::string health = watch.Next();
    while (health == "NOT_SERVING") health = watch.Next();
    EXPECT_EQ(health, "SERVING");
  }

  const DiskFailure failure_;
  const int first_;
  TempDir dir_{TempDir::Place::kMemory};
  const std::string data_dir_ = dir_.File("data");
  ManualClock clock_;
  FailingDisk disk_;
  Violations violations_;
  Watcher watcher_{violations_};
  CreateOperation old_room_;
  CreateOperation create_;
  UpgradeOperation upgrade_;
  std::unique_ptr<TestServer> server_;
};

class DiskFaultTest : public testing::TestWithParam<DiskFailure> {};

TEST_P(DiskFaultTest, NothingIsLostNorThereByHalf) {
  bool was_met = true;
  for (int first = 1; was_met && !HasFailure(); ++first) {
    SCOPED_TRACE(absl::StrCat("call ", first));
    was_met = FaultRun(GetParam(), first).Run();
    EXPECT_TRUE(was_met || first > kLeastCalls);
  }
}

INSTANTIATE_TEST_SUITE_P(Faults, DiskFaultTest, testing::ValuesIn(storage::DiskFailures()),
                         storage::NameOfFailure);

}  // namespace
}  // namespace innkeeper::crash
