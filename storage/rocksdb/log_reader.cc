#include "storage/rocksdb/log_reader.h"

#include <memory>
#include <optional>

#include "absl/strings/str_cat.h"
#include "rocksdb/iterator.h"
#include "rocksdb/options.h"
#include "rocksdb/snapshot.h"
#include "storage/rocksdb/format.h"
#include "storage/rocksdb/rocksdb_status.h"

namespace innkeeper::storage::embedded {
namespace {

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

absl::Status ScanLog(const Database& database, LogPosition head, LogPosition from,
                     Engine::LogVisitor visit) {
  // One view of the oldest position and of the entries. Files of what is trimmed
  // meanwhile may be gone before the iterator is made.
  rocksdb::ManagedSnapshot snapshot(&database.db());
  rocksdb::ReadOptions options;
  options.snapshot = snapshot.snapshot();
  const absl::StatusOr<LogPosition> oldest = database.ReadOldest(options);
  if (!oldest.ok()) return oldest.status();
  if (from < *oldest) return Trimmed(from, *oldest);
  if (from > head) return absl::OkStatus();

  const StoredInteger begin(from);
  const StoredInteger end(head + 1);
  const rocksdb::Slice upper = ToSlice(end.bytes());
  options.iterate_upper_bound = &upper;
  // Whoever reads the whole log is not to push everything else out of the cache.
  options.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> it(database.db().NewIterator(options, database.log()));
  it->Seek(ToSlice(begin.bytes()));
  for (LogPosition position = from; position <= head; ++position, it->Next()) {
    if (!it->Valid() && !it->status().ok()) return FromRocksDb(it->status(), "reading the log");
    if (!it->Valid() || ParseInteger(FromSlice(it->key())) != position) {
      return Missing(database, from, position);
    }
    const std::optional<StoredLogEntry> entry = ParseLogEntry(FromSlice(it->value()));
    if (!entry) return absl::DataLossError(absl::StrCat("log position ", position, " is damaged"));
    if (!visit({position, entry->revision, entry->commit_time, entry->payload})) break;
  }
  return absl::OkStatus();
}

}  // namespace innkeeper::storage::embedded
