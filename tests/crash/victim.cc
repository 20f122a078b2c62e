#include "tests/crash/victim.h"

#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <utility>
#include <vector>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/base/file.h"
#include "storage/sealing/master_key.h"
#include "tests/support/test_server.h"

namespace innkeeper::crash {
namespace {

constexpr absl::Duration kShortestDelay = absl::Microseconds(200);
constexpr absl::Duration kLongestDelay = absl::Milliseconds(300);
constexpr char kMasterKeyFile[] = "master.keys";

}  // namespace

Victim::Victim(std::string program, std::mt19937_64& random, Violations& violations)
    : program_(std::move(program)), random_(random), violations_(violations) {
  dir_.Write("tokens.json", TestTokenFile());
  ChangeMasterKey();
}

void Victim::Start() {
  while (OneIn(8)) {
    Spawn();
    absl::SleepFor(absl::Uniform(random_, 0.0, 1.1) * start_duration_);
    Kill();
    ++deaths_.while_starting;
  }
  const absl::Time start = absl::Now();
  Spawn();
  const std::optional<std::string> address = ReadReadyAddress(*process_);
  if (!violations_.Expect(address.has_value(), "the server does not start")) return;
  start_duration_ = absl::Now() - start;
  longest_start_ = std::max(longest_start_, start_duration_);
  address_ = *address;
}

bool Victim::End() {
  absl::SleepFor(AnyDelay());
  if (OneIn(10)) {
    Terminate();
    return true;
  }
  Kill();
  return false;
}

void Victim::ChangeMasterKey() {
  master_keys_ = storage::NewMasterKeyText() + master_keys_;
  const absl::Status written = WriteFile(dir_.File(kMasterKeyFile), master_keys_);
  violations_.Expect(written.ok(), "no master key: ", written.message());
}

std::string Victim::Keep() {
  dir_.Keep();
  return dir_.path();
}

void Victim::Spawn() {
  process_ = std::make_unique<ChildProcess>(
      program_,
      std::vector<std::string>{
          "--listen_address=127.0.0.1:0", absl::StrCat("--server_name=", kTestServerName),
          "--instance_name=crash", absl::StrCat("--data_dir=", dir_.File("data")),
          absl::StrCat("--tokens_file=", dir_.File("tokens.json")),
          absl::StrCat("--master_key_file=", dir_.File(kMasterKeyFile)), "--rate_limits=off",
          "--max_queue_time=0", "--escalation_error_rate=100", "--write_threads=4",
          "--block_cache_bytes=32MiB", "--write_buffer_bytes=8MiB"},
      dir_.File("server.log"));
}

void Victim::Kill() {
  process_->Signal(SIGKILL);
  const int status = process_->Wait();
  violations_.Expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
                     "the server ended by itself with the status ", status);
  ++deaths_.kills;
}

void Victim::Terminate() {
  process_->Signal(SIGTERM);
  const int status = process_->Wait();
  violations_.Expect(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS,
                     "the server drained and ended with the status ", status);
  ++deaths_.terminations;
}

bool Victim::OneIn(int n) { return absl::Uniform(random_, 0, n) == 0; }

// Short delays are as likely as long ones.
absl::Duration Victim::AnyDelay() {
  const double shortest = std::log(absl::ToDoubleSeconds(kShortestDelay));
  const double longest = std::log(absl::ToDoubleSeconds(kLongestDelay));
  return absl::Seconds(std::exp(absl::Uniform(random_, shortest, longest)));
}

}  // namespace innkeeper::crash
