#include "server/master_key_watch.h"

#include <memory>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "server/base/clock.h"
#include "server/config/config.h"
#include "server/metrics/metrics.h"
#include "storage/engine.h"
#include "storage/rocksdb/rocksdb_engine.h"
#include "storage/sealing/keyring.h"
#include "storage/sealing/master_key.h"
#include "storage/sealing/sealed_engine.h"
#include "tests/storage/rocksdb/failing_disk.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temp_dir.h"

namespace innkeeper {
namespace {

using storage::SealedEngine;

constexpr absl::Duration kPatience = absl::Seconds(30);

// A store on a disk that may fail, and secrets on another one.
class MasterKeyWatchTest : public testing::Test {
 protected:
  MasterKeyWatchTest() {
    config_.data_dir = dir_.path();
    dir_.Write("master.key", first_);
    storage::RocksDbOptions options{
        .path = dir_.File("store"), .retry_period = absl::Milliseconds(1), .env = disk_.env()};
    store_ = Open(std::move(options));
    secrets_ = Open({.path = dir_.File("secrets")});
    storage::CommitRequest request;
    request.writes.push_back({"Mname", "value"});
    EXPECT_TRUE(storage::CommitAndWait(*store_, std::move(request)).status.ok());
    watch_ = std::make_unique<MasterKeyWatch>(config_, *store_, *secrets_, clock_, metrics_);
    Run();
    clock_source_.Advance(absl::Minutes(1));
  }

  std::unique_ptr<SealedEngine> Open(storage::RocksDbOptions options) {
    options.block_cache_bytes = 8 << 20;
    options.write_buffer_bytes = 4 << 20;
    auto engine = storage::OpenRocksDb(std::move(options));
    return *SealedEngine::Open(*std::move(engine), nullptr, *storage::ParseMasterKeys(first_),
                               clock_());
  }

  // What the server does four times a second.
  void Run() {
    watch_->ReloadIfChanged();
    watch_->Continue();
  }

  void Finish() {
    for (int i = 0; i < 10 && metrics_.resealing.value() != 0; ++i) Run();
    EXPECT_EQ(metrics_.resealing.value(), 0);
  }

  static storage::KeyringRecord KeyringOf(SealedEngine& engine) {
    return **storage::ReadKeyring(engine.unsealed());
  }

  static std::string MasterKeyOf(SealedEngine& engine) {
    return KeyringOf(engine).name_key().master_key_id();
  }

  static std::string IdOf(const std::string& text) {
    return storage::ParseMasterKeys(text)->front().id();
  }

  bool AwaitWrites() {
    const absl::Time deadline = absl::Now() + kPatience;
    while (store_->write_state().trouble != storage::WriteTrouble::kNone) {
      if (absl::Now() > deadline) return false;
      std::this_thread::yield();
    }
    return true;
  }

  const TempDir dir_;
  const std::string first_ = storage::NewMasterKeyText();
  const std::string second_ = storage::NewMasterKeyText();
  ManualClock clock_source_;
  const Clock clock_ = clock_source_.clock();
  storage::FailingDisk disk_;
  ServerConfig config_;
  metrics::SealingMetrics metrics_;
  std::unique_ptr<SealedEngine> store_;
  std::unique_ptr<SealedEngine> secrets_;
  std::unique_ptr<MasterKeyWatch> watch_;
};

TEST_F(MasterKeyWatchTest, RotatesBothStoresOnceTheFileHasANewFirstKey) {
  Run();
  EXPECT_EQ(MasterKeyOf(*store_), IdOf(first_));
  dir_.Write("master.key", second_ + first_);
  Run();
  EXPECT_EQ(MasterKeyOf(*store_), IdOf(second_));
  EXPECT_EQ(MasterKeyOf(*secrets_), IdOf(second_));
  Finish();
  EXPECT_EQ(metrics_.resealed_values.value(), 1u);
  EXPECT_EQ(metrics_.data_keys.value(), 1);
}

TEST_F(MasterKeyWatchTest, ABadFileChangesNothingUntilItIsMended) {
  dir_.Write("master.key", "no key\n");
  Run();
  dir_.Write("master.key", second_);
  Run();
  EXPECT_EQ(MasterKeyOf(*store_), IdOf(first_));
  dir_.Write("master.key", second_ + first_);
  Run();
  EXPECT_EQ(MasterKeyOf(*store_), IdOf(second_));
}

// What succeeded is not done again: each rotation adds a data key.
TEST_F(MasterKeyWatchTest, TriesOnlyWhatFailedAgain) {
  disk_.Arrange({{.error = storage::FullDisk()}});
  dir_.Write("master.key", second_ + first_);
  for (int i = 0; i < 3; ++i) watch_->ReloadIfChanged();
  EXPECT_EQ(MasterKeyOf(*store_), IdOf(first_));
  EXPECT_EQ(MasterKeyOf(*secrets_), IdOf(second_));
  EXPECT_EQ(KeyringOf(*secrets_).last_id(), 2u);
  disk_.Heal();
  ASSERT_TRUE(AwaitWrites()) << store_->write_state().message;
  Run();
  EXPECT_EQ(MasterKeyOf(*store_), IdOf(second_));
  EXPECT_EQ(KeyringOf(*secrets_).last_id(), 2u);
}

// Whether a rotation that failed changed the store is unknown, so that it is not let be though
// the file has the old key again.
TEST_F(MasterKeyWatchTest, ARotationThatFailedIsBroughtToItsEnd) {
  disk_.Arrange({{.first = 2, .count = 1, .error = storage::BadDisk()}});  // a sync
  dir_.Write("master.key", second_ + first_);
  Run();
  ASSERT_TRUE(AwaitWrites()) << store_->write_state().message;
  dir_.Write("master.key", first_ + second_);
  Run();
  EXPECT_EQ(MasterKeyOf(*store_), IdOf(first_));
  EXPECT_EQ(MasterKeyOf(*secrets_), IdOf(first_));
  Finish();
  EXPECT_TRUE((*store_->Get("Mname")).has_value());
}

}  // namespace
}  // namespace innkeeper
