// Damages the files of a store in every way that comes to mind. Opening it must
// either give everything that was acknowledged or refuse, and refusing must leave
// the files as they were.

#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "storage/rocksdb/rocksdb_engine.h"
#include "tests/storage/rocksdb/faulty_file_system.h"
#include "tests/storage/rocksdb/store_files.h"
#include "tests/support/temp_dir.h"

namespace innkeeper::storage {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr size_t kBlock = 32'768;  // of a write-ahead log
constexpr size_t kPage = 4'096;

std::string Flipped(std::string bytes, size_t at) {
  bytes[at] = static_cast<char>(bytes[at] ^ 0x20);
  return bytes;
}

std::string Zeroed(std::string bytes, size_t at, size_t count) {
  std::fill_n(bytes.begin() + static_cast<ptrdiff_t>(at), std::min(count, bytes.size() - at), '\0');
  return bytes;
}

// Returns places in a file of `size` bytes: about `count` spread evenly, the edge of
// the first block, and some at the end.
std::set<size_t> Places(size_t size, size_t count) {
  std::set<size_t> places;
  for (size_t i = 0; i < count; ++i) places.insert(i * size / count);
  for (const size_t edge : {kBlock - 1, kBlock}) {
    if (edge < size) places.insert(edge);
  }
  for (const size_t back : {1u, 2u, 7u, 50u, 300u, 500u}) {
    if (back <= size) places.insert(size - back);
  }
  return places;
}

class DamageTest : public testing::Test {
 protected:
  static constexpr int kCommits = 240;

  // A store as a crash leaves it, with `count` commits in its write-ahead log.
  void MakeCrashedStore(int count = kCommits) {
    const std::string live = directory_.path() + "/live";
    const std::unique_ptr<Engine> engine = MustOpen(SmallOptions(live, /*create=*/true));
    for (int i = 1; i <= count; ++i) ASSERT_TRUE(CommitNumbered(*engine, i).status.ok());
    CopyStore(live, store_);
  }

  // A store that was closed, with its commits in several table files.
  void MakeClosedStore() {
    for (int i = 1; i <= kCommits; ++i) {
      if (i % 80 == 1) engine_ = MustOpen(SmallOptions(store_, /*create=*/true));
      ASSERT_TRUE(CommitNumbered(*engine_, i).status.ok());
      if (i % 80 == 0) {
        ASSERT_TRUE(engine_->Close().ok());
        engine_.reset();
      }
    }
  }

  // Opens the store with `damaged` in place of the content of `file`. If that is
  // refused, the store must open whole with the file back in place; if not, it must
  // be whole as it is, or say that it is not when read. Returns whether it was
  // refused.
  bool RefusesOrIsWhole(const fs::path& file, const std::string& damaged) {
    const std::string copy = directory_.path() + "/copy";
    CopyStore(store_, copy);
    const fs::path copied_file = copy / fs::relative(file, store_);
    const std::string intact = ReadFile(copied_file);
    WriteFile(copied_file, damaged);
    const absl::StatusOr<std::unique_ptr<Engine>> engine = OpenRocksDb(SmallOptions(copy));
    if (engine.ok()) {
      ExpectWholeOrDamaged(**engine);
      return false;
    }
    EXPECT_EQ(engine.status().code(), absl::StatusCode::kDataLoss) << engine.status();
    EXPECT_THAT(std::string(engine.status().message()), HasSubstr(copy));
    WriteFile(copied_file, intact);
    ExpectNumbered(*MustOpen(SmallOptions(copy)), kCommits);
    return true;
  }

  void ExpectWholeOrDamaged(Engine& engine) {
    const absl::Status scanned = engine.NewSnapshot()->Scan(
        "", "\xff", [](absl::string_view, absl::string_view, Revision) { return true; });
    const absl::Status read = engine.ReadLog(1, kCommits, SIZE_MAX).status();
    for (const absl::Status& status : {scanned, read}) {
      if (!status.ok()) {
        EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
        return;
      }
    }
    ExpectNumbered(engine, kCommits);
  }

