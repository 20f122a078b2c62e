#include "storage/rocksdb/log_writer.h"

#include <glog/logging.h>

#include "storage/rocksdb/format.h"
#include "storage/rocksdb/log_record.h"
#include "storage/rocksdb/rocksdb_status.h"

namespace innkeeper::storage::embedded {
namespace {

// Of the entries of a record that is large enough. Some eighty events: then a record costs a
// reader less than what is in it.
constexpr size_t kFullRecordBytes = 16 << 10;

}  // namespace

void LogWriter::Append(Revision revision, absl::Time commit_time, absl::string_view payload,
                       rocksdb::WriteBatch& batch) {
  AppendLogEntry(revision, commit_time, payload, entries_);
  ++position_;
  ++count_;
  if (entries_.size() >= kFullRecordBytes) PutRecord(batch);
}

void LogWriter::Finish(rocksdb::WriteBatch& batch) {
  if (count_ > 0) PutRecord(batch);
}

void LogWriter::PutRecord(rocksdb::WriteBatch& batch) {
  small_entries_ += entries_;
  small_count_ += count_;
  if (small_entries_.size() < kFullRecordBytes) {
    Put(count_, entries_, batch);
    small_.push_back(position_);
  } else {
    Put(small_count_, small_entries_, batch);
    for (const LogPosition position : small_) {
      CHECK(batch.Delete(database_.log(), ToSlice(StoredInteger(position).bytes())).ok());
    }
    small_.clear();
    small_entries_.clear();
    small_count_ = 0;
  }
  entries_.clear();
  count_ = 0;
}

void LogWriter::Put(uint64_t count, absl::string_view entries, rocksdb::WriteBatch& batch) {
  const std::string record = EncodeLogRecord(position_, count, entries, sealer_);
  const StoredInteger key(position_);
  CHECK(batch.Put(database_.log(), ToSlice(key.bytes()), ToSlice(record)).ok());
}

}  // namespace innkeeper::storage::embedded
