#include "tests/crash/campaign.h"

#include <glog/logging.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/time/clock.h"
#include "tests/support/test_server.h"

ABSL_FLAG(std::string, server, "", "the innkeeper-server to kill");
ABSL_FLAG(int, kills, 12, "how often");
ABSL_FLAG(uint64_t, seed, 0, "of the random numbers; 0 for one that is different every time");

namespace innkeeper::crash {
namespace {

constexpr int kRoundsBetweenMasterKeys = 2;
constexpr int kRoundsBetweenNews = 10;
constexpr size_t kMaxViolationsShown = 40;

}  // namespace

CampaignOptions ParseCampaignFlags(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  google::InitGoogleLogging(argv[0]);
  CampaignOptions options{.server = absl::GetFlag(FLAGS_server),
                          .kills = absl::GetFlag(FLAGS_kills),
                          .seed = absl::GetFlag(FLAGS_seed)};
  if (options.server.empty()) {
    std::cerr << argv[0] << ": --server is missing\n";
    std::exit(2);
  }
  if (options.seed == 0) options.seed = std::random_device()();
  return options;
}

Campaign::Campaign(const CampaignOptions& options)
    : kills_(options.kills), random_(options.seed), victim_(options.server, random_, violations_) {
  std::cout << "seed " << options.seed << std::endl;
}

bool Campaign::Run() {
  const absl::Time start = absl::Now();
  StartServer();
  while (victim_.deaths().kills < kills_ && all_is_well()) {
    if (rounds_ % kRoundsBetweenMasterKeys == 0) victim_.ChangeMasterKey();
    RunTraffic();
    StartServer();
    if (!all_is_well()) break;
    Audit();
    if (++rounds_ % kRoundsBetweenNews == 0) {
      std::cout << victim_.deaths().kills << " kills" << std::endl;
    }
  }
  if (all_is_well()) AuditAll();
  ReportDeaths(absl::Now() - start);
  Report();
  ShowViolations();
  return all_is_well();
}

void Campaign::StartServer() {
  victim_.Start();
  if (!all_is_well()) return;
  admin_ = std::make_unique<TestClient>(victim_.address(), TestToken("admin"));
  watcher_.Connect(victim_.address());
}

void Campaign::ReportDeaths(absl::Duration duration) const {
  const Victim::Deaths& deaths = victim_.deaths();
  std::cout << deaths.kills << " kills (" << deaths.while_starting << " while starting), "
            << deaths.terminations << " drained, in " << absl::FormatDuration(duration)
            << "; longest start " << absl::FormatDuration(victim_.longest_start()) << "\n";
}

void Campaign::ShowViolations() {
  const std::vector<std::string> found = violations_.found();
  if (found.empty()) return;
  std::cout << found.size() << " violations; store and log are kept in " << victim_.Keep() << "\n";
  for (size_t i = 0; i < std::min(found.size(), kMaxViolationsShown); ++i) {
    std::cout << "  " << found[i] << "\n";
  }
  std::cout << std::flush;
}

}  // namespace innkeeper::crash
