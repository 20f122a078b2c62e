// File: tests/storage/rocksdb/faulty_file_system.h
//
// A file system of the machine whose disk can be made to wait or to fail.

#ifndef INNKEEPER_TESTS_STORAGE_ROCKSDB_FAULTY_FILE_SYSTEM_H_
#define INNKEEPER_TESTS_STORAGE_ROCKSDB_FAULTY_FILE_SYSTEM_H_

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "rocksdb/env.h"
#include "rocksdb/file_system.h"

namespace innkeeper::storage {

// What goes wrong, with which files. Thread-safe.
class Faults {
 public:
  // From now on a sync of the write-ahead log waits before it begins.
  void HoldSyncs();
  // Waits until a sync waits.
  void AwaitHeldSync();
  // Lets syncs go on.
  void ReleaseSyncs();

  // From now on table files can't be made before it is released.
  void HoldTableFiles();
  void ReleaseTableFiles();

  // From now on the write-ahead log takes no appends, or no syncs.
  void FailAppends();
  void FailSyncs();

  // For the file system: called before the operation is done.
  rocksdb::IOStatus BeforeAppend();
  rocksdb::IOStatus BeforeSync();
  void BeforeTableFile();

 private:
  absl::Mutex mutex_;
  bool hold_syncs_ ABSL_GUARDED_BY(mutex_) = false;
  bool sync_is_held_ ABSL_GUARDED_BY(mutex_) = false;
  bool hold_table_files_ ABSL_GUARDED_BY(mutex_) = false;
  bool fail_appends_ ABSL_GUARDED_BY(mutex_) = false;
  bool fail_syncs_ ABSL_GUARDED_BY(mutex_) = false;
};

// Returns the machine's environment, with `faults`, which must outlive it.
std::unique_ptr<rocksdb::Env> MakeFaultyEnv(Faults& faults);

}  // namespace innkeeper::storage

#endif  // INNKEEPER_TESTS_STORAGE_ROCKSDB_FAULTY_FILE_SYSTEM_H_
