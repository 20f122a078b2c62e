// File: tests/storage/rocksdb/failing_disk.h
//
// A disk that fails at a call of the test's choice, and that loses what was not synced when
// the power is cut.

#ifndef INNKEEPER_TESTS_STORAGE_ROCKSDB_FAILING_DISK_H_
#define INNKEEPER_TESTS_STORAGE_ROCKSDB_FAILING_DISK_H_

#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "rocksdb/env.h"
#include "rocksdb/io_status.h"

namespace innkeeper::storage {

// Which calls fail, of those that change something: files and directories that are made,
// written, synced, closed, renamed or removed. They are counted from 1, all of them or those
// on files whose names end in `suffix`.
struct DiskFault {
  int first = 1;
  int count = std::numeric_limits<int>::max();  // how many in a row
  rocksdb::IOStatus error;
  bool torn = false;   // an append that fails writes half of its bytes
  std::string suffix;  // such as ".sst"
};

// The error of a disk that can't be written any more.
rocksdb::IOStatus BadDisk();
rocksdb::IOStatus FullDisk();
rocksdb::IOStatus ReadOnlyDisk();

// What a power cut makes of bytes that were not synced.
enum class Unsynced {
  kDropped,
  kHalved,  // the second half of each file's is gone
  // Those of write-ahead logs are there, but not as they were written, and others are gone:
  // a manifest that ends in garbage is damage to RocksDB.
  kSpoiled,
};

// The machine's file system, and what the kernel knows of it that the disk does not. A sync
// that fails loses what it was to write for good, as on Linux: it can be read until the power
// is cut, later syncs of the file don't write it again, and what then stands in its place is
// zeros. Thread-safe.
class FailingDisk {
 public:
  FailingDisk();
  ~FailingDisk();

  // To be used by the store. It must not outlive the disk.
  rocksdb::Env* env() const { return env_.get(); }

  // Arranges for faults, instead of others, and counts calls anew.
  void Arrange(std::vector<DiskFault> faults);
  // Ends them.
  void Heal() { Arrange({}); }

  // Whether the last of the faults has begun.
  bool has_failed() const;

  // Says how much room is left; nothing: what the machine says.
  void SetFreeBytes(std::optional<uint64_t> bytes);

  // Makes a copy of the directory `from`, with whatever is in `to` removed, as it would be
  // after a power cut at this moment.
  void CopyAfterPowerCut(const std::filesystem::path& from, const std::filesystem::path& to,
                         Unsynced unsynced) const;

 private:
  class Platters;
  class File;
  class Directory;
  class System;

  const std::shared_ptr<Platters> platters_;
  const std::unique_ptr<rocksdb::Env> env_;
};

}  // namespace innkeeper::storage

#endif  // INNKEEPER_TESTS_STORAGE_ROCKSDB_FAILING_DISK_H_
