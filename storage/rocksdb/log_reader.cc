#include "storage/rocksdb/log_reader.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "rocksdb/iterator.h"
#include "rocksdb/options.h"
#include "rocksdb/snapshot.h"
#include "storage/rocksdb/format.h"
#include "storage/rocksdb/rocksdb_status.h"

namespace innkeeper::storage::embedded {
namespace {

// Collects log entries up to the limits of Engine::ReadLog.
class LogCollector {
 public:
  LogCollector(size_t max_entries, size_t max_bytes)
      : max_entries_(max_entries), max_bytes_(max_bytes) {
    constexpr size_t kUsualEntries = 256;
    entries_.reserve(std::min(max_entries, kUsualEntries));
  }

  // Takes the next entry; returns false if it does not fit, and then leaves out
  // its whole commit.
  bool Take(LogPosition position, const StoredLogEntry& entry) {
    if (entries_.empty() || entries_.back().revision != entry.revision) {
      commit_start_ = entries_.size();
    }
    bytes_ += entry.payload.size();
    if (commit_start_ > 0 && (entries_.size() >= max_entries_ || bytes_ > max_bytes_)) {
      entries_.resize(commit_start_);
      return false;
    }
    entries_.push_back({position, entry.revision, entry.commit_time, std::string(entry.payload)});
    return true;
  }

  std::vector<LogEntry> Finish() { return std::move(entries_); }

 private:
  const size_t max_entries_;
  const size_t max_bytes_;
  size_t bytes_ = 0;
  size_t commit_start_ = 0;  // of the commit that the last entry belongs to
  std::vector<LogEntry> entries_;
};

absl::Status Trimmed(LogPosition from, LogPosition oldest) {
  return absl::OutOfRangeError(
      absl::StrCat("the log starts at position ", oldest, ", after position ", from));
}

// The error of a reader, from position `from` on, who does not find `position`.
absl::Status Missing(const Database& database, LogPosition from, LogPosition position) {
  const absl::StatusOr<LogPosition> oldest = database.ReadOldest(rocksdb::ReadOptions());
  if (!oldest.ok()) return oldest.status();
  if (from < *oldest) return Trimmed(from, *oldest);
  return absl::DataLossError(absl::StrCat("log position ", position, " is missing"));
}

}  // namespace

absl::StatusOr<std::vector<LogEntry>> ReadLogEntries(const Database& database, LogPosition head,
                                                     LogPosition from, size_t max_entries,
                                                     size_t max_bytes) {
  // One view of the oldest position and of the entries. Files of what is trimmed
  // meanwhile may be gone before the iterator is made.
  rocksdb::ManagedSnapshot snapshot(&database.db());
  rocksdb::ReadOptions options;
  options.snapshot = snapshot.snapshot();
  const absl::StatusOr<LogPosition> oldest = database.ReadOldest(options);
  if (!oldest.ok()) return oldest.status();
  if (from < *oldest) return Trimmed(from, *oldest);
  if (from > head) return std::vector<LogEntry>();

  const StoredInteger begin(from);
  const StoredInteger end(head + 1);
  const rocksdb::Slice upper = ToSlice(end.bytes());
  options.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> it(database.db().NewIterator(options, database.log()));
  it->Seek(ToSlice(begin.bytes()));
  LogCollector collector(max_entries, max_bytes);
  for (LogPosition position = from; position <= head; ++position, it->Next()) {
    if (!it->Valid() && !it->status().ok()) return FromRocksDb(it->status(), "reading the log");
    if (!it->Valid() || ParseInteger(FromSlice(it->key())) != position) {
      return Missing(database, from, position);
    }
    const std::optional<StoredLogEntry> entry = ParseLogEntry(FromSlice(it->value()));
    if (!entry) return absl::DataLossError(absl::StrCat("log position ", position, " is damaged"));
    if (!collector.Take(position, *entry)) break;
  }
  return collector.Finish();
}

}  // namespace innkeeper::storage::embedded
