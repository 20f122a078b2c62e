#include "storage/rocksdb/log_space.h"

#include "rocksdb/convenience.h"
#include "rocksdb/options.h"
#include "storage/rocksdb/format.h"
#include "storage/rocksdb/rocksdb_status.h"

namespace innkeeper::storage::embedded {
namespace {

// Rewriting a file costs more than this is worth.
constexpr uint64_t kToleratedBytes = 16 << 20;

absl::StatusOr<uint64_t> SizeOf(const Database& database, LogPosition begin, LogPosition end,
                                bool memtables) {
  const StoredInteger first(begin);
  const StoredInteger last(end);
  const rocksdb::Range range(ToSlice(first.bytes()), ToSlice(last.bytes()));
  rocksdb::SizeApproximationOptions options;
  options.include_memtables = memtables;
  uint64_t size = 0;
  const rocksdb::Status status =
      database.db().GetApproximateSizes(options, database.log(), &range, 1, &size);
  if (!status.ok()) return FromRocksDb(status, "measuring the log");
  return size;
}

}  // namespace

absl::StatusOr<uint64_t> EstimateLogBytes(const Database& database, LogPosition begin,
                                          LogPosition end) {
  return begin < end ? SizeOf(database, begin, end, /*memtables=*/true) : 0;
}

absl::Status ReclaimLog(Database& database, LogPosition oldest) {
  database.SetOldest(oldest);
  const StoredInteger end_bytes(oldest);
  const rocksdb::Slice end = ToSlice(end_bytes.bytes());
  const rocksdb::RangePtr trimmed(nullptr, &end);
  rocksdb::Status status = rocksdb::DeleteFilesInRanges(&database.db(), database.log(), &trimmed, 1,
                                                        /*include_end=*/false);
  if (!status.ok()) return FromRocksDb(status, "dropping files of the log");
  const absl::StatusOr<uint64_t> left = SizeOf(database, 0, oldest, /*memtables=*/false);
  if (!left.ok() || *left <= kToleratedBytes) return left.status();
  rocksdb::CompactRangeOptions options;
  options.exclusive_manual_compaction = false;
  status = database.db().CompactRange(options, database.log(), nullptr, &end);
  return FromRocksDb(status, "compacting the log");
}

}  // namespace innkeeper::storage::embedded
