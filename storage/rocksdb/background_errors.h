// File: storage/rocksdb/background_errors.h

#ifndef INNKEEPER_STORAGE_ROCKSDB_BACKGROUND_ERRORS_H_
#define INNKEEPER_STORAGE_ROCKSDB_BACKGROUND_ERRORS_H_

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "rocksdb/listener.h"
#include "rocksdb/status.h"

namespace innkeeper::storage::embedded {

// Keeps the error after which a database takes no more writes, and keeps RocksDB from taking
// them again by itself: the engine sees to that (docs/decisions/0031). An error of a
// compaction for want of space does not end them; RocksDB tries that again. Thread-safe.
class BackgroundErrors final : public rocksdb::EventListener {
 public:
  // The first such error; OK while there is none.
  rocksdb::Status first() const {
    absl::MutexLock lock(&mutex_);
    return first_;
  }

  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* error) override {
    if (error->severity() < rocksdb::Status::Severity::kHardError) return;
    absl::MutexLock lock(&mutex_);
    if (first_.ok()) first_ = *error;
  }

  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status error,
                            bool* auto_recovery) override {
    if (error.severity() >= rocksdb::Status::Severity::kHardError) *auto_recovery = false;
  }

 private:
  mutable absl::Mutex mutex_;
  rocksdb::Status first_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace innkeeper::storage::embedded

#endif  // INNKEEPER_STORAGE_ROCKSDB_BACKGROUND_ERRORS_H_
