// File: storage/rocksdb/database.h
//
// A RocksDB database with our column families and our options.

#ifndef INNKEEPER_STORAGE_ROCKSDB_DATABASE_H_
#define INNKEEPER_STORAGE_ROCKSDB_DATABASE_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <glog/logging.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rocksdb/db.h"
#include "rocksdb/env.h"
#include "rocksdb/wal_filter.h"
#include "storage/engine.h"
#include "storage/rocksdb/database_options.h"
#include "storage/rocksdb/format.h"
#include "storage/rocksdb/trimmed_log_filter.h"

namespace innkeeper::storage::embedded {

struct DatabaseOptions {
  std::string path;
  size_t block_cache_bytes = 0;
  size_t write_buffer_bytes = 0;
  rocksdb::Env* env = nullptr;
};

// What the meta column family says.
struct Meta {
  uint64_t format = kFormatVersion;
  uint64_t incarnation = 0;
  Head head;
  LogPosition oldest = 1;
  std::vector<LogEpoch> epochs;
  AuditHead audit;
};

// Thread-safe, but for Close(). Errors: as of FromRocksDb.
class Database {
 public:
  // Makes a database, which must not exist, with `incarnation` and no data;
  // returns when that is durable.
  static absl::Status Create(const DatabaseOptions& options, uint64_t incarnation);

  // Opens a database that must exist. What its write-ahead log holds up to the
  // first damage becomes part of it, and the rest is gone: see wal_survey.h for
  // what to make sure of before.
  static absl::StatusOr<std::unique_ptr<Database>> Open(const DatabaseOptions& options);

  // Opens a database that must exist for reading, changing nothing on disk. Shows
  // each readable batch of its write-ahead log to `filter`, skipping damage.
  static absl::StatusOr<std::unique_ptr<Database>> OpenToSurvey(const DatabaseOptions& options,
                                                                rocksdb::WalFilter& filter);

  // Opens a database that must exist for reading, changing nothing on disk, with what its
  // write-ahead log holds as far as `filter` lets it through, skipping damage. It can be
  // read although its files are removed meanwhile.
  static absl::StatusOr<std::unique_ptr<Database>> OpenToRead(
      const DatabaseOptions& options, std::unique_ptr<rocksdb::WalFilter> filter);

  // Closes as it is, ignoring errors.
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Crashes after Close().
  rocksdb::DB& db() const {
    CHECK(db_ != nullptr) << "the store is closed";
    return *db_;
  }

  rocksdb::ColumnFamilyHandle* data() const { return handles_[0]; }
  rocksdb::ColumnFamilyHandle* log() const { return handles_[1]; }
  rocksdb::ColumnFamilyHandle* meta() const { return handles_[2]; }

  // Reads the meta column family, as this version of our format has it. Errors:
  // FAILED_PRECONDITION if the database has a version that we don't know.
  absl::StatusOr<Meta> ReadMeta() const;

  // Gives a database of an older version this one; `meta` is what ReadMeta() said.
  // Returns when that is durable and in table files.
  absl::Status UpgradeFormat(const Meta& meta);

  // Reads where the store stands, as of `options`.
  absl::StatusOr<Head> ReadHead(const rocksdb::ReadOptions& options) const;

  // Reads the head of the audit log as of `options`.
  absl::StatusOr<AuditHead> ReadAuditHead(const rocksdb::ReadOptions& options) const;

  // Reads the oldest log position as of `options`.
  absl::StatusOr<LogPosition> ReadOldest(const rocksdb::ReadOptions& options) const;

  // Lets log entries below `oldest` go when their files are compacted. That must be
  // the durable oldest position.
  void SetOldest(LogPosition oldest) { trimmed_->SetOldest(oldest); }

  // Returns what the database tells of itself: nothing of commits and the log.
  EngineStats stats() const;

  // Returns the error of work on table files after which the database takes no writes, if
  // there was one. Errors: as of FromRocksDb.
  absl::Status BackgroundError() const;

  // Moves everything from memory to table files.
  absl::Status Flush();

  // Ends the work on table files, and waits for what is under way, so that nothing on disk
  // changes any more. The database can still be read.
  void StopBackgroundWork();

  // Closes it. Errors: FAILED_PRECONDITION, changing nothing, if snapshots are
  // left. No function may be called after it.
  absl::Status Close();

 private:
  Database(std::unique_ptr<rocksdb::DB> db, std::vector<rocksdb::ColumnFamilyHandle*> handles,
           std::unique_ptr<TrimmedLogFilter> trimmed, std::shared_ptr<BackgroundErrors> errors);

  static absl::StatusOr<std::unique_ptr<Database>> OpenAs(const std::string& path,
                                                          DatabaseSetup setup, bool read_only);

  absl::StatusOr<std::string> ReadMetaRow(const rocksdb::ReadOptions& options,
                                          absl::string_view key) const;
  absl::StatusOr<uint64_t> ReadMetaInteger(const rocksdb::ReadOptions& options,
                                           absl::string_view key) const;
  absl::StatusOr<uint64_t> ReadFormat() const;
  absl::StatusOr<std::vector<LogEpoch>> ReadEpochs() const;
  void DestroyHandles();

  std::unique_ptr<TrimmedLogFilter> trimmed_;       // the database uses it
  std::unique_ptr<rocksdb::WalFilter> wal_filter_;  // the database may use it
  std::shared_ptr<BackgroundErrors> errors_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
};

}  // namespace innkeeper::storage::embedded

#endif  // INNKEEPER_STORAGE_ROCKSDB_DATABASE_H_
