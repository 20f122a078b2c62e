// File: storage/rocksdb/log_reader.h
//
// Reading the log of a database.

#ifndef INNKEEPER_STORAGE_ROCKSDB_LOG_READER_H_
#define INNKEEPER_STORAGE_ROCKSDB_LOG_READER_H_

#include <cstddef>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/engine.h"
#include "storage/rocksdb/database.h"

namespace innkeeper::storage::embedded {

// As Engine::ReadLog, of a log whose head is `head`. Thread-safe, also while the
// log is trimmed.
absl::StatusOr<std::vector<LogEntry>> ReadLogEntries(const Database& database, LogPosition head,
                                                     LogPosition from, size_t max_entries,
                                                     size_t max_bytes);

}  // namespace innkeeper::storage::embedded

#endif  // INNKEEPER_STORAGE_ROCKSDB_LOG_READER_H_
