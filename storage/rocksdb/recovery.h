// File: storage/rocksdb/recovery.h
//
// Opening a store so that nothing that was acknowledged is lost unnoticed.

#ifndef INNKEEPER_STORAGE_ROCKSDB_RECOVERY_H_
#define INNKEEPER_STORAGE_ROCKSDB_RECOVERY_H_

#include <memory>

#include "absl/status/statusor.h"
#include "storage/rocksdb/database.h"
#include "storage/rocksdb/durable_head.h"
#include "storage/rocksdb/store_directory.h"

namespace innkeeper::storage::embedded {

// An open store.
struct RecoveredStore {
  std::unique_ptr<Database> database;
  DurableHeadWriter durable_head;
  Meta meta;
};

// Opens the store in `directory`, whose database must exist; `options.path` is
// ignored. Errors: as of SurveyWal and ReadDurableHead, and DATA_LOSS if the store
// ends before its durable head, or its log or audit log does not fit its head. Damage to the
// write-ahead log is found before anything is changed.
absl::StatusOr<RecoveredStore> RecoverStore(const StoreDirectory& directory,
                                            DatabaseOptions options);

}  // namespace innkeeper::storage::embedded

#endif  // INNKEEPER_STORAGE_ROCKSDB_RECOVERY_H_
