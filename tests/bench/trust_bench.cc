// What it costs to trust nobody: CreateRoom and GetRoom on servers with and without sealing
// at rest and an audit log, and with JSON Web Tokens in place of random ones, in turns. The
// goal: CreateRoom with all of it at 0.85 of that without any.

#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "glog/logging.h"
#include "innkeeper/v1/room_lifecycle.grpc.pb.h"
#include "server/base/file.h"
#include "server/base/process.h"
#include "server/config/config.h"
#include "tests/bench/calls.h"
#include "tests/bench/load.h"
#include "tests/support/jwt_issuer.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_server.h"

ABSL_FLAG(double, seconds, 3, "how long each row is measured in each round");
ABSL_FLAG(int, rounds, 3, "how often the servers take turns");
ABSL_FLAG(int, in_flight, 64, "how many calls there are at once");

namespace innkeeper::bench {
namespace {

using RoomStub = v1::RoomLifecycle::Stub;

constexpr char kIssuer[] = "issuer.example";
constexpr char kAudience[] = "innkeeper";
constexpr char kSubject[] = "bench";

// The rates of one call on one server, of all rounds together.
struct Rate {
  double calls = 0;
  absl::Duration time;
  absl::Duration cpu;

  double PerSecond() const { return calls / absl::ToDoubleSeconds(time); }
};

// What a server does so as not to trust.
struct Measures {
  bool sealing = false;
  bool jwt = false;
  bool audit = false;
};

// A server, and how it is called.
class Subject {
 public:
  Subject(std::string name, const Measures& measures)
      : name_(std::move(name)),
        server_([&](ServerConfig& config) { Configure(config, measures); }),
        stubs_(server_.address()),
        token_(measures.jwt ? NewJwt() : TestToken("admin")) {}

  // Measures both calls once.
  void Measure() {
    Add(Create(), creates_);
    Add(Get(), gets_);
  }

  void Print(const Subject& base) const {
    for (const auto& [call, rate, of] : {std::tuple("CreateRoom", creates_, base.creates_),
                                         std::tuple("GetRoom", gets_, base.gets_)}) {
      absl::PrintF("| %s | %s | %.0f | %.3f | %.0f |\n", call, name_, rate.PerSecond(),
                   rate.PerSecond() / of.PerSecond(),
                   absl::ToDoubleMicroseconds(rate.cpu) / rate.calls);
    }
  }

 private:
  void Configure(ServerConfig& config, const Measures& measures) {
    config.block_cache_bytes = ServerConfig().block_cache_bytes;
    config.write_buffer_bytes = ServerConfig().write_buffer_bytes;
    config.sealing = measures.sealing;
    config.audit = measures.audit;
    if (!measures.jwt) return;
    config.jwt_issuer = kIssuer;
    config.jwt_audience = kAudience;
    config.jwt_keys_file =
        dir_.Write("keys.json", KeySet(nlohmann::json::array({issuer_.PublicKey()})));
    auto tokens = nlohmann::json::parse(TestTokenFile());
    tokens["principals"].push_back(
        {{"name", "bench"}, {"jwt_subjects", {kSubject}}, {"roles", {"admin"}}});
    config.tokens_file = dir_.Write("tokens.json", tokens.dump());
  }

  std::string NewJwt() const {
    const int64_t now = absl::ToUnixSeconds(absl::Now());
    return issuer_.Token({{"iss", kIssuer},
                          {"aud", kAudience},
                          {"sub", kSubject},
                          {"iat", now},
                          {"exp", now + 3600}});
  }

  LoadResult Create() {
    return Load([&](int64_t index, std::function<void(bool)> done) {
      StartUnary<v1::CreateRoomRequest, v1::CreateRoomResponse>(
          stubs_.For(index), &RoomStub::async::CreateRoom, CreateRequest(index), std::move(done),
          token_);
    });
  }

  LoadResult Get() {
    if (room_id_.empty()) room_id_ = NewRoom();
    return Load([&](int64_t index, std::function<void(bool)> done) {
      v1::GetRoomRequest request;
      request.set_room_id(room_id_);
      StartUnary<v1::GetRoomRequest, v1::GetRoomResponse>(
          stubs_.For(index), &RoomStub::async::GetRoom, request, std::move(done), token_);
    });
  }

  std::string NewRoom() {
    grpc::ClientContext context;
    context.AddMetadata("authorization", absl::StrCat("Bearer ", token_));
    v1::CreateRoomResponse response;
    const grpc::Status status = stubs_.For(0).CreateRoom(&context, CreateRequest(0), &response);
    CHECK(status.ok()) << status.error_message();
    return response.room().room_id();
  }

  static LoadResult Load(const StartCall& call) {
    return RunLoad(absl::GetFlag(FLAGS_in_flight),
                   {.duration = absl::Seconds(absl::GetFlag(FLAGS_seconds))}, call);
  }

  static void Add(const LoadResult& result, Rate& rate) {
    CHECK_EQ(result.failures, 0);
    const auto calls = static_cast<double>(result.calls);
    rate.calls += calls;
    rate.time += absl::Seconds(calls / result.calls_per_second);
    rate.cpu += result.cpu_per_call * calls;
  }

  const std::string name_;
  const TempDir dir_;
  const JwtIssuer issuer_{"key", "EdDSA"};
  TestServer server_;
  Stubs<v1::RoomLifecycle> stubs_;
  const std::string token_;
  std::string room_id_;
  Rate creates_;
  Rate gets_;
};

void Run() {
  std::vector<std::unique_ptr<Subject>> subjects;
  const std::vector<std::pair<std::string, Measures>> rows = {
      {"nothing", {}},
      {"sealing", {.sealing = true}},
      {"sealing and JWT", {.sealing = true, .jwt = true}},
      {"sealing, JWT and audit", {.sealing = true, .jwt = true, .audit = true}}};
  subjects.reserve(rows.size());
  for (const auto& [name, measures] : rows) {
    subjects.push_back(std::make_unique<Subject>(name, measures));
  }
  for (int round = 0; round < absl::GetFlag(FLAGS_rounds); ++round) {
    for (const auto& subject : subjects) subject->Measure();
  }
  absl::PrintF("| call | with | calls/s | of nothing | CPU us |\n|---|---|---:|---:|---:|\n");
  for (const auto& subject : subjects) subject->Print(*subjects.front());
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
