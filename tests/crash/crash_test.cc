// Kills a server at random moments while writers create and upgrade rooms, starts
// it again on the same store, and checks that nothing that was acknowledged is
// lost, that nothing is there by half, and that the event stream is the log.

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <set>
#include <string>
#include <vector>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/util/message_differencer.h"
#include "tests/crash/campaign.h"
#include "tests/crash/event_log.h"
#include "tests/crash/ledger.h"
#include "tests/crash/operation.h"
#include "tests/crash/room_check.h"
#include "tests/crash/traffic.h"
#include "tests/support/test_client.h"
#include "tests/support/test_server.h"

namespace innkeeper::crash {
namespace {

using google::protobuf::util::MessageDifferencer;

constexpr int kMaxAcknowledgedBefore = 40;
constexpr int kTargetsOfEarlierRounds = 24;
constexpr int kRoundsBetweenLists = 10;

// What a run must come to at least to prove anything, for each kill.
constexpr double kMinAcknowledgedPerKill = 5;
constexpr double kMinInterruptedPerKill = 0.05;
constexpr int kKillsOfLongRun = 100;

class LifecycleCampaign final : public Campaign {
 public:
  using Campaign::Campaign;

 private:
  // Lets the writers write until the server is gone.
  void RunTraffic() override {
    Traffic traffic(victim().address(), absl::StrCat("r", rounds()),
                    ledger_.PickActive(kTargetsOfEarlierRounds, random()), random());
    const int enough = absl::Uniform(absl::IntervalClosed, random(), 1, kMaxAcknowledgedBefore);
    violations().Expect(traffic.WaitForAcknowledged(enough, kPatience), "writers make no headway");
    drained_ = victim().End();
    ledger_.AddOperations(traffic.Stop());
  }

  // Checks what the last traffic was about.
  void Audit() override {
    const int64_t interrupted_before = ledger_.interrupted();
    ReadLog();
    violations().Expect(!drained_ || ledger_.interrupted() == interrupted_before,
                        "draining interrupted an upgrade");
    CheckNoneUpgrading(admin(), violations());
    const std::set<std::string> touched = ledger_.TakeTouchedRooms();
    CheckRooms(admin(), ledger_, {touched.begin(), touched.end()}, violations());
    Repeat(ledger_.RepeatableCreates());
    Repeat(ledger_.RepeatableUpgrades());
    ReadLog();
    const std::set<std::string> repeated = ledger_.TakeTouchedRooms();
    CheckRooms(admin(), ledger_, {repeated.begin(), repeated.end()}, violations());
    ledger_.CheckNewOperations();
    if ((rounds() + 1) % kRoundsBetweenLists == 0) CheckRoomList(admin(), ledger_, violations());
  }

  void AuditAll() override {
    ledger_.CheckAllOperations();
    CheckRoomList(admin(), ledger_, violations());
    std::vector<std::string> room_ids;
    for (const auto& [room_id, room] : ledger_.rooms()) room_ids.push_back(room_id);
    CheckRooms(admin(), ledger_, room_ids, violations());
    CheckStream(log(), victim().address(), watcher(), violations());
  }

  // Enters what the log has beyond what has been read.
  void ReadLog() { ledger_.AddEvents(log().ReadOn(victim().address())); }

  // Repeats what got no answer. Each must now get one, and when repeated once more
  // the same.
  template <typename OperationType>
  void Repeat(const std::vector<OperationType*>& operations) {
    const TestClient client(victim().address(), TestToken("backend"));
    for (OperationType* operation : operations) {
      Attempt(client, *operation);
      violations().Expect(operation->outcome == Outcome::kDone ||
                              operation->reason == "ALIAS_IN_USE" ||
                              operation->reason == "ROOM_TOMBSTONED",
                          "a repeated request got: ", operation->reason);
      if (operation->outcome != Outcome::kDone) continue;
      OperationType again{.request = operation->request};
      Attempt(client, again);
      violations().Expect(again.outcome == Outcome::kDone &&
                              MessageDifferencer::Equals(again.response, operation->response),
                          "the request ", operation->request.request_id(),
                          " was answered in two ways");
    }
  }

  void Report() override {
    const LedgerTotals totals = ledger_.Totals();
    std::cout << totals.creates_acknowledged << " creates and " << totals.upgrades_acknowledged
              << " upgrades acknowledged, " << totals.unanswered << " writes unanswered ("
              << totals.repeated << " repeated)\n";
    for (const auto& [reason, count] : totals.refused) {
      std::cout << count << " refused: " << reason << "\n";
    }
    std::cout << ledger_.interrupted() << " upgrades interrupted and recovered\n"
              << ledger_.rooms().size() << " rooms, " << ledger_.head_sequence() << " events, "
              << watcher().streams() << " streams" << std::endl;
    if (!all_is_well()) return;
    CheckIsWorthwhile(totals.creates_acknowledged + totals.upgrades_acknowledged);
  }

  void CheckIsWorthwhile(int64_t acknowledged) {
    const int kills = victim().deaths().kills;
    violations().Expect(static_cast<double>(acknowledged) >= kMinAcknowledgedPerKill * kills,
                        "too little traffic to prove anything");
    violations().Expect(kills < kKillsOfLongRun || static_cast<double>(ledger_.interrupted()) >=
                                                       kMinInterruptedPerKill * kills,
                        "too few upgrades were interrupted to prove anything");
  }

  Ledger ledger_{violations()};
  bool drained_ = false;  // the last traffic's server
};

}  // namespace
}  // namespace innkeeper::crash

int main(int argc, char** argv) {
  innkeeper::crash::LifecycleCampaign campaign(innkeeper::crash::ParseCampaignFlags(argc, argv));
  return campaign.Run() ? EXIT_SUCCESS : EXIT_FAILURE;
}
