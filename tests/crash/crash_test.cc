// Kills a server at random moments while writers create and upgrade rooms, starts
// it again on the same store, and checks that nothing that was acknowledged is
// lost, that nothing is there by half, and that the event stream is the log. Meanwhile
// the master key is changed again and again, so that the store is being sealed anew.
//
//   crash_test --server=PATH [--kills=N] [--seed=S]
//
// The seed determines the requests and the moments, but not how the processes
// interleave: a run can be repeated, not reproduced. The store and the server's log
// of a run that fails are kept.

#include <glog/logging.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "google/protobuf/util/message_differencer.h"
#include "server/base/file.h"
#include "storage/sealing/master_key.h"
#include "tests/crash/ledger.h"
#include "tests/crash/operation.h"
#include "tests/crash/room_check.h"
#include "tests/crash/traffic.h"
#include "tests/crash/violations.h"
#include "tests/crash/watcher.h"
#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_client.h"
#include "tests/support/test_server.h"

ABSL_FLAG(std::string, server, "", "the innkeeper-server to kill");
ABSL_FLAG(int, kills, 12, "how often");
ABSL_FLAG(uint64_t, seed, 0, "of the random numbers; 0 for one that is different every time");

namespace innkeeper::crash {
namespace {

using google::protobuf::util::MessageDifferencer;

// Far more than anything takes that does not hang.
constexpr absl::Duration kPatience = absl::Minutes(1);

constexpr absl::Duration kShortestTraffic = absl::Microseconds(200);
constexpr absl::Duration kLongestTraffic = absl::Milliseconds(300);
constexpr int kMaxAcknowledgedBefore = 40;
constexpr int kTargetsOfEarlierRounds = 24;
constexpr int kRoundsBetweenLists = 10;
constexpr int kRoundsBetweenMasterKeys = 2;
constexpr char kMasterKeyFile[] = "master.keys";
constexpr size_t kMaxViolationsShown = 40;

// What a run must come to at least to prove anything, for each kill.
constexpr double kMinAcknowledgedPerKill = 5;
constexpr double kMinInterruptedPerKill = 0.05;
constexpr int kKillsOfLongRun = 100;

class Campaign {
 public:
  Campaign(std::string server, int kills, uint64_t seed)
      : server_path_(std::move(server)), kills_wanted_(kills), random_(seed) {
    dir_.Write("tokens.json", TestTokenFile());
    ChangeMasterKey();
  }

  // Returns whether all went as it should.
  bool Run() {
    const absl::Time start = absl::Now();
    StartServer();
    while (kills_ < kills_wanted_ && all_is_well()) {
      if (rounds_ % kRoundsBetweenMasterKeys == 0) ChangeMasterKey();
      RunTraffic();
      StartServer();
      if (!all_is_well()) break;
      Audit();
      if (++rounds_ % kRoundsBetweenLists == 0) {
        CheckRoomList(*admin_, ledger_, violations_);
        std::cout << kills_ << " kills, " << ledger_.rooms().size() << " rooms" << std::endl;
      }
    }
    if (all_is_well()) AuditAll();
    Report(absl::Now() - start);
    return all_is_well();
  }

 private:
  bool all_is_well() const { return violations_.found().empty(); }
  bool OneIn(int n) { return absl::Uniform(random_, 0, n) == 0; }

  // Short delays are as likely as long ones.
  absl::Duration AnyDelay() {
    const double shortest = std::log(absl::ToDoubleSeconds(kShortestTraffic));
    const double longest = std::log(absl::ToDoubleSeconds(kLongestTraffic));
    return absl::Seconds(std::exp(absl::Uniform(random_, shortest, longest)));
  }

  void SpawnServer() {
    server_ = std::make_unique<ChildProcess>(
        server_path_,
        std::vector<std::string>{
            "--listen_address=127.0.0.1:0", absl::StrCat("--server_name=", kTestServerName),
            "--instance_name=crash", absl::StrCat("--data_dir=", dir_.File("data")),
            absl::StrCat("--tokens_file=", dir_.File("tokens.json")),
            absl::StrCat("--master_key_file=", dir_.File(kMasterKeyFile)), "--rate_limits=off",
            "--write_threads=4", "--block_cache_bytes=32MiB", "--write_buffer_bytes=8MiB"},
        dir_.File("server.log"));
  }

  // Puts a new master key before those so far: the server may have seen any of them.
  void ChangeMasterKey() {
    master_keys_ = storage::NewMasterKeyText() + master_keys_;
    const absl::Status written = WriteFile(dir_.File(kMasterKeyFile), master_keys_);
    violations_.Expect(written.ok(), "no master key: ", written.message());
  }

