// The sealed store of a running server: nothing of rooms and people in its files, and keys
// that change while it runs.

#include <signal.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "server/base/file.h"
#include "storage/sealing/master_key.h"
#include "tests/e2e/e2e_test.h"
#include "tests/support/child_process.h"
#include "tests/support/directory_watch.h"
#include "tests/support/temp_dir.h"

namespace innkeeper {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// In every name, text and id of the test.
constexpr char kMark[] = "marked";
constexpr char kUser[] = "@marked-user:example.org";
constexpr char kGuest[] = "@marked-guest:elsewhere.org";

class SealingTest : public testing::Test {
 protected:
  SealingTest() {
    dir_.Write("tokens.json", TestTokenFile());
    std::filesystem::create_directory(dir_.File("logs"));
  }

  std::unique_ptr<ChildProcess> Run(const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"--server_name=example.org",
                                          "--listen_address=127.0.0.1:0",
                                          "--room_creation_rate=1000",
                                          "--room_creation_burst=1000",
                                          "--data_dir",
                                          dir_.File("data"),
                                          "--tokens_file",
                                          dir_.File("tokens.json")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return std::make_unique<ChildProcess>(INNKEEPER_SERVER, arguments, dir_.File("logs/log"));
  }

  std::unique_ptr<ChildProcess> Serve(const std::vector<std::string>& more = {}) {
    auto program = Run(more);
    const auto address = ReadReadyAddress(*program);
    EXPECT_TRUE(address) << Log();
    address_ = address.value_or("");
    client_ = std::make_unique<TestClient>(address_, TestToken("admin"));
    return program;
  }

  // Runs the program, which must fail; returns what it says.
  std::string Failure(const std::vector<std::string>& more = {}) {
    dir_.Write("logs/log", "");
    auto program = Run(more);
    EXPECT_FALSE(ReadReadyAddress(*program)) << "it started";
    const int status = program->Wait();
    EXPECT_TRUE(WIFEXITED(status)) << "it crashed: " << Log();
    return Log();
  }

  static int End(ChildProcess& program, int signal) {
    program.Signal(signal);
    return program.Wait();
  }

  std::string Log() const {
    auto file = ReadFile(dir_.File("logs/log"), 64 << 20);
    return file.ok() ? file->bytes : "";
  }

  // The files of the store and of the log that hold `text`.
  std::vector<std::string> FilesWith(const std::string& text) const {
    std::vector<std::string> found;
    for (const char* directory : {"data", "logs"}) {
      for (const auto& entry :
           std::filesystem::recursive_directory_iterator(dir_.File(directory))) {
        if (!entry.is_regular_file()) continue;
        std::ifstream file(entry.path(), std::ios::binary);
        const std::string bytes((std::istreambuf_iterator<char>(file)), {});
        if (absl::StrContains(bytes, text)) found.push_back(entry.path());
      }
    }
    return found;
  }

  void ChangeMasterKey() {
    const std::string path = dir_.File("data/master.key");
    const std::string text = storage::NewMasterKeyText() + ReadFile(path, 1 << 16)->bytes;
    ASSERT_TRUE(WriteFile(path, text).ok());
  }

  // Leaves marks by most of what a server writes; returns the room.
  std::string LeaveMarks();

