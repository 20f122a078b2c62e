// File: storage/rocksdb/log_reader.h
//
// Reading the log of a database.

#ifndef INNKEEPER_STORAGE_ROCKSDB_LOG_READER_H_
#define INNKEEPER_STORAGE_ROCKSDB_LOG_READER_H_

#include "absl/status/status.h"
#include "storage/engine.h"
#include "storage/rocksdb/database.h"

namespace innkeeper::storage::embedded {

// As Engine::ScanLog, of a log that has these bounds, and which `sealer` has sealed unless it
// is null. Thread-safe, also while the log is trimmed.
absl::Status ScanLog(const Database& database, const LogSealer* sealer, LogBounds bounds,
                     LogPosition from, Engine::LogVisitor visit);

}  // namespace innkeeper::storage::embedded

#endif  // INNKEEPER_STORAGE_ROCKSDB_LOG_READER_H_
