#include "storage/rocksdb/log_reader.h"

#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "rocksdb/iterator.h"
#include "rocksdb/options.h"
#include "storage/rocksdb/format.h"
#include "storage/rocksdb/log_record.h"
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

// Whether the record that `it` is at has the entry at `position`.
bool HasPosition(const rocksdb::Iterator& it, LogPosition position) {
  const LogPosition last = ParseInteger(FromSlice(it.key())).value_or(0);
  const std::optional<LogPosition> first = FirstOfLogRecord(last, FromSlice(it.value()));
  // Of one that is damaged its reader tells.
  return last >= position && first.value_or(position) <= position;
}

// Visits the entries of the record that `it` is at, from `position` up to `head`; `position`
// is then that of the entry behind those that were visited. Returns whether the scan goes on.
absl::StatusOr<bool> VisitRecord(const rocksdb::Iterator& it, const LogSealer* sealer,
                                 LogPosition head, Engine::LogVisitor visit, LogPosition& position,
                                 std::string& buffer) {
  const LogPosition last = ParseInteger(FromSlice(it.key())).value_or(0);
  const auto entries = OpenLogRecord(last, FromSlice(it.value()), sealer, buffer);
  if (!entries.ok()) return entries.status();
  for (const LogEntryView& entry : *entries) {
    if (entry.position < position) continue;
    if (entry.position > head) break;
    ++position;
    if (!visit(entry)) return false;
  }
  return true;
}

}  // namespace

absl::Status ScanLog(const Database& database, const LogSealer* sealer, LogBounds bounds,
                     LogPosition from, Engine::LogVisitor visit) {
  if (from < bounds.oldest) return Trimmed(from, bounds.oldest);
  if (from > bounds.head) return absl::OkStatus();

  const StoredInteger begin(from);
  rocksdb::ReadOptions options;
  // Whoever reads the whole log is not to push everything else out of the cache.
  options.fill_cache = false;
  // Files of what is trimmed meanwhile may be gone before it is made, and not behind that.
  const std::unique_ptr<rocksdb::Iterator> it(database.db().NewIterator(options, database.log()));
  std::string buffer;
  LogPosition position = from;
  for (it->Seek(ToSlice(begin.bytes())); position <= bounds.head; it->Next()) {
    if (!it->Valid() && !it->status().ok()) return FromRocksDb(it->status(), "reading the log");
    if (!it->Valid() || !HasPosition(*it, position)) return Missing(database, from, position);
    const absl::StatusOr<bool> goes_on =
        VisitRecord(*it, sealer, bounds.head, visit, position, buffer);
    if (!goes_on.ok() || !*goes_on) return goes_on.status();
  }
  return absl::OkStatus();
}

}  // namespace innkeeper::storage::embedded