  fs::path TheWal() {
    const std::vector<fs::path> wals = FilesEndingIn(store_, ".log");
    EXPECT_EQ(wals.size(), 1u);
    return wals.back();
  }

  TempDir directory_{TempDir::Place::kMemory};
  const std::string store_ = directory_.path() + "/store";
  std::unique_ptr<Engine> engine_;
};

TEST_F(DamageTest, CrashedStoreOpensWhole) {
  MakeCrashedStore();
  ExpectNumbered(*MustOpen(SmallOptions(store_)), kCommits);
}

TEST_F(DamageTest, FlippedBitsInTheWalAreNoticed) {
  MakeCrashedStore();
  const std::string wal = ReadFile(TheWal());
  ASSERT_GT(wal.size(), 2 * kBlock);
  for (const size_t place : Places(wal.size(), 12)) {
    SCOPED_TRACE(absl::StrCat("byte ", place, " of ", wal.size()));
    RefusesOrIsWhole(TheWal(), Flipped(wal, place));
  }
  EXPECT_TRUE(RefusesOrIsWhole(TheWal(), Flipped(wal, wal.size() / 3)));
  EXPECT_TRUE(RefusesOrIsWhole(TheWal(), Flipped(wal, wal.size() - 20)));
}

TEST_F(DamageTest, LostPagesOfTheWalAreNoticed) {
  MakeCrashedStore();
  const std::string wal = ReadFile(TheWal());
  for (size_t page = 0; page < wal.size(); page += kPage) {
    SCOPED_TRACE(absl::StrCat("byte ", page, " of ", wal.size()));
    EXPECT_TRUE(RefusesOrIsWhole(TheWal(), Zeroed(wal, page, kPage)));
  }
  EXPECT_TRUE(RefusesOrIsWhole(TheWal(), Zeroed(wal, kBlock, kBlock)));
}

TEST_F(DamageTest, CutWalIsNoticed) {
  MakeCrashedStore();
  const std::string wal = ReadFile(TheWal());
  for (const size_t place : Places(wal.size(), 12)) {
    SCOPED_TRACE(absl::StrCat("byte ", place, " of ", wal.size()));
    EXPECT_TRUE(RefusesOrIsWhole(TheWal(), wal.substr(0, place)));
  }
}

// A crash in the middle of a write leaves the beginning of a record, and the next
// one strikes before what was recovered is in table files.
TEST_F(DamageTest, StoreOpensWholeAfterACrashThatFollowsATornWrite) {
  MakeCrashedStore();
  const std::string wal = ReadFile(TheWal());
  WriteFile(TheWal(), wal + wal.substr(0, 100));
  const std::unique_ptr<Engine> engine = MustOpen(SmallOptions(store_));
  const std::string copy = directory_.path() + "/copy";
  CopyStore(store_, copy);
  ExpectNumbered(*MustOpen(SmallOptions(copy)), kCommits);
}

TEST_F(DamageTest, MissingWalIsNoticed) {
  MakeCrashedStore();
  const fs::path wal = TheWal();
  const std::string content = ReadFile(wal);
  fs::remove(wal);
  EXPECT_EQ(OpenRocksDb(SmallOptions(store_)).status().code(), absl::StatusCode::kDataLoss);
  WriteFile(wal, content);
  ExpectNumbered(*MustOpen(SmallOptions(store_)), kCommits);
}

TEST_F(DamageTest, HoleInTheWalIsNoticedWithoutDurableHead) {
  // As after a failure of the power, when the durable head may be old.
  MakeCrashedStore();
  fs::remove(store_ + "/DURABLE_HEAD");
  const std::string wal = ReadFile(TheWal());
  for (size_t place = 0; place + 2 * kBlock < wal.size(); place += 3'001) {
    SCOPED_TRACE(absl::StrCat("byte ", place, " of ", wal.size()));
    EXPECT_TRUE(RefusesOrIsWhole(TheWal(), Zeroed(wal, place, 100)));
  }
}

TEST_F(DamageTest, StaleWalIsNoticed) {
  MakeCrashedStore();
  const std::string stale = ReadFile(TheWal());
  {
    const std::unique_ptr<Engine> engine = MustOpen(SmallOptions(store_));
    ASSERT_TRUE(CommitNumbered(*engine, kCommits + 1).status.ok());
  }
  fs::remove(store_ + "/DURABLE_HEAD");
  WriteFile(store_ + "/db/999999.log", stale);
  EXPECT_EQ(OpenRocksDb(SmallOptions(store_)).status().code(), absl::StatusCode::kDataLoss);
  fs::remove(store_ + "/db/999999.log");
  ExpectNumbered(*MustOpen(SmallOptions(store_)), kCommits + 1);
}

TEST_F(DamageTest, OwnerMayGiveUpTheLostTail) {
  MakeCrashedStore();
  const std::string wal = ReadFile(TheWal());
  WriteFile(TheWal(), wal.substr(0, wal.size() / 2));
  EXPECT_EQ(OpenRocksDb(SmallOptions(store_)).status().code(), absl::StatusCode::kDataLoss);
  fs::remove(store_ + "/DURABLE_HEAD");
  const std::unique_ptr<Engine> engine = MustOpen(SmallOptions(store_));
  const LogPosition head = engine->log_bounds().head;
  EXPECT_GT(head, 0u);
  EXPECT_LT(head, static_cast<LogPosition>(kCommits));
  ExpectNumbered(*engine, static_cast<int>(head));
}

// A store as a crash leaves it while table files are being written: with two
// write-ahead logs.
class TwoWalsTest : public DamageTest {
 protected:
  TwoWalsTest() {
    Faults faults;
    const std::unique_ptr<rocksdb::Env> env = MakeFaultyEnv(faults);
    const std::string live = directory_.path() + "/live";
    RocksDbOptions options = SmallOptions(live, /*create=*/true);
    options.env = env.get();
    const std::unique_ptr<Engine> engine = MustOpen(std::move(options));
    faults.HoldTableFiles();
    for (int i = 1; i <= kCommits; ++i) {
      CommitNumbered(*engine, i);
      if (i != kCommits / 2) continue;
      // Fills the write buffer, which starts a second log.
      const std::string filler(4 << 20, 'x');
      CommitAndWait(*engine, {.writes = {{"filler", filler}}});
      CommitAndWait(*engine, {.writes = {{"filler", std::nullopt}}});
    }
    CopyStore(live, store_);
    faults.ReleaseTableFiles();
  }
};

TEST_F(TwoWalsTest, OpensWhole) {
  EXPECT_EQ(FilesEndingIn(store_, ".log").size(), 2u);
  ExpectNumbered(*MustOpen(SmallOptions(store_)), kCommits);
}

TEST_F(TwoWalsTest, HoleBetweenWalsIsNoticed) {
  fs::remove(store_ + "/DURABLE_HEAD");
  const fs::path first = FilesEndingIn(store_, ".log")[0];
  const std::string wal = ReadFile(first);
  for (const size_t place : Places(wal.size(), 5)) {
    SCOPED_TRACE(absl::StrCat("byte ", place, " of ", wal.size()));
    EXPECT_TRUE(RefusesOrIsWhole(first, wal.substr(0, place)));
  }
  fs::remove(first);
  EXPECT_EQ(OpenRocksDb(SmallOptions(store_)).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(TwoWalsTest, MissingLaterWalIsNoticed) {
  fs::remove(FilesEndingIn(store_, ".log")[1]);
  EXPECT_EQ(OpenRocksDb(SmallOptions(store_)).status().code(), absl::StatusCode::kDataLoss);
}

// What is in table files must be whole up to one revision: the survey of the
// write-ahead log builds on it.
TEST_F(DamageTest, TableFilesAreWholeWithoutTheWal) {
  const std::string live = directory_.path() + "/live";
  const std::unique_ptr<Engine> engine = MustOpen(SmallOptions(live, /*create=*/true));
  LogPosition flushed = 0;
  for (int number = 1; flushed == 0; ++number) {
    ASSERT_TRUE(CommitNumbered(*engine, number).status.ok());
    if (number % 2'000 > 0) continue;
    CopyStore(live, store_);
    for (const fs::path& wal : FilesEndingIn(store_, ".log")) fs::remove(wal);
    fs::remove(store_ + "/DURABLE_HEAD");
    const std::unique_ptr<Engine> copy = MustOpen(SmallOptions(store_));
    flushed = copy->log_bounds().head;
    ExpectNumbered(*copy, static_cast<int>(flushed));
  }
}

TEST_F(DamageTest, ClosedStoreNeedsNoWal) {
  MakeClosedStore();
  for (const fs::path& wal : FilesEndingIn(store_, ".log")) fs::remove(wal);
  ExpectNumbered(*MustOpen(SmallOptions(store_)), kCommits);
}

TEST_F(DamageTest, DamagedTableFilesAreNoticed) {
  MakeClosedStore();
  std::vector<fs::path> tables = FilesEndingIn(store_, ".sst");
  ASSERT_GE(tables.size(), 3u);
  tables.resize(3);  // one of each column family
  for (const fs::path& table : tables) {
    const std::string content = ReadFile(table);
    for (const size_t place : Places(content.size(), 2)) {
      SCOPED_TRACE(absl::StrCat(table.string(), " byte ", place));
      RefusesOrIsWhole(table, Flipped(content, place));
      EXPECT_TRUE(RefusesOrIsWhole(table, content.substr(0, place)));
    }
  }
}

TEST_F(DamageTest, MissingTableFilesAreNoticed) {
  MakeClosedStore();
  for (const fs::path& table : FilesEndingIn(store_, ".sst")) {
    const std::string copy = directory_.path() + "/copy";
    CopyStore(store_, copy);
    fs::remove(copy / fs::relative(table, store_));
    EXPECT_EQ(OpenRocksDb(SmallOptions(copy)).status().code(), absl::StatusCode::kDataLoss);
  }
}

TEST_F(DamageTest, DamagedManifestIsNoticed) {
  MakeClosedStore();
  const std::vector<fs::path> manifests = FilesStartingWith(store_, "MANIFEST-");
  ASSERT_FALSE(manifests.empty());
  const fs::path& manifest = manifests.back();
  const std::string content = ReadFile(manifest);
  for (const size_t place : Places(content.size(), 12)) {
    SCOPED_TRACE(absl::StrCat("byte ", place, " of ", content.size()));
    RefusesOrIsWhole(manifest, Flipped(content, place));
    RefusesOrIsWhole(manifest, content.substr(0, place));
    RefusesOrIsWhole(manifest, Zeroed(content, place, 64));
  }
}

TEST_F(DamageTest, LostManifestOrCurrentIsNoticed) {
  MakeClosedStore();
  const fs::path manifest = FilesStartingWith(store_, "MANIFEST-").back();
  const fs::path current = fs::path(store_) / "db/CURRENT";
  for (const fs::path& file : {manifest, current}) {
    const std::string content = ReadFile(file);
    fs::remove(file);
    const absl::Status status = OpenRocksDb(SmallOptions(store_, /*create=*/true)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
    EXPECT_FALSE(fs::exists(file));
    WriteFile(file, content);
    EXPECT_TRUE(RefusesOrIsWhole(file, ""));
    EXPECT_TRUE(RefusesOrIsWhole(file, "MANIFEST-999999\n"));
  }
  ExpectNumbered(*MustOpen(SmallOptions(store_)), kCommits);
}

}  // namespace
}  // namespace innkeeper::storage
