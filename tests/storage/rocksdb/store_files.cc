#include "tests/storage/rocksdb/store_files.h"

#include <algorithm>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include <glog/logging.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace innkeeper::storage {
namespace {

namespace fs = std::filesystem;

std::string NumberedKey(int number) { return absl::StrCat("key", number); }

std::string NumberedValue(int number) {
  return absl::StrCat(number, std::string(200, static_cast<char>('a' + number % 26)));
}

void ExpectAuditEntry(const Versioned& stored, int number, AuditHead& head) {
  const std::optional<AuditValue> entry = ParseAuditValue(stored.value);
  ASSERT_TRUE(entry) << number;
  EXPECT_EQ(entry->payload, absl::StrCat(number));
  EXPECT_EQ(entry->previous_hash, head.hash) << number;
  head = {head.number + 1, HashAuditEntry(head.number + 1, stored.value)};
}

std::vector<fs::path> FilesWhere(const fs::path& store,
                                 const std::function<bool(const std::string&)>& wanted) {
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(store / "db")) {
    std::error_code gone;  // as the store may remove files meanwhile
    const auto size = entry.file_size(gone);
    if (!gone && size > 0 && wanted(entry.path().filename())) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

RocksDbOptions SmallOptions(const std::string& directory, bool create) {
  return {.path = directory,
          .create_if_missing = create,
          .block_cache_bytes = 8 << 20,
          .write_buffer_bytes = 4 << 20};
}

std::unique_ptr<Engine> MustOpen(RocksDbOptions options) {
  absl::StatusOr<std::unique_ptr<Engine>> engine = OpenRocksDb(std::move(options));
  CHECK(engine.ok()) << engine.status();
  return *std::move(engine);
}

CommitResult CommitNumbered(Engine& engine, int number) {
  CommitRequest request{.writes = {{NumberedKey(number), NumberedValue(number)}},
                        .log_entries = {absl::StrCat(number)},
                        .audit_entries = {absl::StrCat(number)}};
  return number % 2 == 0 ? CommitAndWait(engine, std::move(request))
                         : CommitHereAndWait(engine, std::move(request));
}

void ExpectNumbered(Engine& engine, int count) {
  ASSERT_EQ(engine.log_bounds().head, static_cast<LogPosition>(count));
  const auto log = engine.ReadLog(1, count, SIZE_MAX);
  ASSERT_TRUE(log.ok()) << log.status();
  ASSERT_EQ(log->size(), static_cast<size_t>(count));
  const std::unique_ptr<Snapshot> snapshot = engine.NewSnapshot();
  AuditHead audit_head;
  for (int number = 1; number <= count; ++number) {
    EXPECT_EQ((*log)[number - 1].payload, absl::StrCat(number));
    const auto value = snapshot->Get(NumberedKey(number));
    ASSERT_TRUE(value.ok()) << value.status();
    ASSERT_TRUE(value->has_value()) << number;
    EXPECT_EQ((*value)->value, NumberedValue(number));
    EXPECT_EQ((*value)->revision, (*log)[number - 1].revision);
    const auto audited = snapshot->Get(AuditKey(static_cast<uint64_t>(number)));
    ASSERT_TRUE(audited.ok() && audited->has_value()) << number;
    ExpectAuditEntry(**audited, number, audit_head);
  }
  EXPECT_EQ(*snapshot->audit_head(), audit_head);
  int values = 0;
  const absl::Status scanned =
      snapshot->Scan("", "\xff", [&](absl::string_view, absl::string_view, Revision) {
        ++values;
        return true;
      });
  EXPECT_TRUE(scanned.ok()) << scanned;
  EXPECT_EQ(values, 2 * count);
}

void CopyStore(const fs::path& from, const fs::path& to) {
  CHECK(fs::exists(from)) << from;
  std::error_code error;
  do {  // once more if the store has dropped a file meanwhile
    fs::remove_all(to);
    fs::copy(from, to, fs::copy_options::recursive, error);
  } while (error == std::errc::no_such_file_or_directory);
  CHECK(!error) << error.message();
}

std::vector<fs::path> FilesEndingIn(const fs::path& store, absl::string_view suffix) {
  return FilesWhere(store, [&](const std::string& name) { return absl::EndsWith(name, suffix); });
}

std::vector<fs::path> FilesStartingWith(const fs::path& store, absl::string_view prefix) {
  return FilesWhere(store, [&](const std::string& name) { return absl::StartsWith(name, prefix); });
}

std::string ReadFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  CHECK(file) << path;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void WriteFile(const fs::path& path, absl::string_view content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  CHECK(file.flush()) << path;
}

}  // namespace innkeeper::storage