  void KillServer() {
    server_->Signal(SIGKILL);
    const int status = server_->Wait();
    violations_.Expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
                       "the server ended by itself with the status ", status);
    ++kills_;
  }

  void TerminateServer() {
    server_->Signal(SIGTERM);
    const int status = server_->Wait();
    violations_.Expect(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS,
                       "the server drained and ended with the status ", status);
    ++terminations_;
  }

  // Starts the server, now and then after a start that a kill cut off.
  void StartServer() {
    while (OneIn(8)) {
      SpawnServer();
      absl::SleepFor(absl::Uniform(random_, 0.0, 1.1) * start_duration_);
      KillServer();
      ++kills_while_starting_;
    }
    const absl::Time start = absl::Now();
    SpawnServer();
    const std::optional<std::string> address = ReadReadyAddress(*server_);
    if (!violations_.Expect(address.has_value(), "the server does not start")) return;
    start_duration_ = absl::Now() - start;
    longest_start_ = std::max(longest_start_, start_duration_);
    address_ = *address;
    admin_ = std::make_unique<TestClient>(address_, TestToken("admin"));
    watcher_.Connect(address_);
  }

  // Lets the writers write until the server is gone.
  void RunTraffic() {
    Traffic traffic(address_, absl::StrCat("r", ++traffics_),
                    ledger_.PickActive(kTargetsOfEarlierRounds, random_), random_);
    const int enough = absl::Uniform(absl::IntervalClosed, random_, 1, kMaxAcknowledgedBefore);
    violations_.Expect(traffic.WaitForAcknowledged(enough, kPatience), "writers make no headway");
    absl::SleepFor(AnyDelay());
    drained_ = OneIn(10);
    if (drained_) {
      TerminateServer();
    } else {
      KillServer();
    }
    ledger_.AddOperations(traffic.Stop());
  }

  // Checks what the last traffic was about.
  void Audit() {
    const int64_t interrupted_before = ledger_.interrupted();
    ReadLog();
    violations_.Expect(!drained_ || ledger_.interrupted() == interrupted_before,
                       "draining interrupted an upgrade");
    CheckNoneUpgrading(*admin_, violations_);
    const std::set<std::string> touched = ledger_.TakeTouchedRooms();
    CheckRooms(*admin_, ledger_, {touched.begin(), touched.end()}, violations_);
    Repeat(ledger_.RepeatableCreates());
    Repeat(ledger_.RepeatableUpgrades());
    ReadLog();
    const std::set<std::string> repeated = ledger_.TakeTouchedRooms();
    CheckRooms(*admin_, ledger_, {repeated.begin(), repeated.end()}, violations_);
    ledger_.CheckNewOperations();
  }

  void AuditAll() {
    ledger_.CheckAllOperations();
    CheckRoomList(*admin_, ledger_, violations_);
    std::vector<std::string> room_ids;
    for (const auto& [room_id, room] : ledger_.rooms()) room_ids.push_back(room_id);
    CheckRooms(*admin_, ledger_, room_ids, violations_);
    CheckStream();
  }

  // The events behind `cursor`, which is moved on.
  std::vector<v1::RoomEvent> ReadEvents(std::string& cursor) {
    const TestClient client(address_, TestToken("watcher"));
    v1::ListRoomEventsRequest request;
    request.set_page_size(1000);
    std::vector<v1::RoomEvent> events;
    bool more = true;
    while (more) {
      request.set_after_cursor(cursor);
      const Reply<v1::ListRoomEventsResponse> reply = client.ListRoomEvents(request);
      if (!violations_.Expect(reply.ok(), "no log: ", reply.status.error_message())) break;
      events.insert(events.end(), reply.response.events().begin(), reply.response.events().end());
      cursor = reply.response.next_cursor();
      more = reply.response.has_more();
    }
    return events;
  }

  // Enters what the log has beyond what has been read.
  void ReadLog() { ledger_.AddEvents(ReadEvents(log_cursor_)); }

  // Repeats what got no answer. Each must now get one, and when repeated once more
  // the same.
  template <typename OperationType>
  void Repeat(const std::vector<OperationType*>& operations) {
    const TestClient client(address_, TestToken("backend"));
    for (OperationType* operation : operations) {
      Attempt(client, *operation);
      violations_.Expect(operation->outcome == Outcome::kDone ||
                             operation->reason == "ALIAS_IN_USE" ||
                             operation->reason == "ROOM_TOMBSTONED",
                         "a repeated request got: ", operation->reason);
      if (operation->outcome != Outcome::kDone) continue;
      OperationType again{.request = operation->request};
      Attempt(client, again);
      violations_.Expect(again.outcome == Outcome::kDone &&
                             MessageDifferencer::Equals(again.response, operation->response),
                         "the request ", operation->request.request_id(),
                         " was answered in two ways");
    }
  }

