// The program innkeeper-server: how it starts, what it logs, how it ends.

#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "rocksdb/db.h"
#include "server/base/file.h"
#include "tests/e2e/e2e_test.h"
#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"
#include "tests/support/watch_stream.h"

namespace innkeeper {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class ProgramTest : public testing::Test {
 protected:
  ProgramTest() {
    dir_.Write("tokens.json", TestTokenFile());
    options_ = {"--server_name=example.org",
                "--listen_address=127.0.0.1:0",
                "--data_dir",
                dir_.File("data"),
                "--tokens_file",
                dir_.File("tokens.json")};
  }

  // The program with options_ and `more`.
  std::unique_ptr<ChildProcess> Run(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = options_;
    arguments.insert(arguments.end(), more.begin(), more.end());
    return std::make_unique<ChildProcess>(INNKEEPER_SERVER, arguments, dir_.File("log"));
  }

  // Runs the program, which must fail; returns what it says.
  std::string Failure(const std::vector<std::string>& more) {
    dir_.Write("log", "");
    auto program = Run(more);
    EXPECT_FALSE(ReadReadyAddress(*program)) << "it started";
    const int status = program->Wait();
    EXPECT_TRUE(WIFEXITED(status)) << "it crashed: " << Log();
    EXPECT_NE(WEXITSTATUS(status), 0);
    return Log();
  }

  // As Run(), and waits until it serves at address_.
  std::unique_ptr<ChildProcess> Serve(const std::vector<std::string>& more = {}) {
    auto program = Run(more);
    const auto address = ReadReadyAddress(*program);
    EXPECT_TRUE(address) << Log();
    address_ = address.value_or("");
    return program;
  }

  static void ExpectStops(ChildProcess& program) {
    program.Signal(SIGTERM);
    const int status = program.Wait();
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "wait status " << status;
  }

  std::string Log() const {
    auto file = ReadFile(dir_.File("log"), 64 << 20);
    return file.ok() ? file->bytes : "";
  }

