#include "tests/stream/conditions.h"

#include <atomic>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/stream/scene.h"
#include "tests/stream/server_process.h"
#include "tests/support/test_server.h"

namespace innkeeper::stream {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(60);

constexpr int kBreaks = 3;
constexpr int64_t kWritesBetweenBreaks = 60;
constexpr size_t kManyReaders = 2000;
constexpr size_t kReadersPerConnection = 100;
// More events than the server keeps in memory: 8,192.
constexpr int64_t kManyWrites = 9000;
constexpr absl::Duration kRetention = absl::Minutes(1);
// How many messages a slow reader takes at first: both, or some more.
constexpr int64_t kConfirmedAndCaughtUp = 2;
constexpr int64_t kConfirmedAndSome = 3;

void Write(Scene& scene, int64_t writes) {
  scene.Expect(scene.writers().AwaitWrites(writes, kPatience), "the writers make no headway");
}

void GoThroughCalm(Scene& scene, const std::string& program) {
  const ServerProcess server(program);
  scene.AddUsualReaders();
  scene.AddUsualConsumers();
  scene.Connect(server.address());
  Write(scene, kWritesBetweenBreaks);
  scene.AddSnapshotReaders();
  Write(scene, 2 * kWritesBetweenBreaks);
  scene.Finish();
}

void GoThroughBreaks(Scene& scene, const std::string& program, void (ServerProcess::*end)()) {
  ServerProcess server(program);
  scene.AddUsualReaders();
  scene.AddUsualConsumers();
  scene.Connect(server.address());
  for (int i = 0; i < kBreaks; ++i) {
    Write(scene, kWritesBetweenBreaks);
    if (i == 0) scene.AddSnapshotReaders();
    for (const auto& consumers : scene.consumers()) consumers->Kill(0);
    (server.*end)();
    server.Start();
    scene.Connect(server.address());
  }
  Write(scene, kWritesBetweenBreaks);
  scene.Finish();
  for (const auto& reader : scene.readers()) {
    scene.Expect(reader->streams() > kBreaks, "a reader was not interrupted");
  }
}

void GoThroughSlowness(Scene& scene, const std::string& program) {
  const ServerProcess server(program);
  scene.AddUsualReaders();
  Reader& all = scene.AddReader(
      {.name = "slow", .request = RequestFrom(v1::START_POSITION_OLDEST), .is_slow = true});
  Reader::Options options{.name = "slow, creations",
                          .request = RequestFrom(v1::START_POSITION_OLDEST),
                          .is_slow = true};
  options.request.mutable_filter()->add_types("room.created");
  Reader& creations = scene.AddReader(options);
  scene.Connect(server.address());
  all.Take(kConfirmedAndCaughtUp);
  creations.Take(kConfirmedAndCaughtUp);
  Write(scene, kManyWrites);
  for (int i = 0; i < 20; ++i) {
    all.Take(1);
    creations.Take(1);
    Write(scene, 10);
  }
  scene.Finish();
  scene.Expect(all.fallbacks() > 0, "the slow reader did not fall behind the server's memory");
}

void GoThroughRetention(Scene& scene) {
  // How far the clock that the server reckons with is ahead of that of commits.
  auto ahead = std::make_shared<std::atomic<int64_t>>(0);
  const TestServer server(
      [&](ServerConfig& config) {
        config.event_retention = kRetention;
        config.event_min_retention = absl::ZeroDuration();
        config.upgrade_lease = absl::Hours(1);
      },
      [ahead] {
        return Server::Surroundings{
            .clock = [ahead] { return absl::Now() + absl::Seconds(ahead->load()); }};
      });
  scene.AddUsualReaders();
  Reader& late = scene.AddReader(
      {.name = "late", .request = RequestFrom(v1::START_POSITION_OLDEST), .is_slow = true});
  scene.Connect(server.address());
  late.Take(kConfirmedAndSome);
  Write(scene, 20 * kWritesBetweenBreaks);
  scene.Expect(late.AwaitConfirmation(kPatience), "the late reader's stream is not confirmed");
  scene.ReadLog();
  *ahead = absl::ToInt64Seconds(kRetention) - 2;
  // The server forgets within ten seconds. The log is followed meanwhile, so as to be known.
  int64_t oldest = 1;
  const absl::Time deadline = absl::Now() + kPatience;
  while (oldest == 1 && absl::Now() < deadline) {
    Write(scene, 1);
    scene.ReadLog();
    Reader newcomer({.name = "newcomer", .request = RequestFrom(v1::START_POSITION_OLDEST)});
    newcomer.Connect(Connection(server.address()));
    scene.Expect(newcomer.AwaitConfirmation(kPatience), "a newcomer's stream is not confirmed");
    const Recording recording = newcomer.TakeRecording();
    if (!recording.streams.empty() && !recording.streams.front().messages.empty()) {
      oldest = recording.streams.front().messages.front().oldest_sequence;
    }
  }
  scene.Expect(oldest > 1, "the log forgets nothing");
  // A stream that is open goes on, out of the server's memory; one that is opened now can't.
  late.Interrupt();
  late.TakeAll();
  Write(scene, kWritesBetweenBreaks);
  scene.Finish();
  scene.Expect(late.streams() > 2, "the late reader lost nothing");
}

void GoThroughMany(Scene& scene, const std::string& program) {
  const ServerProcess server(program);
  for (size_t i = 0; i < kManyReaders / 10; ++i) {
    for (int j = 0; j < 7; ++j) {
      scene.AddReader({.name = "all", .request = RequestFrom(v1::START_POSITION_OLDEST)});
    }
    Reader::Options options{.name = "creations", .request = RequestFrom(v1::START_POSITION_OLDEST)};
    options.request.mutable_filter()->add_types("room.created");
    scene.AddReader(options);
    options.name = "nothing";
    options.request.mutable_filter()->set_types(0, "room.imported");
    scene.AddReader(options);
    options = {.name = "one at a time", .request = RequestFrom(v1::START_POSITION_NOW)};
    options.request.set_max_batch_events(1);
    scene.AddReader(options);
  }
  scene.Connect(server.address(), kReadersPerConnection);
  Write(scene, kWritesBetweenBreaks);
  scene.Finish();
}

void GoThroughNothing(Scene& scene, const std::string& program) {
  ServerProcess server(program);
  scene.AddUsualReaders();
  Reader::Options options{.name = "no such event",
                          .request = RequestFrom(v1::START_POSITION_OLDEST)};
  options.request.mutable_filter()->add_types("room.imported");
  scene.AddReader(options);
  options.name = "no such event, now";
  options.request.set_position(v1::START_POSITION_NOW);
  scene.AddReader(options);
  options = {.name = "no such room", .request = RequestFrom(v1::START_POSITION_OLDEST)};
  options.request.mutable_filter()->add_room_ids("!nowhere:example.org");
  scene.AddReader(options);
  Consumers::Options consumers{.subscription = "nothing", .count = 2};
  consumers.filter.add_types("room.imported");
  scene.AddConsumers(std::move(consumers));
  scene.Connect(server.address());
  Write(scene, kWritesBetweenBreaks);
  server.Kill();
  server.Start();
  scene.Connect(server.address());
  Write(scene, kWritesBetweenBreaks);
  scene.Finish();
}

}  // namespace

