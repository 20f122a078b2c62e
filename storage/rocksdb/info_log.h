// File: storage/rocksdb/info_log.h

#ifndef INNKEEPER_STORAGE_ROCKSDB_INFO_LOG_H_
#define INNKEEPER_STORAGE_ROCKSDB_INFO_LOG_H_

#include <cstdarg>
#include <cstdio>

#include <glog/logging.h>

#include "rocksdb/env.h"

namespace innkeeper::storage::embedded {

// Writes RocksDB's warnings and errors to the server's log. A log file of RocksDB's own, beside
// the database, is no good on a disk that is full: Debian's build ends the process when it
// writes on after a write that failed. Thread-safe.
class InfoLog final : public rocksdb::Logger {
 public:
  InfoLog() : Logger(rocksdb::InfoLogLevel::WARN_LEVEL) {}

  using Logger::Logv;
  void Logv(const rocksdb::InfoLogLevel level, const char* format, va_list arguments) override {
    // Headers, which tell of options, have the highest level.
    const bool is_header = level == rocksdb::InfoLogLevel::HEADER_LEVEL;
    if (level < GetInfoLogLevel() || is_header) return;
    char text[1024];
    std::vsnprintf(text, sizeof(text), format, arguments);
    LOG(WARNING) << "rocksdb: " << text;
  }
  void Logv(const char*, va_list) override {}
};

}  // namespace innkeeper::storage::embedded

#endif  // INNKEEPER_STORAGE_ROCKSDB_INFO_LOG_H_
