// The benchmark of a store with many rooms. Prints how long a server takes to start on it
// and what memory it takes, and how fast rooms are created there beside a server with few
// rooms, by turns. Servers and client are in this process; the stores are filled by another
// one, through the same use case.
//
//   million_rooms_bench [--rooms=1000000] [--few=10000] [--seconds=3] [--rounds=3]
//                       [--store=DIRECTORY]

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "glog/logging.h"
#include "innkeeper/v1/room_lifecycle.grpc.pb.h"
#include "server/base/clock.h"
#include "server/base/executor.h"
#include "server/base/process.h"
#include "server/base/random.h"
#include "server/config/config.h"
#include "server/lifecycle/create_room.h"
#include "server/lifecycle/transaction.h"
#include "server/rooms/room_version.h"
#include "server/store.h"
#include "tests/bench/calls.h"
#include "tests/bench/load.h"
#include "tests/bench/memory.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_server.h"

ABSL_FLAG(int64_t, rooms, 1'000'000, "how many rooms the full store has");
ABSL_FLAG(int64_t, few, 10'000, "how many rooms the other one has");
ABSL_FLAG(double, seconds, 3, "how long each server is measured at a time");
ABSL_FLAG(int, rounds, 3, "how often each server is measured");
ABSL_FLAG(std::string, store, "",
          "where the full store is kept, and used again if it is there; by default it is made "
          "anew and removed");

namespace innkeeper::bench {
namespace {

constexpr int kInFlight = 64;
constexpr int kFillInFlight = 256;

using RoomStubs = Stubs<v1::RoomLifecycle>;
using RoomStub = v1::RoomLifecycle::Stub;

lifecycle::CreateRoomCommand CreateCommand(int64_t index) {
  const v1::CreateRoomRequest request = CreateRequest(index);
  lifecycle::CreateRoomCommand command;
  command.spec.creator = request.creator();
  command.spec.version = rooms::FindRoomVersion("11");
  command.spec.name = request.name();
  command.spec.topic = request.topic();
  return command;
}

// Creates `count` rooms in a store that no server has open.
void Fill(const ServerConfig& config, int64_t count) {
  const auto store = OpenStore(config);
  CHECK(store.ok()) << store.status();
  const Clock clock = absl::Now;
  const RandomBytes random = SecureRandom();
  lifecycle::RoomCreator creator(clock, random, {.server_name = kTestServerName});
  Executor executor(2, size_t{2} * kFillInFlight);
  lifecycle::Transactor transactor(*store->engine, executor, clock, {});
  const LoadResult filled = RunLoad(
      kFillInFlight, {.max_calls = count}, [&](int64_t index, std::function<void(bool)> done) {
        transactor.Run<v1::CreateRoomResponse>(
            creator.Create(CreateCommand(index)),
            [done = std::move(done)](const absl::StatusOr<v1::CreateRoomResponse>& response) {
              LOG_IF(ERROR, !response.ok()) << response.status();
              done(response.ok());
            });
      });
  CHECK_EQ(filled.failures, 0);
  executor.Stop();
  CHECK(store->engine->Close().ok());
}

// Fills a store in another process, whose memory is not counted here. Call before there are
// threads.
void FillElsewhere(const std::string& path, int64_t count) {
  const pid_t child = fork();
  PCHECK(child >= 0);
  if (child == 0) {
    ServerConfig config;
    config.data_dir = path;
    Fill(config, count);
    std::_Exit(EXIT_SUCCESS);
  }
  int status = 0;
  PCHECK(waitpid(child, &status, 0) == child);
  CHECK_EQ(status, 0) << "the store " << path << " could not be filled";
}

LoadResult CreateRooms(const std::string& address) {
  RoomStubs stubs(address);
  return RunLoad(kInFlight, {.duration = absl::Seconds(absl::GetFlag(FLAGS_seconds))},
                 [&](int64_t index, std::function<void(bool)> done) {
                   StartUnary<v1::CreateRoomRequest, v1::CreateRoomResponse>(
                       stubs.For(index), &RoomStub::async::CreateRoom, CreateRequest(index),
                       std::move(done));
                 });
}

void PrintRow(absl::string_view what, const LoadResult& result) {
  CHECK_EQ(result.failures, 0) << what;
  absl::PrintF("| %s | %.0f/s, p50 %.2f ms, p99 %.2f ms, %.0f us of processor |\n", what,
               result.calls_per_second, absl::ToDoubleMilliseconds(result.p50),
               absl::ToDoubleMilliseconds(result.p99),
               absl::ToDoubleMicroseconds(result.cpu_per_call));
  std::fflush(stdout);
}

void PrintMemory(absl::string_view when) {
  absl::PrintF("| resident memory %s | %d MiB |\n", when, MemoryMiB("VmRSS"));
  std::fflush(stdout);
}

void Run(const std::string& many_path, const std::string& few_path) {
  const absl::Time start = absl::Now();
  TestServer many([&](ServerConfig& config) {
    config.data_dir = many_path;
    config.block_cache_bytes = ServerConfig().block_cache_bytes;
    config.write_buffer_bytes = ServerConfig().write_buffer_bytes;
  });
  absl::PrintF("| %d rooms beside %d | |\n|---|---|\n", absl::GetFlag(FLAGS_rooms),
               absl::GetFlag(FLAGS_few));
  absl::PrintF("| start with many | %.2f s |\n", absl::ToDoubleSeconds(absl::Now() - start));
  PrintMemory("behind it");
  CreateRooms(many.address());
  PrintMemory("behind creating rooms");

  TestServer few([&](ServerConfig& config) {
    config.data_dir = few_path;
    config.block_cache_bytes = ServerConfig().block_cache_bytes;
    config.write_buffer_bytes = ServerConfig().write_buffer_bytes;
  });
  double rate_of_few = 0;
  double rate_of_many = 0;
  for (int round = 0; round < absl::GetFlag(FLAGS_rounds); ++round) {
    const LoadResult with_few = CreateRooms(few.address());
    const LoadResult with_many = CreateRooms(many.address());
    PrintRow("CreateRoom, few", with_few);
    PrintRow("CreateRoom, many", with_many);
    rate_of_few += with_few.calls_per_second;
    rate_of_many += with_many.calls_per_second;
  }
  absl::PrintF("| ratio of their rates | %.2f |\n", rate_of_many / rate_of_few);
}

}  // namespace
}  // namespace innkeeper::bench

int main(int argc, char** argv) {
  innkeeper::PrepareProcess();
  absl::ParseCommandLine(argc, argv);
  FLAGS_log_dir = "/tmp";
  google::InitGoogleLogging(argv[0]);
  const innkeeper::TempDir few;
  const innkeeper::TempDir many;
  const std::string kept = absl::GetFlag(FLAGS_store);
  const std::string many_path = kept.empty() ? many.File("store") : kept;
  if (access(many_path.c_str(), F_OK) != 0) {
    innkeeper::bench::FillElsewhere(many_path, absl::GetFlag(FLAGS_rooms));
  }
  innkeeper::bench::FillElsewhere(few.File("store"), absl::GetFlag(FLAGS_few));
  innkeeper::bench::Run(many_path, few.File("store"));
  return 0;
}
