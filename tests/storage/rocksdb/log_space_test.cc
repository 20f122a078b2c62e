// What trimming the log gives back.

#include <atomic>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include <gtest/gtest.h>

#include "storage/rocksdb/rocksdb_engine.h"
#include "tests/storage/rocksdb/store_files.h"
#include "tests/support/directory_watch.h"
#include "tests/support/temp_dir.h"

namespace innkeeper::storage {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

class LogSpaceTest : public testing::Test {
 protected:
  // Appends entries of that many bytes in all, of 64 KiB each.
  void Append(Engine& engine, size_t bytes) {
    for (; bytes > 0; bytes -= 64 << 10) {
      std::string payload(64 << 10, '\0');
      for (char& byte : payload) byte = static_cast<char>(random_());
      ASSERT_TRUE(CommitAndWait(engine, {.log_entries = {std::move(payload)}}).status.ok());
    }
  }

  size_t BytesInTables() const {
    size_t bytes = 0;
    for (const auto& file : FilesEndingIn(path_, ".sst")) {
      std::error_code gone;
      const auto size = std::filesystem::file_size(file, gone);
      if (!gone) bytes += size;
    }
    return bytes;
  }

  // Waits until that few bytes are in tables. What a compaction leaves goes only when no
  // other file is being written.
  void AwaitBytesInTablesBelow(size_t bytes) const {
    DirectoryWatch watch(path_);
    while (BytesInTables() >= bytes) watch.Await();
  }

  const TempDir directory_{TempDir::Place::kMemory};
  const std::string path_ = directory_.path() + "/store";
  std::mt19937 random_{1};
};

TEST_F(LogSpaceTest, TrimmingGivesTheSpaceBack) {
  std::unique_ptr<Engine> engine = MustOpen(SmallOptions(path_, /*create=*/true));
  Append(*engine, 100 * kMiB);
  const LogPosition half = engine->log_bounds().head / 2;
  ASSERT_GT(BytesInTables(), 80 * kMiB);
  ASSERT_TRUE(engine->TrimLog(half).ok());
  AwaitBytesInTablesBelow(75 * kMiB);
  EXPECT_GT(BytesInTables(), 40 * kMiB);
  ASSERT_TRUE(engine->TrimLog(engine->log_bounds().head).ok());
  AwaitBytesInTablesBelow(25 * kMiB);
  EXPECT_EQ(engine->ReadLog(half * 2, 10, kMiB)->size(), 1u);
  ASSERT_TRUE(engine->Close().ok());
  engine = MustOpen(SmallOptions(path_));
  EXPECT_EQ(engine->ReadLog(half * 2, 10, kMiB)->size(), 1u);
  EXPECT_EQ(engine->ReadLog(half * 2 - 1, 10, kMiB).status().code(), absl::StatusCode::kOutOfRange);
}

TEST_F(LogSpaceTest, AnEmptiedLogOpensAgain) {
  std::unique_ptr<Engine> engine = MustOpen(SmallOptions(path_, /*create=*/true));
  Append(*engine, kMiB);
  ASSERT_TRUE(engine->TrimLog(1'000).ok());
  ASSERT_TRUE(engine->Close().ok());
  engine = MustOpen(SmallOptions(path_));
  EXPECT_EQ(engine->log_bounds().oldest, 17u);
  EXPECT_EQ(engine->log_bounds().head, 16u);
  Append(*engine, 64 << 10);
  EXPECT_EQ(engine->ReadLog(17, 10, kMiB)->size(), 1u);
}

TEST_F(LogSpaceTest, ReadersFindTheirEntriesOrThatTheyAreGone) {
  const std::unique_ptr<Engine> engine = MustOpen(SmallOptions(path_, /*create=*/true));
  std::atomic<bool> writing = true;
  std::thread reader([&] {
    while (writing) {
      const LogPosition from = engine->log_bounds().oldest;
      const auto entries = engine->ReadLog(from, 1'000, 100 * kMiB);
      EXPECT_TRUE(entries.ok() || absl::IsOutOfRange(entries.status())) << entries.status();
    }
  });
  for (int i = 0; i < 40; ++i) {
    Append(*engine, 2 * kMiB);
    EXPECT_TRUE(engine->TrimLog(engine->log_bounds().head - 10).ok());
  }
  writing = false;
  reader.join();
}

}  // namespace
}  // namespace innkeeper::storage
