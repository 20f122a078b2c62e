#include "server/lifecycle/maintenance.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "storage/engine.h"
#include "storage/rocksdb/rocksdb_engine.h"
#include "tests/support/temp_dir.h"

namespace innkeeper::lifecycle {
namespace {

// A log whose entries are a second apart.
class TrimLogTest : public testing::Test {
 protected:
  TrimLogTest() {
    storage::RocksDbOptions options;
    options.path = dir_.File("data");
    options.clock = [this] { return now_; };
    engine_ = *storage::OpenRocksDb(std::move(options));
    for (int i = 1; i <= 10; ++i) {
      now_ = At(i);
      storage::CommitRequest request;
      request.log_entries.push_back("entry");
      EXPECT_TRUE(CommitAndWait(*engine_, std::move(request)).status.ok());
    }
  }

  static absl::Time At(int seconds) { return absl::FromUnixSeconds(1'700'000'000 + seconds); }

  storage::LogPosition OldestAfterTrim(absl::Time horizon) {
    EXPECT_TRUE(TrimLogBefore(*engine_, horizon).ok());
    return engine_->log_bounds().oldest;
  }

  TempDir dir_;
  absl::Time now_;
  std::unique_ptr<storage::Engine> engine_;
};

TEST_F(TrimLogTest, RemovesExactlyWhatIsOlderThanTheHorizon) {
  EXPECT_EQ(OldestAfterTrim(At(1)), 1u);
  EXPECT_EQ(OldestAfterTrim(At(4)), 4u);
  EXPECT_EQ(OldestAfterTrim(At(3)), 4u);
  EXPECT_EQ(OldestAfterTrim(At(4) + absl::Milliseconds(1)), 5u);
}

TEST_F(TrimLogTest, LeavesTheNewestEntry) {
  EXPECT_EQ(OldestAfterTrim(absl::InfiniteFuture()), 10u);
  EXPECT_EQ(engine_->log_bounds().head, 10u);
}

TEST_F(TrimLogTest, LeavesAnEmptyLogAlone) {
  storage::RocksDbOptions options;
  options.path = dir_.File("empty");
  auto empty = storage::OpenRocksDb(std::move(options));
  EXPECT_TRUE(TrimLogBefore(**empty, absl::InfiniteFuture()).ok());
  EXPECT_EQ((*empty)->log_bounds().oldest, 1u);
}

}  // namespace
}  // namespace innkeeper::lifecycle
