// A store on a disk that fails at every call in turn: nothing that was acknowledged is lost,
// nothing that was seen goes away, and writes come back by themselves.

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "storage/rocksdb/rocksdb_engine.h"
#include "tests/storage/rocksdb/disk_failures.h"
#include "tests/storage/rocksdb/failing_disk.h"
#include "tests/storage/rocksdb/store_files.h"
#include "tests/support/temp_dir.h"

namespace innkeeper::storage {
namespace {

using absl::StatusCode;

constexpr absl::Duration kPatience = absl::Seconds(30);
constexpr int kCommits = 12;

// Whether the store comes to take writes, or stop to.
bool AwaitTrouble(const Engine& engine, WriteTrouble trouble) {
  const absl::Time deadline = absl::Now() + kPatience;
  while (engine.write_state().trouble != trouble && absl::Now() < deadline) {
    std::this_thread::yield();
  }
  return engine.write_state().trouble == trouble;
}

class FailingDiskTest : public testing::TestWithParam<DiskFailure> {
 protected:
  RocksDbOptions Options() {
    RocksDbOptions options = SmallOptions(path_, /*create=*/true);
    options.env = disk_.env();
    options.retry_period = absl::Milliseconds(1);
    return options;
  }

  // Opens the store if the disk lets it.
  std::unique_ptr<Engine> Open() {
    auto engine = OpenRocksDb(Options());
    if (engine.ok()) return *std::move(engine);
    EXPECT_EQ(engine.status().code(), StatusCode::kUnavailable) << engine.status();
    return nullptr;
  }

  // Makes numbered commits up to `last`, behind those that are there, until one fails.
  // Returns how many are acknowledged.
  int CommitUpTo(Engine& engine, int last) {
    int done = static_cast<int>(engine.log_bounds().head);
    while (done < last) {
      const CommitResult result = CommitNumbered(engine, done + 1);
      if (!result.status.ok()) {
        EXPECT_EQ(result.status.code(), StatusCode::kUnavailable) << result.status;
        EXPECT_NE(result.trouble, WriteTrouble::kNone) << result.status;
        break;
      }
      ++done;
    }
    return done;
  }

  // Expects that after a power cut now the store has `least` numbered commits, or perhaps
  // one more.
  void ExpectAfterPowerCut(int least, int most) {
    std::vector<Unsynced> kinds = {Unsynced::kDropped, Unsynced::kHalved, Unsynced::kSpoiled};
    if (!IsFullForm()) kinds = {kinds[power_cuts_++ % kinds.size()]};
    for (const Unsynced unsynced : kinds) {
      SCOPED_TRACE(absl::StrCat("unsynced bytes of kind ", static_cast<int>(unsynced)));
      const std::string image = directory_.path() + "/image";
      disk_.CopyAfterPowerCut(path_, image, unsynced);
      if (!std::filesystem::exists(image + "/db")) {
        EXPECT_EQ(least, 0);
        continue;
      }
      FailingDisk good_disk;
      RocksDbOptions options = SmallOptions(image);
      options.env = good_disk.env();
      auto engine = OpenRocksDb(std::move(options));
      ASSERT_TRUE(engine.ok()) << engine.status();
      const int head = static_cast<int>((*engine)->log_bounds().head);
      EXPECT_GE(head, least);
      EXPECT_LE(head, most);
      ExpectNumbered(**engine, head);
      EXPECT_TRUE(CommitNumbered(**engine, head + 1).status.ok());
    }
  }

