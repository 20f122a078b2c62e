// The benchmark of large rooms. Prints what the upgrade of a room with many members,
// half of them on another server, takes in time and memory, what it does to those who
// create other rooms meanwhile, and what a change of state costs in a large room beside
// one of ten members. Server and client are in this process.
//
//   large_room_bench [--members=100000] [--seconds=3]

#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "glog/logging.h"
#include "innkeeper/v1/room_lifecycle.grpc.pb.h"
#include "innkeeper/v1/room_state.grpc.pb.h"
#include "server/base/process.h"
#include "tests/bench/calls.h"
#include "tests/bench/large_room.h"
#include "tests/bench/load.h"
#include "tests/bench/memory.h"
#include "tests/support/test_server.h"

ABSL_FLAG(int, members, 100'000, "how many members the large room has");
ABSL_FLAG(bool, sealing, true, "whether the store is sealed");
ABSL_FLAG(double, seconds, 3, "how long the measurements of other calls last");

namespace innkeeper::bench {
namespace {

constexpr char kOwner[] = "@owner:example.org";
// Those who create other rooms while the large one is upgraded.
constexpr int kCreatorsInFlight = 4;

using RoomStub = v1::RoomLifecycle::Stub;
using StateStub = v1::RoomState::Stub;

absl::Duration Seconds() { return absl::Seconds(absl::GetFlag(FLAGS_seconds)); }

template <typename Request, typename Response, typename Stub>
Response Call(Stub& stub,
              grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
              const Request& request) {
  grpc::ClientContext context;
  context.AddMetadata("authorization", absl::StrCat("Bearer ", TestToken("admin")));
  Response response;
  const grpc::Status status = (stub.*method)(&context, request, &response);
  CHECK(status.ok()) << status.error_message();
  return response;
}

std::string NewPublicRoom(RoomStub& stub) {
  v1::CreateRoomRequest request;
  request.set_creator(kOwner);
  request.set_preset(v1::ROOM_PRESET_PUBLIC_CHAT);
  return Call(stub, &RoomStub::CreateRoom, request).room().room_id();
}

struct Upgrade {
  absl::Duration time;
  int64_t extra_memory_mib = 0;
  std::string successor;
};

Upgrade UpgradeLargeRoom(RoomStub& stub, const std::string& room_id) {
  v1::UpgradeRoomRequest request;
  request.set_room_id(room_id);
  request.set_requester(kOwner);
  request.set_new_version("12");
  ResetPeakMemory();
  const int64_t memory = MemoryMiB("VmRSS");
  const absl::Time start = absl::Now();
  const auto response = Call(stub, &RoomStub::UpgradeRoom, request);
  Upgrade upgrade{absl::Now() - start, MemoryMiB("VmHWM") - memory, response.room().room_id()};
  CHECK_EQ(response.unmoved_count(), 0);
  CHECK_EQ(response.joined_member_count() + response.invited_member_count(),
           absl::GetFlag(FLAGS_members) + 1);
  return upgrade;
}

LoadResult CreateRooms(Stubs<v1::RoomLifecycle>& stubs, const LoadEnd& end) {
  return RunLoad(kCreatorsInFlight, end, [&](int64_t index, std::function<void(bool)> done) {
    StartUnary<v1::CreateRoomRequest, v1::CreateRoomResponse>(
        stubs.For(index), &RoomStub::async::CreateRoom, CreateRequest(index), std::move(done));
  });
}

LoadResult SetStates(Stubs<v1::RoomState>& stubs, const std::string& room_id) {
  return RunLoad(1, {.duration = Seconds()}, [&](int64_t index, std::function<void(bool)> done) {
    v1::SetStateRequest request;
    request.set_room_id(room_id);
    request.set_requester(kOwner);
    request.set_type("m.room.topic");
    (*request.mutable_content()->mutable_fields())["topic"].set_string_value(
        absl::StrCat("Topic ", index));
    StartUnary<v1::SetStateRequest, v1::SetStateResponse>(stubs.For(0), &StateStub::async::SetState,
                                                          std::move(request), std::move(done));
  });
}

void PrintLoad(absl::string_view what, const LoadResult& result) {
  CHECK_EQ(result.failures, 0) << what;
  absl::PrintF("| %s | %.0f/s, p50 %.2f ms, p99 %.2f ms |\n", what, result.calls_per_second,
               absl::ToDoubleMilliseconds(result.p50), absl::ToDoubleMilliseconds(result.p99));
  std::fflush(stdout);
}

void PrintUpgrade(absl::string_view what, const Upgrade& upgrade) {
  absl::PrintF("| %s | %.2f s, %d MiB more memory at the peak |\n", what,
               absl::ToDoubleSeconds(upgrade.time), upgrade.extra_memory_mib);
  std::fflush(stdout);
}

void Run() {
  const int members = absl::GetFlag(FLAGS_members);
  TestServer server([](ServerConfig& config) {
    config.block_cache_bytes = int64_t{256} << 20;
    config.write_buffer_bytes = int64_t{64} << 20;
    config.sealing = absl::GetFlag(FLAGS_sealing);
  });
  std::string large;
  std::string small;
  {
    Stubs<v1::RoomLifecycle> stubs(server.address());
    large = NewPublicRoom(stubs.For(0));
    small = NewPublicRoom(stubs.For(0));
  }
  CHECK(server.Stop().ok());
  AddMembers(server.config(), large, members);
  AddMembers(server.config(), small, 10);
  server.Start();
  Stubs<v1::RoomLifecycle> stubs(server.address());
  Stubs<v1::RoomState> states(server.address());

  absl::PrintF("| %d members | |\n|---|---|\n", members);
  SetStates(states, small);  // warms up
  const LoadResult in_small = SetStates(states, small);
  const LoadResult in_large = SetStates(states, large);
  PrintLoad("SetState, 10 members", in_small);
  PrintLoad("SetState, all members", in_large);
  absl::PrintF("| ratio of their p50 | %.2f |\n", absl::FDivDuration(in_large.p50, in_small.p50));

  const LoadResult idle = CreateRooms(stubs, {.duration = Seconds()});
  PrintLoad("CreateRoom, 4 in flight, idle", idle);
  const Upgrade alone = UpgradeLargeRoom(stubs.For(0), large);
  PrintUpgrade("UpgradeRoom", alone);
  absl::Notification upgraded;
  Upgrade beside;
  std::thread upgrade([&] {
    beside = UpgradeLargeRoom(stubs.For(0), alone.successor);
    upgraded.Notify();
  });
  const LoadResult meanwhile = CreateRooms(stubs, {.event = &upgraded});
  upgrade.join();
  PrintUpgrade("UpgradeRoom beside CreateRoom", beside);
  PrintLoad("CreateRoom meanwhile", meanwhile);
  absl::PrintF("| ratio of its p99 to idle | %.2f |\n",
               absl::FDivDuration(meanwhile.p99, idle.p99));
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
