// The benchmark of the event stream. Readers are in this process; what they read from is in
// another one, a real server and beside it a bare gRPC server that sends messages of the
// same sizes, which is the ceiling. Prints a table in Markdown, with the goals.
//
//   stream_bench [--events=1000000] [--live=1000] [--idle=10000] [--seconds=10]
//                [--consumed=200000] [--rows=idle,catch_up,consume,live,delivery,create]
//                [--rounds=3]

#include <sys/resource.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "glog/logging.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "innkeeper/v1/room_lifecycle.grpc.pb.h"
#include "server/base/process.h"
#include "tests/bench/acknowledging_consumers.h"
#include "tests/bench/calls.h"
#include "tests/bench/echo.grpc.pb.h"
#include "tests/bench/live_readers.h"
#include "tests/bench/load.h"
#include "tests/bench/stream_reader.h"
#include "tests/bench/stream_server.h"

ABSL_FLAG(int64_t, events, 1'000'000, "how many events the log has at first");
ABSL_FLAG(int64_t, consumed, 200'000, "how many of them are consumed in the row `consume`");
ABSL_FLAG(int, live, 1000, "how many readers there are in the row `live`");
ABSL_FLAG(int, idle, 10'000, "how many readers there are in the row `idle`");
ABSL_FLAG(double, seconds, 10, "how long each row is measured that has a duration");
ABSL_FLAG(int, rounds, 3, "how often what is compared is measured in turns");
ABSL_FLAG(std::vector<std::string>, rows,
          std::vector<std::string>({"idle", "catch_up", "consume", "live", "delivery", "create"}),
          "what is measured");
ABSL_FLAG(int64_t, serve, -1, "internal: be the servers, with a log of so many events");

namespace innkeeper::bench {
namespace {

constexpr double kCreatesPerSecond = 250;
constexpr int kCreatesInFlight = 64;
constexpr int kFewReaders = 100;
constexpr int kFewConsumers = 4;
constexpr int kStreamsPerConnection = 100;
constexpr size_t kLongestCaughtUp = 256;

double Seconds(absl::Duration duration) { return absl::ToDoubleSeconds(duration); }
double Micros(absl::Duration duration) { return absl::ToDoubleMicroseconds(duration); }
double Millis(absl::Duration duration) { return absl::ToDoubleMilliseconds(duration); }

void PrintRow(absl::string_view what, absl::string_view value, absl::string_view goal = "",
              bool met = true) {
  absl::PrintF("| %s | %s | %s | %s |\n", what, value, goal,
               goal.empty() ? ""
               : met        ? "yes"
                            : "no");
  std::fflush(stdout);
}

// What it took to read a stream to its end.
struct Transfer {
  std::vector<int64_t> message_sizes;
  int64_t bytes = 0;
  absl::Duration taken;
  absl::Duration server_cpu;
};

class Benchmark {
 public:
  explicit Benchmark(const std::string& program)
      : server_(program, absl::GetFlag(FLAGS_events)), rooms_(server_.address()) {}

  void CatchUp();
  void Consume();
  void Live();
  void Delivery();
  void Create();
  void Idle();

 private:
  template <typename IsLast>
  Transfer Read(const std::string& address, const std::string& method,
                const google::protobuf::MessageLite& request, IsLast is_last);
  Transfer ReadLog();
  absl::Duration WatchEvents(int64_t events);
  absl::Duration ConsumeEvents(int64_t events, int consumers);
  Transfer ReadCeiling(const std::vector<int64_t>& message_sizes);

  StartCall CreateCall() {
    return [this](int64_t index, const std::function<void(bool)>& done) {
      StartUnary<v1::CreateRoomRequest, v1::CreateRoomResponse>(
          rooms_.For(index), &v1::RoomLifecycle::Stub::async::CreateRoom, CreateRequest(index),
          done);
    };
  }
  LoadResult CreateAtRate();

  const absl::Duration duration_ = absl::Seconds(absl::GetFlag(FLAGS_seconds));
  const int rounds_ = absl::GetFlag(FLAGS_rounds);
  int subscriptions_ = 0;  // that were created
  StreamServer server_;
  Stubs<v1::RoomLifecycle> rooms_;
};

// Reads a stream up to the first message for which `is_last`.
template <typename IsLast>
Transfer Benchmark::Read(const std::string& address, const std::string& method,
                         const google::protobuf::MessageLite& request, IsLast is_last) {
  Transfer transfer;
  absl::Notification ended;
  const auto channel = Connect(address);
  CHECK(channel->WaitForConnected(absl::ToChronoTime(absl::Now() + absl::Seconds(10))));
  const absl::Duration cpu_before = server_.CpuTime();
  const absl::Time start = absl::Now();
  const StreamReader reader(channel, method, request, [&](grpc::ByteBuffer& bytes) {
    if (ended.HasBeenNotified()) return;
    transfer.message_sizes.push_back(static_cast<int64_t>(bytes.Length()));
    transfer.bytes += transfer.message_sizes.back();
    if (is_last(bytes)) ended.Notify();
  });
  ended.WaitForNotification();
  transfer.taken = absl::Now() - start;
  transfer.server_cpu = server_.CpuTime() - cpu_before;
  return transfer;
}

// Only the short messages are looked into: the reader does the same for both servers.
Transfer Benchmark::ReadLog() {
  v1::WatchRoomEventsRequest request;
  request.set_position(v1::START_POSITION_OLDEST);
  return Read(
      server_.address(), "/innkeeper.v1.RoomLifecycle/WatchRoomEvents", request,
      [](grpc::ByteBuffer& bytes) {
        if (bytes.Length() > kLongestCaughtUp) return false;
        v1::WatchRoomEventsResponse message;
        CHECK(grpc::SerializationTraits<v1::WatchRoomEventsResponse>::Deserialize(&bytes, &message)
                  .ok());
        return message.has_caught_up();
      });
}

Transfer Benchmark::ReadCeiling(const std::vector<int64_t>& message_sizes) {
  StreamRequest request;
  request.mutable_message_sizes()->Assign(message_sizes.begin(), message_sizes.end());
  return Read(server_.ceiling_address(), "/innkeeper.bench.Echo/Stream", request,
              [left = message_sizes.size()](grpc::ByteBuffer&) mutable { return --left == 0; });
}

void Benchmark::CatchUp() {
  const auto events = static_cast<double>(absl::GetFlag(FLAGS_events));
  ReadCeiling(ReadLog().message_sizes);  // warms up
  Transfer log;
  Transfer ceiling;
  const auto add = [](const Transfer& part, Transfer& sum) {
    sum.taken += part.taken;
    sum.server_cpu += part.server_cpu;
    sum.bytes += part.bytes;
  };
  for (int i = 0; i < rounds_; ++i) {
    const Transfer round = ReadLog();
    add(round, log);
    add(ReadCeiling(round.message_sizes), ceiling);
  }
  CHECK_EQ(log.bytes, ceiling.bytes);
  const double all_events = events * rounds_;
  const double ratio = absl::FDivDuration(ceiling.taken, log.taken);
  PrintRow(absl::StrFormat("events/s, one reader from the oldest of %.0f", events),
           absl::StrFormat("%.0f", all_events / Seconds(log.taken)));
  PrintRow("the same bytes from the ceiling, events/s",
           absl::StrFormat("%.0f (%.0f MB/s)", all_events / Seconds(ceiling.taken),
                           static_cast<double>(ceiling.bytes) / 1e6 / Seconds(ceiling.taken)));
  PrintRow("of the ceiling", absl::StrFormat("%.2f", ratio), "0.5", ratio >= 0.5);
  PrintRow("CPU us of the server for an event, and of the ceiling",
           absl::StrFormat("%.2f, %.2f", Micros(log.server_cpu) / all_events,
                           Micros(ceiling.server_cpu) / all_events));
}

// Every message is parsed, as a consumer has to do.
absl::Duration Benchmark::WatchEvents(int64_t events) {
  v1::WatchRoomEventsRequest request;
  request.set_position(v1::START_POSITION_OLDEST);
  return Read(server_.address(), "/innkeeper.v1.RoomLifecycle/WatchRoomEvents", request,
              [left = events](grpc::ByteBuffer& bytes) mutable {
                v1::WatchRoomEventsResponse message;
                CHECK(grpc::SerializationTraits<v1::WatchRoomEventsResponse>::Deserialize(&bytes,
                                                                                          &message)
                          .ok());
                left -= message.events().events_size();
                return left <= 0;
              })
      .taken;
}

absl::Duration Benchmark::ConsumeEvents(int64_t events, int consumers) {
  const absl::Time start = absl::Now();
  AcknowledgingConsumers group(server_.address(), absl::StrCat("bench-", ++subscriptions_),
                               consumers);
  group.AwaitAcknowledged(events);
  return absl::Now() - start;
}

void Benchmark::Consume() {
  const int64_t events = std::min(absl::GetFlag(FLAGS_consumed), absl::GetFlag(FLAGS_events));
  WatchEvents(events);  // warms up
  absl::Duration watch;
  absl::Duration one;
  absl::Duration few;
  for (int i = 0; i < rounds_; ++i) {
    watch += WatchEvents(events);
    one += ConsumeEvents(events, 1);
    few += ConsumeEvents(events, kFewConsumers);
  }
  const auto rate = [&](absl::Duration taken) {
    return absl::StrFormat("%.0f", static_cast<double>(events * rounds_) / Seconds(taken));
  };
  PrintRow(absl::StrFormat("events/s, one reader of the oldest %d that parses them", events),
           rate(watch));
  PrintRow("the same through a subscription, acknowledged, events/s", rate(one));
  PrintRow("of the reader", absl::StrFormat("%.2f", absl::FDivDuration(watch, one)));
  PrintRow(absl::StrFormat("the same by %d consumers, events/s", kFewConsumers), rate(few));
  PrintRow("of the reader", absl::StrFormat("%.2f", absl::FDivDuration(watch, few)));
}

LoadResult Benchmark::CreateAtRate() {
  return RunPacedLoad(kCreatesPerSecond, duration_, CreateCall());
}

void Benchmark::Live() {
  const int count = absl::GetFlag(FLAGS_live);
  LiveReaders readers(server_.address(), count, kStreamsPerConnection,
                      LiveReaders::Attention::kMeasure);
  const absl::Duration cpu_before = server_.CpuTime();
  const LoadResult load = CreateAtRate();
  const absl::Duration behind = readers.AwaitEvents(load.calls - load.failures);
  const absl::Duration cpu = server_.CpuTime() - cpu_before;
  const LiveReaders::Ages ages = readers.TakeAges();
  const std::string what =
      absl::StrFormat("%d live readers, %.0f creates/s: ", count, load.calls_per_second);
  PrintRow(absl::StrCat(what, "seconds that the last one is behind at the end"),
           absl::StrFormat("%.3f", Seconds(behind)), "1", behind <= absl::Seconds(1));
  PrintRow(
      "p50, p99, most seconds from commit to reader",
      absl::StrFormat("%.3f, %.3f, %.3f", Seconds(ages.p50), Seconds(ages.p99), Seconds(ages.max)));
  PrintRow("CPU us of the server for a delivered event, creating it included",
           absl::StrFormat("%.2f", Micros(cpu) / static_cast<double>(ages.events)));
}

void Benchmark::Delivery() {
  LiveReaders readers(server_.address(), kFewReaders, kStreamsPerConnection,
                      LiveReaders::Attention::kMeasure);
  const LoadResult load = CreateAtRate();
  readers.AwaitEvents(load.calls - load.failures);
  const LiveReaders::Ages ages = readers.TakeAges();
  PrintRow(absl::StrFormat("p99 ms from commit to reader, %d readers, %.0f creates/s", kFewReaders,
                           load.calls_per_second),
           absl::StrFormat("%.2f", Millis(ages.p99)), "10", ages.p99 < absl::Milliseconds(10));
  PrintRow("p50, most ms", absl::StrFormat("%.2f, %.2f", Millis(ages.p50), Millis(ages.max)));
}

void Benchmark::Create() {
  // Without readers, and with.
  double rates[2] = {};
  absl::Duration cpu[2] = {};
  const LoadEnd end = {.duration = duration_ / (2 * rounds_)};
  const auto measure = [&](size_t which) {
    const absl::Duration cpu_before = server_.CpuTime();
    const LoadResult load = RunLoad(kCreatesInFlight, end, CreateCall());
    rates[which] += load.calls_per_second / rounds_;
    cpu[which] += (server_.CpuTime() - cpu_before) / std::max<int64_t>(load.calls, 1) / rounds_;
  };
  for (int i = 0; i < rounds_; ++i) {
    measure(0);
    const LiveReaders readers(server_.address(), kFewReaders, kStreamsPerConnection,
                              LiveReaders::Attention::kIgnore);
    measure(1);
  }
  PrintRow(absl::StrFormat("CreateRoom, %d in flight: calls/s, CPU us of the server for a call",
                           kCreatesInFlight),
           absl::StrFormat("%.0f, %.0f", rates[0], Micros(cpu[0])));
  PrintRow(absl::StrFormat("with %d live readers", kFewReaders),
           absl::StrFormat("%.0f, %.0f", rates[1], Micros(cpu[1])));
  PrintRow("calls/s with readers to those without", absl::StrFormat("%.2f", rates[1] / rates[0]),
           "0.8", rates[1] / rates[0] >= 0.8);
}

// The server's memory for them, gRPC's included.
void Benchmark::Idle() {
  std::vector<std::unique_ptr<LiveReaders>> held;  // what they had would be used again
  const auto measure = [&](int count, int streams_per_connection, absl::string_view goal) {
    const int64_t before = server_.ResidentBytes();
    held.push_back(std::make_unique<LiveReaders>(server_.address(), count, streams_per_connection,
                                                 LiveReaders::Attention::kIgnore));
    const double each = static_cast<double>(server_.ResidentBytes() - before) / count;
    PrintRow(absl::StrFormat("kB of the server for an idle reader, %d readers, %d a connection",
                             count, streams_per_connection),
             absl::StrFormat("%.1f", each / 1000), goal, each < 25'000);
  };
  const int count = absl::GetFlag(FLAGS_idle);
  measure(count, kStreamsPerConnection, "25");
  measure(count / 10, 1, "");
}

// Each connection takes a descriptor, here and in the process of the servers, which inherits
// the limit.
void RaiseLimitOfConnections() {
  rlimit limit;
  PCHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  limit.rlim_cur = limit.rlim_max;
  PCHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

void Run(const std::string& program) {
  RaiseLimitOfConnections();
  Benchmark benchmark(program);
  const std::vector<std::string> rows = absl::GetFlag(FLAGS_rows);
  const auto is_measured = [&](absl::string_view row) {
    return std::find(rows.begin(), rows.end(), row) != rows.end();
  };
  absl::PrintF("| what | value | goal | met |\n|---|---:|---:|---|\n");
  // First: later the process has memory to spare.
  if (is_measured("idle")) benchmark.Idle();
  if (is_measured("catch_up")) benchmark.CatchUp();
  if (is_measured("consume")) benchmark.Consume();
  if (is_measured("live")) benchmark.Live();
  if (is_measured("delivery")) benchmark.Delivery();
  if (is_measured("create")) benchmark.Create();
}

}  // namespace
}  // namespace innkeeper::bench

int main(int argc, char** argv) {
  innkeeper::PrepareProcess();
  absl::ParseCommandLine(argc, argv);
  FLAGS_log_dir = "/tmp";
  google::InitGoogleLogging(argv[0]);
  const int64_t events = absl::GetFlag(FLAGS_serve);
  if (events >= 0) {
    innkeeper::bench::ServeStreams(events);
  } else {
    innkeeper::bench::Run(std::filesystem::read_symlink("/proc/self/exe"));
  }
  return 0;
}
