// File: storage/rocksdb/trimmed_log_filter.h

#ifndef INNKEEPER_STORAGE_ROCKSDB_TRIMMED_LOG_FILTER_H_
#define INNKEEPER_STORAGE_ROCKSDB_TRIMMED_LOG_FILTER_H_

#include <atomic>
#include <string>

#include "rocksdb/compaction_filter.h"
#include "storage/engine.h"
#include "storage/rocksdb/format.h"
#include "storage/rocksdb/rocksdb_status.h"

namespace innkeeper::storage::embedded {

// Leaves out log entries that were trimmed when the file that they are in is compacted
// (log_space.h). Thread-safe.
class TrimmedLogFilter final : public rocksdb::CompactionFilter {
 public:
  // What is below `oldest` may go.
  void SetOldest(LogPosition oldest) { oldest_ = oldest; }

  const char* Name() const override { return "innkeeper.TrimmedLog"; }
  bool Filter(int, const rocksdb::Slice& key, const rocksdb::Slice&, std::string*,
              bool*) const override {
    return ParseInteger(FromSlice(key)).value_or(oldest_) < oldest_;
  }

 private:
  std::atomic<LogPosition> oldest_ = 0;
};

}  // namespace innkeeper::storage::embedded

#endif  // INNKEEPER_STORAGE_ROCKSDB_TRIMMED_LOG_FILTER_H_