  const TempDir dir_;
  std::vector<std::string> options_;
  std::string address_;
};

TEST_F(ProgramTest, BadFlagsAreAllNamed) {
  EXPECT_THAT(
      Failure({"--no_such_option=1", "--max_invites=many", "--drain_timeout=-1s"}),
      AllOf(HasSubstr("no_such_option"), HasSubstr("max_invites"), HasSubstr("drain_timeout")));
  EXPECT_THAT(Failure({"--server_name=other.org"}), HasSubstr("server_name"));
  EXPECT_THAT(Failure({"--default_room_version=13"}), HasSubstr("default_room_version"));
  EXPECT_THAT(Failure({"--encryption_algorithm=Megolm!"}), HasSubstr("encryption_algorithm"));
  EXPECT_THAT(Failure({"stray"}), HasSubstr("stray"));
  options_.clear();
  EXPECT_THAT(Failure({}),
              AllOf(HasSubstr("server_name"), HasSubstr("data_dir"), HasSubstr("tokens_file")));
  EXPECT_THAT(Failure({"--server_name=not a name", "--data_dir=" + dir_.File("data"),
                       "--tokens_file=" + dir_.File("tokens.json")}),
              HasSubstr("server_name"));
}

TEST_F(ProgramTest, ABadConfigurationFileIsNamedWithWhatIsWrong) {
  const std::string path =
      dir_.Write("config", "max_invites = 5\nno_such_option = 1\nkeepalive_time = 1 parsec\n");
  EXPECT_THAT(Failure({"--config_file", path}),
              AllOf(HasSubstr("no_such_option"), HasSubstr("keepalive_time")));
  EXPECT_THAT(Failure({"--config_file", dir_.File("missing")}), HasSubstr("missing"));
}

TEST_F(ProgramTest, TheConfigurationFileCountsAndFlagsWin) {
  const std::string path = dir_.Write("config", "default_room_version = 12\nmax_invites = 0\n");
  auto program = Serve({"--config_file", path, "--default_room_version=9"});
  {
    const TestClient client(address_, TestToken("admin"));
    v1::CreateRoomRequest request = RoomRequest("@alice:example.org");
    EXPECT_EQ(client.Create(request).room_version(), "9");
    request.add_invites("@bob:example.org");
    EXPECT_THAT(client.CreateRoom(request).status, IsInvalid({"invites"}));
  }
  ExpectStops(*program);
}

TEST_F(ProgramTest, OtherMachinesNeedTlsOrLeave) {
  EXPECT_THAT(Failure({"--data_dir", dir_.File("other")}), HasSubstr("data_dir")) << "given twice";
  options_[1] = "--listen_address=0.0.0.0:0";
  EXPECT_THAT(Failure({}), AllOf(HasSubstr("allow_plaintext"), HasSubstr("tls")));
  auto program = Serve({"--allow_plaintext"});
  ExpectStops(*program);
}

TEST_F(ProgramTest, ATokenFileThatIsWrongOrOpenKeepsItFromStarting) {
  dir_.Write("tokens.json", R"({"principals": [{"name": "x", "token_sha256": ["SECRETish"]}]})");
  EXPECT_THAT(Failure({}),
              AllOf(HasSubstr("principals[0].token_sha256[0]"), Not(HasSubstr("SECRETish"))));
  dir_.Write("tokens.json", TestTokenFile());
  ASSERT_EQ(std::system(absl::StrCat("chmod 0666 ", dir_.File("tokens.json")).c_str()), 0);
  EXPECT_THAT(Failure({}), HasSubstr("tokens.json"));
}

TEST_F(ProgramTest, ASigningKeyThatIsWrongOrOpenKeepsItFromStarting) {
  ExpectStops(*Serve());
  const std::string path = dir_.File("data/signing.key");
  ASSERT_EQ(std::system(absl::StrCat("chmod 0644 ", path).c_str()), 0);
  EXPECT_THAT(Failure({}), AllOf(HasSubstr("signing_key_file"), HasSubstr(path)));
  ASSERT_EQ(std::system(absl::StrCat("chmod 0600 ", path).c_str()), 0);
  ExpectStops(*Serve());
  dir_.Write("other.key", "ed25519 a_1 SECRETish");
  EXPECT_THAT(Failure({"--signing_key_file", dir_.File("other.key")}),
              AllOf(HasSubstr("other.key"), Not(HasSubstr("SECRETish"))));
  EXPECT_THAT(Failure({"--signing_key_file", dir_.File("none.key")}), HasSubstr("none.key"));
}

TEST_F(ProgramTest, TheStoreHasOneServerAtATimeAndOneName) {
  auto program = Serve();
  EXPECT_THAT(Failure({}), AllOf(HasSubstr(dir_.File("data")), HasSubstr("in use")));
  ExpectStops(*program);
  options_[0] = "--server_name=elsewhere.example";
  EXPECT_THAT(Failure({}), AllOf(HasSubstr("example.org"), HasSubstr("server_name")));
  options_[0] = "--server_name=example.org";
  ExpectStops(*Serve());
}

TEST_F(ProgramTest, AnAddressInUseIsNamed) {
  auto program = Serve();
  options_[1] = "--listen_address=" + address_;
  options_[3] = dir_.File("other-data");
  EXPECT_THAT(Failure({}), HasSubstr(address_));
  ExpectStops(*program);
}

TEST_F(ProgramTest, AStoreOfANewerFormatIsLeftAlone) {
  ExpectStops(*Serve());
  {
    rocksdb::DB* opened = nullptr;
    std::vector<rocksdb::ColumnFamilyHandle*> families;
    ASSERT_TRUE(rocksdb::DB::Open(rocksdb::Options(), dir_.File("data/db"),
                                  {{"default", {}}, {"log", {}}, {"meta", {}}}, &families, &opened)
                    .ok());
    const std::unique_ptr<rocksdb::DB> db(opened);
    std::string format;
    ASSERT_TRUE(db->Get({}, families[2], "format", &format).ok());
    ++format.back();
    ASSERT_TRUE(db->Put({}, families[2], "format", format).ok());
    ASSERT_TRUE(db->Flush({}, families).ok());
    for (auto* family : families) db->DestroyColumnFamilyHandle(family);
  }
  EXPECT_THAT(Failure({}), AllOf(HasSubstr("format"), HasSubstr("1 to 3")));
}

TEST_F(ProgramTest, ADamagedStoreIsAnErrorNotAnEmptyOne) {
  {
    auto program = Serve();
    TestClient(address_, TestToken("admin")).Create(RoomRequest("@alice:example.org"));
    ExpectStops(*program);
  }
  ASSERT_EQ(std::system(absl::StrCat("rm ", dir_.File("data/db/CURRENT")).c_str()), 0);
  EXPECT_THAT(Failure({}), HasSubstr(dir_.File("data")));
}

TEST_F(ProgramTest, SigtermDrains) {
  auto program = Serve({"--drain_timeout=1m"});
  const TestClient client(address_, TestToken("admin"));
  const std::string room_id = client.Create(RoomRequest("@alice:example.org")).room_id();
  WatchStream stream(client, {});
  stream.UntilCaughtUp();
  program->Signal(SIGTERM);
  std::optional<v1::WatchRoomEventsResponse> last;
  while (auto message = stream.Next()) last = std::move(message);
  EXPECT_THAT(stream.Finish(), IsError(grpc::StatusCode::UNAVAILABLE, "SHUTTING_DOWN"));
  EXPECT_TRUE(last && last->has_progress());
  const int status = program->Wait();
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_THAT(Log(), HasSubstr("stopped"));

  program = Serve();
  EXPECT_EQ(TestClient(address_, TestToken("admin")).Room(room_id).room_id(), room_id);
  ExpectStops(*program);
}

TEST_F(ProgramTest, TheLogHasALineForEachRequestAndNoSecrets) {
  auto program = Serve();
  auto client = std::make_unique<TestClient>(address_, TestToken("admin"));
  const TestClient& admin = *client;
  EXPECT_FALSE(TestClient(address_, "marker-token").ListRooms({}).ok());
  v1::CreateRoomRequest request = FromJson<v1::CreateRoomRequest>(R"({
      "creator": "@alice:example.org", "name": "marker-name", "topic": "marker-topic",
      "alias": "#marker-alias:example.org", "invites": ["@marker-user:example.org"],
      "requestId": "marker-request",
      "initialState": [{"type": "org.example.marker-type", "stateKey": "marker-key",
                        "content": {"text": "marker-content"}}]})");
  const v1::Room room = admin.Create(request);
  request.set_request_id("marker-other");
  EXPECT_FALSE(admin.CreateRoom(request).ok());
  request.set_creator("@marker creator");
  EXPECT_FALSE(admin.CreateRoom(request).ok());
  EXPECT_TRUE(admin.UpgradeRoom(UpgradeRequest(room.room_id(), "@alice:example.org", "12")).ok());
  EXPECT_TRUE(admin.GetRoom(GetRequest(room.room_id())).ok());
  EXPECT_TRUE(admin.GetRoomState(StateRequest(room.room_id())).ok());
  EXPECT_TRUE(admin.ExportRoom(ExportRequest(room.room_id())).status.ok());
  EXPECT_TRUE(admin.ListRooms({}).ok());
  EXPECT_TRUE(admin.ListRoomEvents({}).ok());
  EXPECT_FALSE(admin.GetRoom(GetRequest("marker-room")).ok());
  {
    WatchStream stream(admin, {});
    stream.UntilCaughtUp();
  }
  client.reset();
  ExpectStops(*program);

