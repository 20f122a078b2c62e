// Two hundred readers of all kinds, consumers of durable subscriptions, writers, and a server
// that is killed again and again, for a while: what every reader gets is held against the log,
// by the properties of validators.h, and what consumers are done with, by those of
// consumers.h.
//
//   stream_soak --server=PATH [--seconds=20] [--readers=200] [--seed=S]
//
// The seed determines what is done, but not how the processes interleave: a run can be
// repeated, not reproduced.

#include <glog/logging.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/stream/pager.h"
#include "tests/stream/reader.h"
#include "tests/stream/scene.h"
#include "tests/stream/server_process.h"
#include "tests/stream/validators.h"

ABSL_FLAG(std::string, server, "", "the innkeeper-server to kill");
ABSL_FLAG(int, seconds, 20, "how long");
ABSL_FLAG(int, readers, 200, "how many");
ABSL_FLAG(uint64_t, seed, 0, "of the random numbers; 0 for one that is different every time");

namespace innkeeper::stream {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(60);
constexpr double kWritesPerSecond = 100;
constexpr int64_t kMaxWritesOfRound = 150;
constexpr size_t kReadersPerConnection = 10;
constexpr size_t kPagers = 10;
constexpr size_t kMaxProblemsShown = 20;
// What a server with little cache may take, whatever it has been through.
constexpr int64_t kMaxServerBytes = int64_t{256} << 20;
// What a run must come to at least to prove anything, for each kill.
constexpr int64_t kMinEventsPerKill = 20;

class Soak {
 public:
  Soak(std::string server, int readers, uint64_t seed) : random_(seed), server_(std::move(server)) {
    for (int i = 0; i < readers; ++i) scene_.AddReader(OptionsOf(i));
    for (size_t i = 0; i < kPagers; ++i) {
      const Reader::Options options = OptionsOf(static_cast<int>(i));
      pagers_.emplace_back(options.request.filter(), static_cast<int32_t>(1 + i * 50));
    }
    scene_.AddUsualConsumers();
    scene_.Connect(server_.address(), kReadersPerConnection);
  }

  // Returns whether all went as it should.
  bool Run(absl::Duration duration) {
    const absl::Time start = absl::Now();
    // The last server lives for long, so that its memory means something.
    const absl::Time last_kill = start + 0.8 * duration;
    while (scene_.problems().empty() &&
           (absl::Now() < start + duration ||
            (!IsWorthwhile() && absl::Now() < start + duration + kPatience))) {
      Disturb();
      Write(absl::Uniform(random_, int64_t{1}, kMaxWritesOfRound));
      if (absl::Now() < last_kill || kills_ == 0) BreakServer();
      Check();
    }
    scene_.Finish();
    Check();
    CheckMemory();
    scene_.Expect(IsWorthwhile(), "too little happened to prove anything");
    Report(absl::Now() - start);
    return scene_.problems().empty();
  }

 private:
  bool OneIn(int n) { return absl::Uniform(random_, 0, n) == 0; }

  Reader::Options OptionsOf(int index) {
    Reader::Options options{.name = "all", .request = RequestFrom(v1::START_POSITION_OLDEST)};
    v1::WatchRoomEventsRequest& request = options.request;
    switch (index % 10) {
      case 3:
        options.name = "now";
        request.set_position(v1::START_POSITION_NOW);
        break;
      case 4:
        options.name = "upgrades";
        request.mutable_filter()->add_types("room.upgraded");
        break;
      case 5:
        options.name = "parts of commits";
        request.mutable_filter()->add_types("room.created");
        request.mutable_filter()->add_types("room.invite.pending");
        request.set_max_batch_events(3);
        break;
      case 6:
        // Those that get one at a time have to keep up with everybody else.
        options.name = index % 40 == 6 ? "one at a time" : "a few at a time";
        request.set_max_batch_events(index % 40 == 6 ? 1 : 20);
        break;
      case 7:
        options.name = "nothing";
        request.mutable_filter()->add_types("room.imported");
        break;
      case 2:
        options.name = "snapshot";
        options.principal = "observer";
        request.set_position(v1::START_POSITION_SNAPSHOT);
        if (index % 20 == 2) request.set_max_batch_events(2);
        break;
      case 8:
        options.name = "slow";
        options.is_slow = true;
        break;
      default:
        break;
    }
    return options;
  }

  // Breaks some streams of readers and consumers off, has some start anew, and lets slow
  // readers read on.
  void Disturb() {
    for (const auto& reader : scene_.readers()) {
      if (OneIn(20)) {
        reader->Interrupt();
        ++interruptions_;
      }
      reader->Take(absl::Uniform(random_, 0, 4));
    }
    for (size_t i = 0; i < scene_.readers().size(); ++i) {
      if (!OneIn(40)) continue;
      // One that knows where it was, or one that has everything to catch up on.
      Reader::Options options = OptionsOf(static_cast<int>(i));
      const Reader::Bookmark bookmark = scene_.readers()[i]->bookmarks()[OneIn(2) ? 0 : 1];
      if (!bookmark.cursor.empty() && !OneIn(4)) {
        options.request.set_after_cursor(bookmark.cursor);
        options.start = bookmark.start;
      }
      scene_.ReplaceReader(i, std::move(options));
      ++deaths_;
    }
    for (const auto& consumers : scene_.consumers()) {
      for (size_t i = 0; i < consumers->size(); ++i) {
        if (OneIn(4)) {
          consumers->Kill(i);
          ++consumer_kills_;
        } else if (OneIn(4)) {
          consumers->Interrupt(i);
        }
      }
    }
  }

