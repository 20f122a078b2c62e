// File: tests/crash/campaign.h
//
// What programs that kill a server again and again have in common.
//
//   PROGRAM --server=PATH [--kills=N] [--seed=S]
//
// The seed determines the requests and the moments, but not how the processes
// interleave: a run can be repeated, not reproduced. The store and the server's log
// of a run that fails are kept.

#ifndef INNKEEPER_TESTS_CRASH_CAMPAIGN_H_
#define INNKEEPER_TESTS_CRASH_CAMPAIGN_H_

#include <cstdint>
#include <memory>
#include <random>
#include <string>

#include "absl/time/time.h"
#include "tests/crash/event_log.h"
#include "tests/crash/victim.h"
#include "tests/crash/violations.h"
#include "tests/crash/watcher.h"
#include "tests/support/test_client.h"

namespace innkeeper::crash {

// Far more than anything takes that does not hang.
inline constexpr absl::Duration kPatience = absl::Minutes(1);

struct CampaignOptions {
  std::string server;  // the innkeeper-server to kill
  int kills = 0;
  uint64_t seed = 0;
};

// Those of the flags. Ends the program if they are wrong.
CampaignOptions ParseCampaignFlags(int argc, char** argv);

// Rounds of traffic, death, start and audit, with a watcher of the event stream. Meanwhile
// the master key is changed again and again, so that the store is being sealed anew.
class Campaign {
 public:
  explicit Campaign(const CampaignOptions& options);
  virtual ~Campaign() = default;

  // Returns whether all went as it should, and prints what happened.
  bool Run();

 protected:
  // Writes to the server until victim().End() was called.
  virtual void RunTraffic() = 0;
  // Checks what the last traffic was about, with the server that was started after it.
  virtual void Audit() = 0;
  // Checks everything.
  virtual void AuditAll() = 0;
  // Prints what the traffic came to, and finds fault with a run that proves nothing.
  virtual void Report() = 0;

  bool all_is_well() const { return violations_.found().empty(); }
  // How many there were before this one.
  int rounds() const { return rounds_; }
  std::mt19937_64& random() { return random_; }
  Violations& violations() { return violations_; }
  Victim& victim() { return victim_; }
  Watcher& watcher() { return watcher_; }
  EventLog& log() { return log_; }
  // With the role admin, of the server as it is now.
  const TestClient& admin() const { return *admin_; }

 private:
  void StartServer();
  void ReportDeaths(absl::Duration duration) const;
  void ShowViolations();

  const int kills_;
  std::mt19937_64 random_;
  Violations violations_;
  Victim victim_;
  Watcher watcher_{violations_};
  EventLog log_{violations_};
  std::unique_ptr<TestClient> admin_;
  int rounds_ = 0;
};

}  // namespace innkeeper::crash

#endif  // INNKEEPER_TESTS_CRASH_CAMPAIGN_H_