  const TempDir dir_;
  std::string address_;
  std::unique_ptr<TestClient> client_;
};

std::string SealingTest::LeaveMarks() {
  v1::CreateRoomRequest create = RoomRequest(kUser);
  create.set_request_id("marked-request");
  create.set_name("marked name");
  create.set_topic("marked topic");
  create.set_alias("#marked-alias:example.org");
  create.set_is_public(true);
  create.set_audience("marked-audience");
  create.add_invites(kGuest);
  create.add_invites("@marked-friend:example.org");
  const std::string old_room = client_->Create(create).room_id();
  EXPECT_TRUE(client_->JoinRoom(JoinRequest(old_room, "@marked-friend:example.org")).ok());
  EXPECT_TRUE(client_->SendEvent(SendRequest(old_room, kUser, "marked message")).ok());
  EXPECT_TRUE(client_
                  ->SetState(SetStateRequest(old_room, kUser, "org.example.tag",
                                             R"({"tag": "marked tag"})"))
                  .ok());
  EXPECT_TRUE(client_->BanUser(BanRequest(old_room, kUser, "@marked-foe:example.org")).ok());
  const auto upgraded = client_->UpgradeRoom(UpgradeRequest(old_room, kUser, "12"));
  EXPECT_TRUE(upgraded.ok()) << upgraded.status.error_message();
  v1::CreateSubscriptionRequest subscribe;
  subscribe.mutable_subscription()->set_name("marked-subscription");
  EXPECT_TRUE(client_->CreateSubscription(subscribe).ok());
  const TestClient stranger(address_, "marked-token");
  EXPECT_FALSE(stranger.GetRoom(GetRequest(old_room, kUser)).ok());
  return upgraded.response.room().room_id();
}

TEST_F(SealingTest, FilesAndLogsHaveNoTraceOfRoomsAndPeople) {
  auto program = Serve();
  const std::string room_id = LeaveMarks();
  // A crash leaves the write-ahead log, and its report in the log.
  EXPECT_EQ(WTERMSIG(End(*program, SIGABRT)), SIGABRT);
  EXPECT_THAT(FilesWith(kMark), IsEmpty());
  program = Serve();
  EXPECT_EQ(client_->Room(room_id).name(), "marked name");
  EXPECT_EQ(End(*program, SIGTERM), 0);
  EXPECT_THAT(FilesWith(kMark), IsEmpty());
}

// So that the test above can fail.
TEST_F(SealingTest, AStoreWithoutASealShowsAll) {
  auto program = Serve({"--sealing=false"});
  LeaveMarks();
  EXPECT_EQ(End(*program, SIGTERM), 0);
  EXPECT_THAT(FilesWith(kMark), Not(IsEmpty()));
  EXPECT_THAT(Failure(), AllOf(HasSubstr("data_dir"), HasSubstr("not sealed")));
}

TEST_F(SealingTest, TheMasterKeyKeepsItFromStartingUnlessItIsThereAndRight) {
  EXPECT_EQ(End(*Serve(), SIGTERM), 0);
  const std::string path = dir_.File("data/master.key");
  const std::string key = ReadFile(path, 1 << 16)->bytes;
  const std::string id = storage::ParseMasterKeys(key)->front().id();

  std::filesystem::remove(path);
  EXPECT_THAT(Failure(), AllOf(HasSubstr("master_key_file"), HasSubstr(path), HasSubstr(id)));
  EXPECT_FALSE(std::filesystem::exists(path));
  ASSERT_TRUE(WriteFile(path, storage::NewMasterKeyText()).ok());
  EXPECT_THAT(Failure(), HasSubstr(id));
  ASSERT_TRUE(WriteFile(path, "SECRETish\n").ok());
  EXPECT_THAT(Failure(), AllOf(HasSubstr("line 1"), HasSubstr(id), Not(HasSubstr("SECRETish"))));
  ASSERT_TRUE(WriteFile(path, key).ok());
  std::filesystem::permissions(path, std::filesystem::perms(0640));
  EXPECT_THAT(Failure(), AllOf(HasSubstr("chmod 600"), HasSubstr(id)));
  EXPECT_THAT(Failure({"--sealing=false"}), HasSubstr("sealing"));
  EXPECT_THAT(Failure({"--master_key_command=echo SECRETish; exit 3"}),
              AllOf(HasSubstr("master_key_command"), Not(HasSubstr("SECRETish; exit"))));
  EXPECT_THAT(Failure({"--master_key_command=true", "--master_key_file=" + path}),
              HasSubstr("master_key_command"));

  EXPECT_EQ(End(*Serve({"--master_key_command=cat " + path}), SIGTERM), 0);
  std::filesystem::permissions(path, std::filesystem::perms(0600));
  EXPECT_EQ(End(*Serve(), SIGTERM), 0);
}

TEST_F(SealingTest, ANewFirstKeyInTheFileIsTakenWhileTheServerRuns) {
  DirectoryWatch logs(dir_.File("logs"));
  auto program = Serve();
  const std::string room_id = LeaveMarks();
  const std::string old_key = ReadFile(dir_.File("data/master.key"), 1 << 16)->bytes;
  ChangeMasterKey();
  while (!absl::StrContains(Log(), "] sealed ")) logs.Await();
  EXPECT_EQ(client_->Room(room_id).name(), "marked name");
  EXPECT_EQ(End(*program, SIGTERM), 0);

  const std::string both = ReadFile(dir_.File("data/master.key"), 1 << 16)->bytes;
  ASSERT_TRUE(WriteFile(dir_.File("data/master.key"), old_key).ok());
  EXPECT_THAT(Failure(), HasSubstr("master key"));
  const std::vector<std::string> lines = absl::StrSplit(both, '\n', absl::SkipEmpty());
  ASSERT_TRUE(WriteFile(dir_.File("data/master.key"), lines[0]).ok());
  program = Serve();
  EXPECT_EQ(client_->Room(room_id).name(), "marked name");
  EXPECT_EQ(End(*program, SIGTERM), 0);
}

}  // namespace
}  // namespace innkeeper
