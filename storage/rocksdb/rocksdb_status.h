// File: storage/rocksdb/rocksdb_status.h
//
// The border to RocksDB's own types.

#ifndef INNKEEPER_STORAGE_ROCKSDB_ROCKSDB_STATUS_H_
#define INNKEEPER_STORAGE_ROCKSDB_ROCKSDB_STATUS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "rocksdb/slice.h"
#include "rocksdb/status.h"
#include "storage/engine.h"

namespace innkeeper::storage::embedded {

inline rocksdb::Slice ToSlice(absl::string_view bytes) { return {bytes.data(), bytes.size()}; }

inline absl::string_view FromSlice(const rocksdb::Slice& bytes) {
  return {bytes.data(), bytes.size()};
}

// Returns OK for OK, else an error whose message starts with `doing`:
//   DATA_LOSS            damaged or missing files;
//   FAILED_PRECONDITION  files that this build does not understand;
//   NotInMemory()        what was asked for is on the disk, where it was not to be looked for;
//   UNAVAILABLE          all else: files that can't be read or written now.
// Messages name files, never keys or values.
absl::Status FromRocksDb(const rocksdb::Status& status, absl::string_view doing);

// Returns UNAVAILABLE, saying that the disk is full and `what`.
absl::Status NoSpace(absl::string_view what);

// Returns why the disk took no writes, given an error of one: never kNone.
WriteTrouble TroubleOf(const absl::Status& error);

}  // namespace innkeeper::storage::embedded

#endif  // INNKEEPER_STORAGE_ROCKSDB_ROCKSDB_STATUS_H_
