#include "server/master_keys.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "server/config/config.h"
#include "storage/sealing/master_key.h"
#include "tests/support/temp_dir.h"

namespace innkeeper {
namespace {

// Blocks the signals that main() does, for as long as it lives.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, &before_);
  }
  ~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

class MasterKeysTest : public testing::Test {
 protected:
  absl::Status Run(const std::string& command) {
    config_.master_key_command = command;
    return LoadMasterKeys(config_, /*may_make=*/false).status();
  }

  const TempDir dir_;
  const std::string path_ = dir_.Write("key", storage::NewMasterKeyText());
  ServerConfig config_;
};

TEST_F(MasterKeysTest, ACommandGivesThemIfItSucceeds) {
  EXPECT_TRUE(Run("cat " + path_).ok());
  EXPECT_FALSE(Run("cat " + path_ + "; exit 3").ok());
  EXPECT_FALSE(Run("no-such-command").ok());
  EXPECT_FALSE(Run("cat /dev/zero").ok()) << "too much";
}

TEST_F(MasterKeysTest, ACommandCanBeEndedThoughTheServerWaitsForSignals) {
  const BlockedSignals blocked;
  EXPECT_TRUE(Run("cat " + path_).ok());
  for (const char* signal : {"TERM", "INT"}) {
    // Of one command alone dash makes the process what it is, and leaves its mask.
    const std::string command = absl::StrCat("kill -", signal, " $$; cat ", path_);
    EXPECT_FALSE(Run(absl::StrCat("exec bash -c '", command, "'")).ok()) << signal;
  }
}

}  // namespace
}  // namespace innkeeper
