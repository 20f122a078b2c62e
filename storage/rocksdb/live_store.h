// File: storage/rocksdb/live_store.h
//
// The open store that readers and the committer share, and how it is opened anew behind
// their backs after a write failed.
//
// RocksDB 7.8.3 can't be relied on to take writes again after it failed to write its
// write-ahead log, and what the failed write left in the file is unknown. So the database is
// closed and opened again, with all that recovery.h does when a server starts. Readers do
// not notice: before, they are given a database that is only open for reading, which shows
// what the failed one showed.

#ifndef INNKEEPER_STORAGE_ROCKSDB_LIVE_STORE_H_
#define INNKEEPER_STORAGE_ROCKSDB_LIVE_STORE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "rocksdb/file_system.h"
#include "storage/rocksdb/database.h"
#include "storage/rocksdb/durable_head.h"
#include "storage/rocksdb/recovery.h"
#include "storage/rocksdb/store_directory.h"

namespace innkeeper::storage::embedded {

class LiveStore {
 public:
  // `store` was recovered from `directory` with `options`.
  LiveStore(StoreDirectory directory, DatabaseOptions options, RecoveredStore store);

  // The database as it is to be read; it stays open as long as somebody has it. Thread-safe.
  std::shared_ptr<Database> database() const;

  // How many bytes the disk has left for the store; nothing if it can't tell. Thread-safe.
  std::optional<uint64_t> FreeBytes() const;

  // The rest is for one thread at a time.

  // What to write to. Not after a Reopen() that failed.
  Database& writable() { return *current_; }
  DurableHeadWriter& durable_head() { return *durable_head_; }

  // Opens the store anew after a write failed, and returns where it stands; the failed write
  // is whole or gone. Goes about it only if the disk can be written and has `room` bytes
  // left beside what is in memory, and if all who read the failed database are done within
  // `patience`: until then nothing is lost by trying again. Blocks. Errors: UNAVAILABLE if it
  // is worth trying again; else those of RecoverStore, which only a restart can mend, if
  // that. The database is read as before in either case.
  absl::StatusOr<Meta> Reopen(uint64_t room, absl::Duration patience);

  // Closes the database, with all in table files if it is `sound`, that is, if no write
  // failed since it was opened. Errors: FAILED_PRECONDITION, changing nothing, if somebody
  // reads; else what kept it from closing cleanly.
  absl::Status Close(bool sound);

 private:
  using Gone = std::shared_ptr<absl::Notification>;

  absl::Status CheckDisk(uint64_t room) const;
  rocksdb::IOStatus WriteProbe() const;
  absl::Status RetireToReader();
  void Publish(std::unique_ptr<Database> database);
  bool IsRead() const;

  std::optional<StoreDirectory> directory_;  // until the store is closed
  DatabaseOptions options_;
  const std::shared_ptr<rocksdb::FileSystem> file_system_;
  std::optional<DurableHeadWriter> durable_head_;
  std::shared_ptr<Database> current_;  // as published_
  Gone current_gone_;                  // when nobody has `current_` any more
  bool is_reader_ = false;             // `current_` is open for reading only
  Gone failed_gone_;                   // when nobody has the one before it any more
  std::vector<Gone> retired_;          // when nobody has those before any more

  mutable absl::Mutex mutex_;
  std::shared_ptr<Database> published_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace innkeeper::storage::embedded

#endif  // INNKEEPER_STORAGE_ROCKSDB_LIVE_STORE_H_
