// File: storage/rocksdb/store_directory.h
//
// The directory of a store: where its parts are, who has it open, and how the
// database gets there.

#ifndef INNKEEPER_STORAGE_ROCKSDB_STORE_DIRECTORY_H_
#define INNKEEPER_STORAGE_ROCKSDB_STORE_DIRECTORY_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace innkeeper::storage::embedded {

// A locked directory. The lock ends with the object, or with the process.
class StoreDirectory {
 public:
  // Locks the directory at `path`. With `create_if_missing` it may be missing
  // (parents included; it is made for its owner only) or empty, else it must
  // hold a store. Errors:
  //   FAILED_PRECONDITION  there is no store and none may be made, or the
  //                        directory holds something else;
  //   DATA_LOSS            the database of a store is missing;
  //   UNAVAILABLE          another process, or this one, has the store open, or
  //                        the directory can't be used.
  static absl::StatusOr<StoreDirectory> Lock(const std::string& path, bool create_if_missing);

  StoreDirectory(StoreDirectory&& other) noexcept;
  StoreDirectory& operator=(StoreDirectory&&) = delete;
  ~StoreDirectory();

  std::string database_path() const;
  std::string durable_head_path() const;
  // Of a file that is there only while it is tried whether the disk can be written.
  std::string probe_path() const;

  // Makes the database if there is none: `create` makes one at the path it is
  // given, whole and durable, which then appears at database_path() in one step.
  absl::Status EnsureDatabase(const std::function<absl::Status(const std::string&)>& create) const;

 private:
  StoreDirectory(std::string path, int lock_fd);

  std::string path_;
  int lock_fd_;
};

}  // namespace innkeeper::storage::embedded

#endif  // INNKEEPER_STORAGE_ROCKSDB_STORE_DIRECTORY_H_
