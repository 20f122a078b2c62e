// Stores that are copied, put back and written on: a place in the log is known for what
// it is in each of them.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/log_epochs.h"
#include "storage/rocksdb/database.h"
#include "storage/rocksdb/format.h"
#include "storage/rocksdb/rocksdb_engine.h"
#include "storage/rocksdb/rocksdb_status.h"
#include "tests/storage/rocksdb/store_files.h"
#include "tests/support/temp_dir.h"

namespace innkeeper::storage {
namespace {

// A place in a log, as somebody outside may hold it.
struct Place {
  uint64_t epoch = 0;
  LogPosition position = 0;
};

Place HeadOf(const Engine& engine) {
  const LogPosition head = engine.log_bounds().head;
  return {engine.log_epochs()->IdAt(head), head};
}

// Whether the log has this very place.
bool Has(const Engine& engine, const Place& place) {
  const std::optional<LogPosition> end = engine.log_epochs()->EndOf(place.epoch);
  return end && place.position <= *end && place.position <= engine.log_bounds().head;
}

void Append(Engine& engine, int entries) {
  for (int i = 0; i < entries; ++i) {
    ASSERT_TRUE(CommitAndWait(engine, {.log_entries = {"entry"}}).status.ok());
  }
}

class EpochsTest : public testing::Test {
 protected:
  std::unique_ptr<Engine> Open() { return MustOpen(SmallOptions(path_, /*create=*/true)); }

  const TempDir directory_{TempDir::Place::kMemory};
  const std::string path_ = directory_.path() + "/store";
  const std::string backup_ = directory_.path() + "/backup";
};

TEST_F(EpochsTest, ANewStoreKnowsThePlaceBeforeTheFirstEntry) {
  const Place start = HeadOf(*Open());
  EXPECT_EQ(start.position, 0u);
  const std::unique_ptr<Engine> engine = Open();
  EXPECT_TRUE(Has(*engine, start));
  Append(*engine, 1);
  EXPECT_TRUE(Has(*engine, start));
}

TEST_F(EpochsTest, PlacesBeforeABackupOutliveItAndThoseBehindItDoNot) {
  std::vector<Place> kept;
  std::vector<Place> lost;
  {
    const std::unique_ptr<Engine> engine = Open();
    for (int i = 0; i < 3; ++i) {
      Append(*engine, 2);
      kept.push_back(HeadOf(*engine));
    }
  }
  CopyStore(path_, backup_);
  for (int round = 0; round < 2; ++round) {
    const std::unique_ptr<Engine> engine = Open();
    for (const Place& place : kept) EXPECT_TRUE(Has(*engine, place)) << place.position;
    Append(*engine, 5);
    lost.push_back(HeadOf(*engine));
  }
  CopyStore(backup_, path_);
  const std::unique_ptr<Engine> engine = Open();
  for (int i = 0; i < 20; ++i) {
    for (const Place& place : kept) EXPECT_TRUE(Has(*engine, place)) << place.position;
    for (const Place& place : lost) EXPECT_FALSE(Has(*engine, place)) << place.position;
    Append(*engine, 1);
  }
}

TEST_F(EpochsTest, ACopyOfARunningStoreHasItsEpochUpToTheCopy) {
  const std::unique_ptr<Engine> original = Open();
  Append(*original, 3);
  const Place before = HeadOf(*original);
  CopyStore(path_, backup_);
  Append(*original, 1);
  const Place behind = HeadOf(*original);
  EXPECT_EQ(behind.epoch, before.epoch);

  const std::unique_ptr<Engine> copy = MustOpen(SmallOptions(backup_));
  Append(*copy, 10);
  EXPECT_TRUE(Has(*copy, before));
  EXPECT_FALSE(Has(*copy, behind));
  EXPECT_EQ(copy->log_epochs()->EndOf(behind.epoch), before.position) << "where they parted";
  EXPECT_FALSE(Has(*original, HeadOf(*copy)));
}

TEST_F(EpochsTest, CopiesOfOneMomentAreToldApart) {
  Append(*Open(), 1);
  CopyStore(path_, backup_);
  const std::unique_ptr<Engine> original = Open();
  const std::unique_ptr<Engine> copy = MustOpen(SmallOptions(backup_));
  Append(*original, 1);
  Append(*copy, 1);
  EXPECT_FALSE(Has(*copy, HeadOf(*original)));
  EXPECT_FALSE(Has(*original, HeadOf(*copy)));
}

TEST_F(EpochsTest, OpeningsWithoutAnEntryLeaveNothingBehind) {
  Append(*Open(), 1);
  const size_t epochs = Open()->log_epochs()->all().size();
  for (int i = 0; i < 5; ++i) {
    const std::unique_ptr<Engine> engine = Open();
    ASSERT_TRUE(CommitAndWait(*engine, {.writes = {{"key", "value"}}}).status.ok());
    EXPECT_EQ(engine->log_epochs()->all().size(), epochs);
  }
}

TEST_F(EpochsTest, TheFirstEntryAndItsEpochAreKeptTogetherInACrash) {
  const std::unique_ptr<Engine> engine = Open();
  CopyStore(path_, backup_);
  EXPECT_EQ(MustOpen(SmallOptions(backup_))->log_bounds().head, 0u);
  ASSERT_TRUE(CommitAndWait(*engine, {.writes = {{"key", "value"}}}).status.ok());
  Append(*engine, 1);
  CopyStore(path_, backup_);
  EXPECT_TRUE(Has(*MustOpen(SmallOptions(backup_)), HeadOf(*engine)));
}

TEST_F(EpochsTest, TheOldestEpochsAreForgottenWhenThereAreTooMany) {
  std::vector<LogEpoch> epochs;
  for (size_t i = 0; i < embedded::kMaxEpochs; ++i) epochs.push_back({1'000'000 + i, i});
  {
    const std::unique_ptr<Engine> engine = Open();
    const std::vector<std::string> entries(embedded::kMaxEpochs, "entry");
    ASSERT_TRUE(CommitAndWait(*engine, {.log_entries = entries}).status.ok());
    ASSERT_TRUE(engine->Close().ok());
    auto database = embedded::Database::Open(
        {.path = path_ + "/db", .block_cache_bytes = 8 << 20, .write_buffer_bytes = 4 << 20});
    ASSERT_TRUE(database.ok());
    ASSERT_TRUE((*database)
                    ->db()
                    .Put({}, (*database)->meta(), embedded::ToSlice(embedded::kEpochsKey),
                         embedded::ToSlice(embedded::EncodeEpochs(epochs)))
                    .ok());
    ASSERT_TRUE((*database)->Flush().ok());
  }
  Append(*Open(), 1);
  const std::unique_ptr<Engine> engine = Open();
  EXPECT_EQ(engine->log_epochs()->all().size(), embedded::kMaxEpochs);
  EXPECT_FALSE(Has(*engine, {1'000'001, 1})) << "two epochs began since";
  EXPECT_TRUE(Has(*engine, {1'000'002, 2}));
  EXPECT_TRUE(Has(*engine, {engine->log_epochs()->IdAt(0), 0}));
  EXPECT_TRUE(Has(*engine, HeadOf(*engine)));
}

}  // namespace
}  // namespace innkeeper::storage