  // What was streamed must be what the log has.
  void CheckStream() {
    violations_.Expect(watcher_.WaitFor(ledger_.head_sequence(), kPatience),
                       "the stream does not get to event ", ledger_.head_sequence());
    const std::vector<v1::RoomEvent> streamed = watcher_.events();
    std::string oldest;
    const std::vector<v1::RoomEvent> logged = ReadEvents(oldest);
    violations_.Expect(streamed.size() == logged.size(), "the stream had ", streamed.size(),
                       " events, and the log has ", logged.size());
    for (size_t i = 0; i < std::min(streamed.size(), logged.size()); ++i) {
      violations_.Expect(MessageDifferencer::Equals(streamed[i], logged[i]),
                         "the log now has another event ", streamed[i].sequence());
    }
  }

  void Report(absl::Duration duration) {
    const LedgerTotals totals = ledger_.Totals();
    const int64_t acknowledged = totals.creates_acknowledged + totals.upgrades_acknowledged;
    std::cout << kills_ << " kills (" << kills_while_starting_ << " while starting), "
              << terminations_ << " drained, in " << absl::FormatDuration(duration)
              << "; longest start " << absl::FormatDuration(longest_start_) << "\n"
              << totals.creates_acknowledged << " creates and " << totals.upgrades_acknowledged
              << " upgrades acknowledged, " << totals.unanswered << " writes unanswered ("
              << totals.repeated << " repeated)\n";
    for (const auto& [reason, count] : totals.refused) {
      std::cout << count << " refused: " << reason << "\n";
    }
    std::cout << ledger_.interrupted() << " upgrades interrupted and recovered\n"
              << ledger_.rooms().size() << " rooms, " << ledger_.head_sequence() << " events, "
              << watcher_.streams() << " streams" << std::endl;
    if (all_is_well()) CheckIsWorthwhile(acknowledged);
    ShowViolations();
  }

  void CheckIsWorthwhile(int64_t acknowledged) {
    violations_.Expect(static_cast<double>(acknowledged) >= kMinAcknowledgedPerKill * kills_,
                       "too little traffic to prove anything");
    violations_.Expect(kills_ < kKillsOfLongRun || static_cast<double>(ledger_.interrupted()) >=
                                                       kMinInterruptedPerKill * kills_,
                       "too few upgrades were interrupted to prove anything");
  }

  void ShowViolations() {
    const std::vector<std::string> found = violations_.found();
    if (found.empty()) return;
    dir_.Keep();
    std::cout << found.size() << " violations; store and log are kept in " << dir_.path() << "\n";
    for (size_t i = 0; i < std::min(found.size(), kMaxViolationsShown); ++i) {
      std::cout << "  " << found[i] << "\n";
    }
    std::cout << std::flush;
  }

  const std::string server_path_;
  const int kills_wanted_;
  std::mt19937_64 random_;
  TempDir dir_;
  Violations violations_;
  Ledger ledger_{violations_};
  Watcher watcher_{violations_};
  std::string master_keys_;
  std::unique_ptr<ChildProcess> server_;
  std::string address_;
  std::unique_ptr<TestClient> admin_;
  std::string log_cursor_;
  absl::Duration start_duration_ = absl::Milliseconds(50);
  absl::Duration longest_start_;
  bool drained_ = false;  // the last traffic's server
  int traffics_ = 0;
  int rounds_ = 0;
  int kills_ = 0;
  int kills_while_starting_ = 0;
  int terminations_ = 0;
};

uint64_t ChooseSeed() {
  const uint64_t seed = absl::GetFlag(FLAGS_seed);
  return seed != 0 ? seed : std::random_device()();
}

}  // namespace
}  // namespace innkeeper::crash

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  google::InitGoogleLogging(argv[0]);
  const std::string server = absl::GetFlag(FLAGS_server);
  if (server.empty()) {
    std::cerr << argv[0] << ": --server is missing\n";
    return 2;
  }
  const uint64_t seed = innkeeper::crash::ChooseSeed();
  std::cout << "seed " << seed << std::endl;
  innkeeper::crash::Campaign campaign(server, absl::GetFlag(FLAGS_kills), seed);
  return campaign.Run() ? EXIT_SUCCESS : EXIT_FAILURE;
}
