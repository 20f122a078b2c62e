// The benchmark of the main job. In one run, at 1, 16, 64 and 256 calls in
// flight, it measures an empty echo service (the ceiling) and the methods of
// RoomLifecycle, all in the same set-up: server and client in this process, over
// the loopback. Beside one call in flight it measures a bare synced write, too: with
// the echo the least that a durable call can take. In the end it upgrades a room with
// very many members, half of them on another server. Prints a table in Markdown.
//
//   innkeeper_bench [--seconds=3] [--in_flight=1,16,64,256] [--members=100000]
//                   [--write_buffer_mib=64]
//                   [--calls=GetRoom,CreateRoom,UpgradeRoom2,UpgradeRoom100,UpgradeRoomLarge]

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "glog/logging.h"
#include "grpcpp/grpcpp.h"
#include "innkeeper/v1/room_lifecycle.grpc.pb.h"
#include "server/base/process.h"
#include "tests/bench/calls.h"
#include "tests/bench/echo.grpc.pb.h"
#include "tests/bench/large_room.h"
#include "tests/bench/load.h"
#include "tests/bench/synced_write.h"
#include "tests/support/test_client.h"
#include "tests/support/test_server.h"

ABSL_FLAG(double, seconds, 3, "how long each row is measured");
ABSL_FLAG(std::vector<std::string>, in_flight, std::vector<std::string>({"1", "16", "64", "256"}),
          "how many calls are in flight");
ABSL_FLAG(std::vector<std::string>, calls,
          std::vector<std::string>({"GetRoom", "CreateRoom", "UpgradeRoom2", "UpgradeRoom100",
                                    "UpgradeRoomLarge"}),
          "what is measured beside the echo");