std::string NameOf(Condition condition) {
  switch (condition) {
    case Condition::kCalm:
      return "Calm";
    case Condition::kRestart:
      return "Restart";
    case Condition::kSigkill:
      return "Sigkill";
    case Condition::kSlowReader:
      return "SlowReader";
    case Condition::kRetention:
      return "Retention";
    case Condition::kManyReaders:
      return "ManyReaders";
    case Condition::kNothingMatches:
      return "NothingMatches";
  }
  return "";
}

Outcome GoThrough(Condition condition, const std::string& server) {
  Writers::Options writers;
  if (condition == Condition::kSlowReader) writers = {.threads = 16, .sends_per_room = 100};
  if (condition == Condition::kRetention) writers = {.threads = 2, .writes_per_second = 200};
  if (condition == Condition::kManyReaders) writers = {.threads = 1, .writes_per_second = 50};
  Scene scene(writers);
  switch (condition) {
    case Condition::kCalm:
      GoThroughCalm(scene, server);
      break;
    case Condition::kRestart:
      GoThroughBreaks(scene, server, &ServerProcess::Terminate);
      break;
    case Condition::kSigkill:
      GoThroughBreaks(scene, server, &ServerProcess::Kill);
      break;
    case Condition::kSlowReader:
      GoThroughSlowness(scene, server);
      break;
    case Condition::kRetention:
      GoThroughRetention(scene);
      break;
    case Condition::kManyReaders:
      GoThroughMany(scene, server);
      break;
    case Condition::kNothingMatches:
      GoThroughNothing(scene, server);
      break;
  }
  return {std::move(scene.log()), std::move(scene.recordings()), std::move(scene.problems())};
}

}  // namespace innkeeper::stream