  const std::string log = Log();
  struct Line {
    std::string method, caller, room, status;
  };
  const std::vector<Line> expected = {
      {"CreateRoom", "admin", room.room_id(), "OK"},
      {"CreateRoom", "admin", "-", "ALREADY_EXISTS"},
      {"CreateRoom", "admin", "-", "INVALID_ARGUMENT"},
      {"ListRooms", "-", "-", "UNAUTHENTICATED"},
      {"UpgradeRoom", "admin", room.room_id(), "OK"},
      {"GetRoom", "admin", room.room_id(), "OK"},
      {"GetRoomState", "admin", room.room_id(), "OK"},
      {"ExportRoom", "admin", room.room_id(), "OK"},
      {"ListRooms", "admin", "-", "OK"},
      {"ListRoomEvents", "admin", "-", "OK"},
      {"GetRoom", "admin", "-", "INVALID_ARGUMENT"},
  };
  const std::vector<std::string> lines = absl::StrSplit(log, '\n');
  const auto count = [&](const std::string& text) {
    return std::count_if(lines.begin(), lines.end(),
                         [&](const auto& line) { return absl::StrContains(line, text); });
  };
  for (const Line& line : expected) {
    const std::string text = absl::StrCat("method=", line.method, " caller=", line.caller,
                                          " room=", line.room, " status=", line.status);
    EXPECT_EQ(count(text), 1) << text;
  }
  EXPECT_EQ(count("method=WatchRoomEvents caller=admin"), 1);
  EXPECT_EQ(count("method="), static_cast<long>(expected.size()) + 1);
  EXPECT_EQ(count("latency_us="), static_cast<long>(expected.size()) + 1);
  EXPECT_THAT(log, AllOf(Not(HasSubstr("marker")), Not(HasSubstr(TestToken("admin")))));
}

TEST_F(ProgramTest, HelpNamesTheOptions) {
  options_ = {"--help"};
  auto program = Run();
  std::string help;
  while (auto line = program->ReadLine()) absl::StrAppend(&help, *line, "\n");
  EXPECT_EQ(program->Wait(), 0);
  EXPECT_THAT(help, AllOf(HasSubstr("--server_name"), HasSubstr("--tokens_file")));
}

}  // namespace
}  // namespace innkeeper