ABSL_FLAG(int64_t, write_buffer_mib, 64, "the server's write_buffer_bytes, in MiB");
ABSL_FLAG(bool, sealing, true, "whether the store is sealed");
ABSL_FLAG(int, members, 100'000, "how many members the large room has");

namespace innkeeper::bench {
namespace {

class EchoService final : public Echo::CallbackService {
  grpc::ServerUnaryReactor* Echo(grpc::CallbackServerContext* context, const EchoMessage* request,
                                 EchoMessage* response) override {
    *response = *request;
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
};

using RoomStubs = Stubs<v1::RoomLifecycle>;
using RoomStub = v1::RoomLifecycle::Stub;

// Creates `count` rooms with one joined user and members - 1 invited ones.
std::vector<std::string> MakeRooms(RoomStubs& stubs, int64_t count, int members) {
  std::vector<std::string> ids(static_cast<size_t>(count));
  RunLoad(64, {.max_calls = count}, [&](int64_t index, std::function<void(bool)> done) {
    v1::CreateRoomRequest request = CreateRequest(index);
    for (int i = 1; i < members; ++i) {
      request.add_invites(absl::StrCat("@guest", i, ":example.org"));
    }
    UnaryCall<v1::CreateRoomRequest, v1::CreateRoomResponse>::Start(
        stubs.For(index), &RoomStub::async::CreateRoom, std::move(request),
        [index, &ids, done = std::move(done)](const grpc::Status& status,
                                              const v1::CreateRoomResponse& response) {
          CHECK(status.ok()) << status.error_message();
          ids[static_cast<size_t>(index)] = response.room().room_id();
          done(true);
        });
  });
  return ids;
}

// Creates a room with `members` members on a server, which is restarted for it.
std::string MakeLargeRoom(TestServer& server, int members) {
  v1::CreateRoomRequest request = CreateRequest(0);
  request.set_preset(v1::ROOM_PRESET_PUBLIC_CHAT);
  const auto created = TestClient(server.address(), TestToken("admin")).CreateRoom(request);
  CHECK(created.ok()) << created.status.error_message();
  const std::string& room_id = created.response.room().room_id();
  CHECK(server.Stop().ok());
  AddMembers(server.config(), room_id, members - 1);
  server.Start();
  return room_id;
}

void PrintRow(absl::string_view name, int in_flight, const LoadResult& result, double ceiling) {
  absl::PrintF("| %s | %d | %.0f | %.3f | %.2f | %.2f | %.0f |\n", name, in_flight,
               result.calls_per_second, result.calls_per_second / ceiling,
               absl::ToDoubleMilliseconds(result.p50), absl::ToDoubleMilliseconds(result.p99),
               absl::ToDoubleMicroseconds(result.cpu_per_call));
  std::fflush(stdout);
  CHECK_EQ(result.failures, 0) << name;
}

bool IsMeasured(absl::string_view call) {
  const std::vector<std::string> calls = absl::GetFlag(FLAGS_calls);
  return std::find(calls.begin(), calls.end(), call) != calls.end();
}

struct Benchmark {
  absl::Duration duration;
  Stubs<Echo> echo;
  RoomStubs rooms;

  LoadResult MeasureEcho(int in_flight) {
    EchoMessage message;
    message.set_payload(std::string(128, 'x'));
    return RunLoad(in_flight, {.duration = duration},
                   [&](int64_t index, std::function<void(bool)> done) {
                     StartUnary<EchoMessage, EchoMessage>(echo.For(index), &Echo::Stub::async::Echo,
                                                          message, std::move(done));
                   });
  }

  LoadResult MeasureCreate(int in_flight) {
    return RunLoad(in_flight, {.duration = duration},
                   [&](int64_t index, std::function<void(bool)> done) {
                     StartUnary<v1::CreateRoomRequest, v1::CreateRoomResponse>(
                         rooms.For(index), &RoomStub::async::CreateRoom, CreateRequest(index),
                         std::move(done));
                   });
  }

  LoadResult MeasureGet(int in_flight, const std::vector<std::string>& ids) {
    return RunLoad(
        in_flight, {.duration = duration}, [&](int64_t index, std::function<void(bool)> done) {
          v1::GetRoomRequest request;
          request.set_room_id(ids[static_cast<size_t>(index) % ids.size()]);
          request.set_requester(Creator(index % static_cast<int64_t>(ids.size())));
          StartUnary<v1::GetRoomRequest, v1::GetRoomResponse>(
              rooms.For(index), &RoomStub::async::GetRoom, std::move(request), std::move(done));
        });
  }

  LoadResult MeasureUpgrade(int in_flight, const std::vector<std::string>& ids) {
    return RunLoad(in_flight, {.max_calls = static_cast<int64_t>(ids.size())},
                   [&](int64_t index, std::function<void(bool)> done) {
                     v1::UpgradeRoomRequest request;
                     request.set_room_id(ids[static_cast<size_t>(index)]);
                     request.set_requester(Creator(index));
                     request.set_new_version("12");
                     StartUnary<v1::UpgradeRoomRequest, v1::UpgradeRoomResponse>(
                         rooms.For(index), &RoomStub::async::UpgradeRoom, std::move(request),
                         std::move(done));
                   });
  }

  void PrintSyncedWrite(absl::Duration bare_call, absl::Duration created) const {
    const LoadResult written = MeasureSyncedWrites(duration);
    absl::PrintF("| synced write | 1 | %.0f | | %.2f | %.2f | %.0f |\n", written.calls_per_second,
                 absl::ToDoubleMilliseconds(written.p50), absl::ToDoubleMilliseconds(written.p99),
                 absl::ToDoubleMicroseconds(written.cpu_per_call));
    absl::PrintF("| CreateRoom to echo and synced write | 1 | | | %.2f times | | |\n",
                 absl::FDivDuration(created, bare_call + written.p50));
    std::fflush(stdout);
    CHECK_EQ(written.failures, 0);
  }

  // Each call is measured between two measurements of the ceiling, for machines
  // whose speed changes.
  void PrintRows(int in_flight, const std::vector<std::string>& read_ids) {
    LoadResult before = MeasureEcho(in_flight);
    PrintRow("echo", in_flight, before, before.calls_per_second);
    auto print = [&](absl::string_view call, const LoadResult& result) {
      const LoadResult after = MeasureEcho(in_flight);
      const double ceiling = (before.calls_per_second + after.calls_per_second) / 2;
      PrintRow(call, in_flight, result, ceiling);
      before = after;
    };
    // As many as can be upgraded in about the time of the other rows.
    const int64_t upgrades =
        static_cast<int64_t>(absl::ToDoubleSeconds(duration) * (in_flight == 1 ? 500 : 1500));
    if (IsMeasured("GetRoom")) print("GetRoom", MeasureGet(in_flight, read_ids));
    if (IsMeasured("CreateRoom")) {
      const LoadResult created = MeasureCreate(in_flight);
      print("CreateRoom", created);
      if (in_flight == 1) PrintSyncedWrite(before.p50, created.p50);
    }
    if (IsMeasured("UpgradeRoom2")) {
      print("UpgradeRoom, 2 members", MeasureUpgrade(in_flight, MakeRooms(rooms, upgrades, 2)));
    }
    if (IsMeasured("UpgradeRoom100")) {
      print("UpgradeRoom, 100 members",
            MeasureUpgrade(in_flight, MakeRooms(rooms, upgrades / 10, 100)));
    }
  }

  void PrintLargeUpgrade(const std::string& room_id, int members) {
    const LoadResult upgraded = MeasureUpgrade(1, {room_id});
    const double ceiling = MeasureEcho(1).calls_per_second;
    absl::PrintF("| UpgradeRoom, %d members | 1 | %.2f | %.5f | %.0f | %.0f | %.0f |\n", members,
                 upgraded.calls_per_second, upgraded.calls_per_second / ceiling,
                 absl::ToDoubleMilliseconds(upgraded.p50), absl::ToDoubleMilliseconds(upgraded.p99),
                 absl::ToDoubleMicroseconds(upgraded.cpu_per_call));
    CHECK_EQ(upgraded.failures, 0);
  }
};

void Run() {
  TestServer server([](ServerConfig& config) {
    config.block_cache_bytes = int64_t{256} << 20;
    config.write_buffer_bytes = absl::GetFlag(FLAGS_write_buffer_mib) << 20;
    config.sealing = absl::GetFlag(FLAGS_sealing);
  });
  EchoService echo_service;
  int echo_port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &echo_port);
  builder.RegisterService(&echo_service);
  const std::unique_ptr<grpc::Server> echo_server = builder.BuildAndStart();

  const int members = absl::GetFlag(FLAGS_members);
  const std::string large_room =
      IsMeasured("UpgradeRoomLarge") ? MakeLargeRoom(server, members) : "";
  const absl::Duration duration = absl::Seconds(absl::GetFlag(FLAGS_seconds));
  Benchmark benchmark{duration, Stubs<Echo>(absl::StrCat("127.0.0.1:", echo_port)),
                      RoomStubs(server.address())};
  const std::vector<std::string> read_ids = MakeRooms(benchmark.rooms, 1000, 2);
  absl::PrintF("| call | in flight | calls/s | of echo | p50 ms | p99 ms | CPU us |\n");
  absl::PrintF("|---|---:|---:|---:|---:|---:|---:|\n");
  for (const std::string& text : absl::GetFlag(FLAGS_in_flight)) {
    int in_flight = 0;
    CHECK(absl::SimpleAtoi(text, &in_flight) && in_flight > 0) << text;
    benchmark.PrintRows(in_flight, read_ids);
  }
  if (!large_room.empty()) benchmark.PrintLargeUpgrade(large_room, members);
  echo_server->Shutdown();
}

}  // namespace
}  // namespace innkeeper::bench

int main(int argc, char** argv) {
  innkeeper::PrepareProcess();
  absl::ParseCommandLine(argc, argv);
  FLAGS_log_dir = "/tmp";
  google::InitGoogleLogging(argv[0]);
  innkeeper::bench::Run();
  return 0;
}