  void Write(int64_t writes) {
    scene_.Expect(scene_.writers().AwaitWrites(writes, kPatience), "the writers make no headway");
  }

  void BreakServer() {
    if (OneIn(5)) {
      server_.Terminate();
    } else {
      server_.Kill();
    }
    ++kills_;
    server_.Start();
    scene_.Connect(server_.address(), kReadersPerConnection);
  }

  // Holds everything that came since the last time against the log.
  void Check() {
    for (const auto& reader : scene_.readers()) {
      scene_.recordings().push_back(reader->TakeRecording());
    }
    for (Pager& pager : pagers_) {
      scene_.Expect(pager.ReadOn(server_.address()), "a page is refused");
      scene_.recordings().push_back(pager.TakeRecording());
    }
    scene_.CheckConsumers();
    scene_.ReadLog();
    for (const Recording& recording : std::exchange(scene_.recordings(), {})) Check(recording);
  }

  void Check(const Recording& recording) {
    for (const auto check : {CheckOrdered, CheckUnique, CheckReliable, CheckAtomic, CheckResumable,
                             CheckBookmarkable, CheckSnapshots}) {
      for (const std::string& problem : check(recording, scene_.log())) {
        scene_.Expect(false, absl::StrCat(problem, "\n    in ", Describe(recording)));
      }
    }
    for (const SeenStream& stream : recording.streams) {
      ++streams_;
      for (const SeenMessage& message : stream.messages) {
        snapshots_ += message.kind == SeenMessage::Kind::kSnapshotEnd ? 1 : 0;
        events_ += static_cast<int64_t>(message.events.size());
      }
    }
  }

  void CheckMemory() {
    server_bytes_ = server_.ResidentBytes();
    scene_.Expect(server_bytes_ < kMaxServerBytes,
                  absl::StrCat("the server takes ", server_bytes_ >> 20, " MiB"));
  }

  bool IsWorthwhile() const {
    return kills_ > 0 && interruptions_ > 0 && deaths_ > 0 && consumer_kills_ > 0 &&
           snapshots_ > 0 &&
           static_cast<int64_t>(scene_.log().size()) >= kMinEventsPerKill * kills_;
  }

  void Report(absl::Duration duration) {
    int64_t deliveries = 0;
    for (const auto& consumers : scene_.consumers()) deliveries += consumers->calls();
    std::cout << absl::FormatDuration(absl::Trunc(duration, absl::Milliseconds(1))) << ": "
              << scene_.log().size() << " events in the log, " << kills_ << " ends of the server, "
              << interruptions_ << " streams broken off by readers, " << deaths_
              << " readers replaced; " << scene_.readers().size() << " readers and "
              << pagers_.size() << " of pages got " << events_ << " events in " << streams_
              << " streams and " << snapshots_ << " snapshots; " << consumer_kills_
              << " consumers killed, to whom " << deliveries
              << " events were delivered; the server takes " << (server_bytes_ >> 20) << " MiB"
              << std::endl;
    const Problems& problems = scene_.problems();
    for (size_t i = 0; i < std::min(problems.size(), kMaxProblemsShown); ++i) {
      std::cout << "  " << problems[i] << "\n";
    }
    std::cout << std::flush;
  }

  std::mt19937_64 random_;
  ServerProcess server_;
  Scene scene_{{.threads = 4, .writes_per_second = kWritesPerSecond}};
  std::vector<Pager> pagers_;
  int64_t kills_ = 0;
  int64_t interruptions_ = 0;
  int64_t deaths_ = 0;
  int64_t streams_ = 0;
  int64_t events_ = 0;
  int64_t snapshots_ = 0;
  int64_t consumer_kills_ = 0;
  int64_t server_bytes_ = 0;
};

}  // namespace
}  // namespace innkeeper::stream

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  google::InitGoogleLogging(argv[0]);
  const std::string server = absl::GetFlag(FLAGS_server);
  if (server.empty()) {
    std::cerr << argv[0] << ": --server is missing\n";
    return 2;
  }
  uint64_t seed = absl::GetFlag(FLAGS_seed);
  if (seed == 0) seed = std::random_device()();
  std::cout << "seed " << seed << std::endl;
  innkeeper::stream::Soak soak(server, absl::GetFlag(FLAGS_readers), seed);
  return soak.Run(absl::Seconds(absl::GetFlag(FLAGS_seconds))) ? EXIT_SUCCESS : EXIT_FAILURE;
}
