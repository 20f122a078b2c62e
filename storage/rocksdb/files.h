// File: storage/rocksdb/files.h
//
// Small helpers around the system's file calls.

#ifndef INNKEEPER_STORAGE_ROCKSDB_FILES_H_
#define INNKEEPER_STORAGE_ROCKSDB_FILES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace innkeeper::storage::embedded {

// Returns UNAVAILABLE with a message made of `doing`, `path` and errno.
absl::Status FileError(absl::string_view doing, absl::string_view path);

// Makes the entries of a directory durable. Errors: UNAVAILABLE.
absl::Status SyncDirectory(const std::string& path);

}  // namespace innkeeper::storage::embedded

#endif  // INNKEEPER_STORAGE_ROCKSDB_FILES_H_