  TempDir directory_{TempDir::Place::kMemory};
  const std::string path_ = directory_.path() + "/store";
  FailingDisk disk_;
  size_t power_cuts_ = 0;
};

// The store is opened, written and closed, twice, so that it is written to table files.
TEST_P(FailingDiskTest, NothingAcknowledgedIsLost) {
  for (int first = 1;; first = NextCall(first, 31)) {
    SCOPED_TRACE(absl::StrCat("call ", first));
    std::filesystem::remove_all(path_);
    disk_.Arrange({GetParam().At(first)});
    int acknowledged = 0;
    for (int part = 1; part <= 2; ++part) {
      const std::unique_ptr<Engine> engine = Open();
      if (engine == nullptr) break;
      acknowledged = std::max(acknowledged, CommitUpTo(*engine, part * kCommits / 2));
      if (acknowledged < part * kCommits / 2) ExpectNumbered(*engine, acknowledged);
      ExpectAfterPowerCut(acknowledged, acknowledged + 1);
      if (!engine->Close().ok()) break;
    }
    ExpectAfterPowerCut(acknowledged, acknowledged + 1);
    if (HasFailure() || !disk_.has_failed()) break;
  }
}

// The faults begin when the store is open, and end by themselves or are mended.
class ComingBackTest : public FailingDiskTest {
 protected:
  // Makes commits through `faults` until all are there. Reads go on all the time, and what
  // they saw is there after a power cut.
  void CommitAllThrough(std::vector<DiskFault> faults) {
    std::filesystem::remove_all(path_);
    disk_.Heal();
    const std::unique_ptr<Engine> engine = MustOpen(Options());
    ASSERT_EQ(CommitUpTo(*engine, 3), 3);
    disk_.Arrange(std::move(faults));
    while (true) {
      const int done = CommitUpTo(*engine, kCommits);
      if (done == kCommits) break;
      ExpectAtLeast(*engine, done);
      ExpectAfterPowerCut(done, done + 1);
      if (!GetParam().passes()) MendOnceItIsHit(*engine);
      ASSERT_TRUE(AwaitTrouble(*engine, WriteTrouble::kNone)) << engine->write_state().message;
      const int seen = static_cast<int>(engine->log_bounds().head);
      EXPECT_GE(seen, done);
      ExpectNumbered(*engine, seen);
      ExpectAfterPowerCut(seen, seen);
      if (HasFailure()) return;
    }
    was_hit_ = was_hit_ || disk_.has_failed();
    ExpectAfterPowerCut(kCommits, kCommits);
    engine->Close().IgnoreError();
    ExpectAfterPowerCut(kCommits, kCommits);
  }

  // Lets the store run into a fault that lasts and ends it, unless the store has come back
  // before it begins.
  void MendOnceItIsHit(const Engine& engine) {
    while (!disk_.has_failed()) {
      if (engine.write_state().trouble == WriteTrouble::kNone) return;
      std::this_thread::yield();
    }
    was_hit_ = true;
    disk_.Heal();
  }

  // Expects that the commits numbered up to `count` can be read, and perhaps another.
  static void ExpectAtLeast(const Engine& engine, int count) {
    const auto log = engine.ReadLog(1, kCommits, SIZE_MAX);
    ASSERT_TRUE(log.ok()) << log.status();
    ASSERT_GE(log->size(), static_cast<size_t>(count));
    const std::unique_ptr<Snapshot> snapshot = engine.NewSnapshot();
    for (int number = 1; number <= count; ++number) {
      EXPECT_EQ((*log)[number - 1].payload, absl::StrCat(number));
      const auto value = snapshot->Get(absl::StrCat("key", number));
      ASSERT_TRUE(value.ok()) << value.status();
      EXPECT_TRUE(value->has_value()) << number;
    }
  }

  bool was_hit_ = false;
};

TEST_P(ComingBackTest, WithAllThatWasSeen) {
  for (int first = 1;; first = NextCall(first, 3)) {
    SCOPED_TRACE(absl::StrCat("call ", first));
    was_hit_ = false;
    CommitAllThrough({GetParam().At(first)});
    if (HasFailure() || !was_hit_) break;
  }
}

// Another call fails while the store is being opened anew, or soon after.
TEST_P(ComingBackTest, AlthoughItFailsOnceMore) {
  for (int second = 2;; second = NextCall(second, 31)) {
    SCOPED_TRACE(absl::StrCat("call ", second));
    was_hit_ = false;
    CommitAllThrough({{.first = 1, .count = 1, .error = BadDisk()}, GetParam().At(second)});
    if (HasFailure() || !was_hit_) break;
  }
}

const auto kFailures = testing::ValuesIn(DiskFailures());

INSTANTIATE_TEST_SUITE_P(Faults, FailingDiskTest, kFailures, NameOfFailure);
INSTANTIATE_TEST_SUITE_P(Faults, ComingBackTest, kFailures, NameOfFailure);

class DiskTroubleTest : public testing::Test {
 protected:
  void OpenStore(uint64_t min_free_bytes = 0) {
    RocksDbOptions options = SmallOptions(path_, /*create=*/true);
    options.env = disk_.env();
    options.retry_period = absl::Milliseconds(1);
    options.min_free_bytes = min_free_bytes;
    engine_ = MustOpen(std::move(options));
    for (int i = 1; i <= 3; ++i) ASSERT_TRUE(CommitNumbered(*engine_, i).status.ok());
  }

