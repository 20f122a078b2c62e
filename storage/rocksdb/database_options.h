// File: storage/rocksdb/database_options.h
//
// How RocksDB is set up, and why. docs/decisions/0002 tells the reasons for
// what concerns recovery.

#ifndef INNKEEPER_STORAGE_ROCKSDB_DATABASE_OPTIONS_H_
#define INNKEEPER_STORAGE_ROCKSDB_DATABASE_OPTIONS_H_

#include <cstddef>
#include <memory>
#include <vector>

#include "rocksdb/db.h"
#include "rocksdb/env.h"
#include "rocksdb/options.h"
#include "storage/rocksdb/background_errors.h"

namespace innkeeper::storage::embedded {

struct DatabaseSetup {
  rocksdb::DBOptions database;
  // The column families data, log and meta, in this order.
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  // Told of what goes wrong with the database.
  std::shared_ptr<BackgroundErrors> errors;
};

// Returns the set-up of a database whose memory is bounded by one block cache,
// which index, filter and write buffers are charged to, and by one budget for
// the write buffers within it. Both in bytes. `env` may be null.
DatabaseSetup MakeDatabaseSetup(size_t block_cache_bytes, size_t write_buffer_bytes,
                                rocksdb::Env* env);

}  // namespace innkeeper::storage::embedded

#endif  // INNKEEPER_STORAGE_ROCKSDB_DATABASE_OPTIONS_H_
