// File: storage/rocksdb/log_writer.h
//
// Packs log entries into records.
//
// The entries of a batch share a record. Where batches are small, a record is written anew
// with those before it once they are enough for a full one, and these are deleted: whoever
// reads much of the log pays for each record.

#ifndef INNKEEPER_STORAGE_ROCKSDB_LOG_WRITER_H_
#define INNKEEPER_STORAGE_ROCKSDB_LOG_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "rocksdb/write_batch.h"
#include "storage/engine.h"
#include "storage/rocksdb/database.h"

namespace innkeeper::storage::embedded {

// Not thread-safe.
class LogWriter {
 public:
  // The log's head is at `head`. `database` must outlive the writer.
  LogWriter(const Database& database, LogPosition head) : database_(database), position_(head) {}

  // As Engine::SetLogSealer; null: nothing is sealed, as before the first call.
  void SetSealer(const LogSealer* sealer) { sealer_ = sealer; }

  // Appends the next entry. It is in `batch` behind the next Finish().
  void Append(Revision revision, absl::Time commit_time, absl::string_view payload,
              rocksdb::WriteBatch& batch);

  // Puts into `batch` what was appended. It must be written before the next Append().
  void Finish(rocksdb::WriteBatch& batch);

  // How many bytes Finish() has to put, about.
  size_t bytes() const { return entries_.size(); }

 private:
  void PutRecord(rocksdb::WriteBatch& batch);
  void Put(uint64_t count, absl::string_view entries, rocksdb::WriteBatch& batch);

  const Database& database_;
  const LogSealer* sealer_ = nullptr;
  LogPosition position_;  // of the last entry
  // The entries that are in no record yet.
  std::string entries_;
  uint64_t count_ = 0;
  // The records before those that may be written anew with them: where they are, and what is
  // in them.
  std::vector<LogPosition> small_;
  std::string small_entries_;
  uint64_t small_count_ = 0;
};

}  // namespace innkeeper::storage::embedded

#endif  // INNKEEPER_STORAGE_ROCKSDB_LOG_WRITER_H_