  bool AwaitMessage(absl::string_view part) const {
    const absl::Time deadline = absl::Now() + kPatience;
    while (absl::Now() < deadline) {
      if (absl::StrContains(engine_->write_state().message, part)) return true;
      std::this_thread::yield();
    }
    return false;
  }

  bool Await(WriteTrouble trouble) const { return AwaitTrouble(*engine_, trouble); }

  void ExpectRefused(WriteTrouble trouble) {
    const CommitResult refused = CommitNumbered(*engine_, 4);
    EXPECT_EQ(refused.status.code(), StatusCode::kUnavailable) << refused.status;
    EXPECT_EQ(refused.trouble, trouble);
    ExpectNumbered(*engine_, 3);
  }

  TempDir directory_{TempDir::Place::kMemory};
  const std::string path_ = directory_.path() + "/store";
  FailingDisk disk_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(DiskTroubleTest, EachTroubleHasItsName) {
  OpenStore();
  disk_.Arrange({{.error = FullDisk()}});
  ExpectRefused(WriteTrouble::kFull);
  ExpectRefused(WriteTrouble::kFull);
  disk_.Arrange({{.error = ReadOnlyDisk()}});
  EXPECT_TRUE(Await(WriteTrouble::kReadOnly));
  ExpectRefused(WriteTrouble::kReadOnly);
  disk_.Arrange({{.error = BadDisk()}});
  EXPECT_TRUE(Await(WriteTrouble::kFailed));
  ExpectRefused(WriteTrouble::kFailed);
  EXPECT_EQ(engine_->stats().write_failures, 1u);
  EXPECT_EQ(engine_->Close().code(), StatusCode::kUnavailable);
}

TEST_F(DiskTroubleTest, SnapshotsOfTheFailedDatabaseAreWaitedFor) {
  OpenStore();
  std::unique_ptr<Snapshot> early = engine_->NewSnapshot();
  disk_.Arrange({{.count = 1, .error = BadDisk()}});
  ExpectRefused(WriteTrouble::kFailed);
  ASSERT_TRUE(AwaitMessage("somebody still reads"));
  const std::unique_ptr<Snapshot> late = engine_->NewSnapshot();
  EXPECT_TRUE((*early->Get("key3")).has_value());
  early.reset();
  ASSERT_TRUE(Await(WriteTrouble::kNone)) << engine_->write_state().message;

  EXPECT_TRUE(CommitNumbered(*engine_, 4).status.ok());
  EXPECT_TRUE(CommitAndWait(*engine_, {.writes = {{"key3", std::nullopt}}}).status.ok());
  EXPECT_TRUE((*late->Get("key3")).has_value());
  EXPECT_FALSE((*late->Get("key4")).has_value());
  EXPECT_FALSE((*engine_->Get("key3")).has_value());
  EXPECT_EQ(engine_->stats().reopenings, 1u);
}

TEST_F(DiskTroubleTest, SnapshotsKeepTheStoreFromBeingClosed) {
  OpenStore();
  disk_.Arrange({{.error = BadDisk()}});
  ExpectRefused(WriteTrouble::kFailed);
  disk_.Heal();
  std::unique_ptr<Snapshot> snapshot = engine_->NewSnapshot();
  disk_.Heal();
  EXPECT_EQ(engine_->Close().code(), StatusCode::kFailedPrecondition);
  EXPECT_TRUE((*snapshot->Get("key3")).has_value());
  snapshot.reset();
  EXPECT_NE(engine_->Close().code(), StatusCode::kFailedPrecondition);
}

TEST_F(DiskTroubleTest, CommitsAreRefusedBeforeTheDiskIsFull) {
  constexpr uint64_t kLeft = 1 << 20;
  OpenStore(kLeft);
  disk_.SetFreeBytes(kLeft - 1);
  ExpectRefused(WriteTrouble::kFull);
  EXPECT_EQ(engine_->write_state().trouble, WriteTrouble::kFull);
  EXPECT_EQ(engine_->stats().free_bytes, kLeft - 1);
  EXPECT_TRUE(engine_->TrimLog(2).ok());
  EXPECT_TRUE(CommitAndWait(*engine_, {.writes = {{"key1", std::nullopt}}}).status.ok());
  EXPECT_FALSE((*engine_->Get("key1")).has_value());
  EXPECT_TRUE(
      CommitAndWait(*engine_, {.writes = {{"key1", "1"}}, .may_use_reserve = true}).status.ok());
  EXPECT_EQ(CommitNumbered(*engine_, 4).trouble, WriteTrouble::kFull);

  disk_.SetFreeBytes(kLeft);
  EXPECT_TRUE(Await(WriteTrouble::kNone));
  EXPECT_TRUE(CommitNumbered(*engine_, 4).status.ok());
  EXPECT_EQ(engine_->stats().write_failures, 0u);
}

TEST_F(DiskTroubleTest, AStoreIsOpenedWithTooLittleRoomLeft) {
  constexpr uint64_t kLeft = 1 << 20;
  OpenStore(kLeft);
  ASSERT_TRUE(engine_->Close().ok());
  engine_.reset();
  disk_.SetFreeBytes(kLeft - 1);
  RocksDbOptions options = SmallOptions(path_, /*create=*/false);
  options.env = disk_.env();
  options.retry_period = absl::Milliseconds(1);
  options.min_free_bytes = kLeft;
  engine_ = MustOpen(std::move(options));
  ExpectNumbered(*engine_, 3);
  EXPECT_TRUE(
      CommitAndWait(*engine_, {.writes = {{"key5", "5"}}, .may_use_reserve = true}).status.ok());
  EXPECT_EQ(CommitNumbered(*engine_, 4).trouble, WriteTrouble::kFull);
  disk_.SetFreeBytes(kLeft);
  EXPECT_TRUE(Await(WriteTrouble::kNone));
  EXPECT_TRUE(CommitNumbered(*engine_, 4).status.ok());
}

TEST_F(DiskTroubleTest, AFullDiskIsWaitedFor) {
  OpenStore();
  disk_.Arrange({{.count = 1, .error = FullDisk()}});
  disk_.SetFreeBytes(4096);
  ExpectRefused(WriteTrouble::kFull);
  EXPECT_TRUE(AwaitMessage("4096 bytes are left"));
  ExpectRefused(WriteTrouble::kFull);
  disk_.SetFreeBytes(64 << 20);
  ASSERT_TRUE(Await(WriteTrouble::kNone)) << engine_->write_state().message;
  EXPECT_TRUE(CommitNumbered(*engine_, 4).status.ok());
  ExpectNumbered(*engine_, 4);
}

TEST_F(DiskTroubleTest, ABadTableFileIsNoticedWithoutACommit) {
  OpenStore();
  disk_.Arrange({{.error = BadDisk(), .suffix = ".sst"}});
  const std::string value(100'000, 'x');
  int acknowledged = 0;
  while (!disk_.has_failed() && acknowledged < 1'000) {
    const std::string key = absl::StrCat("large", acknowledged);
    if (!CommitAndWait(*engine_, {.writes = {{key, value}}}).status.ok()) break;
    ++acknowledged;
  }
  EXPECT_TRUE(Await(WriteTrouble::kFailed));
  disk_.Heal();
  ASSERT_TRUE(Await(WriteTrouble::kNone)) << engine_->write_state().message;
  for (int i = 0; i < acknowledged; ++i) {
    EXPECT_TRUE((*engine_->Get(absl::StrCat("large", i))).has_value()) << i;
  }
}

TEST_F(DiskTroubleTest, WhatIsLostMeanwhileIsSaid) {
  OpenStore();
  disk_.Arrange({{.error = BadDisk()}});
  ExpectRefused(WriteTrouble::kFailed);
  const std::filesystem::path wal = FilesEndingIn(path_, ".log").back();
  std::filesystem::resize_file(wal, std::filesystem::file_size(wal) / 2);
  disk_.Heal();
  ASSERT_TRUE(Await(WriteTrouble::kNeedsRestart)) << engine_->write_state().message;
  ExpectRefused(WriteTrouble::kNeedsRestart);
}

}  // namespace
}  // namespace innkeeper::storage
