// File: storage/rocksdb/rocksdb_engine.h
//
// The embedded engine: a store in a local directory, of one process at a time.
//
//   absl::StatusOr<std::unique_ptr<Engine>> engine =
//       OpenRocksDb({.path = "/var/lib/innkeeper/store"});
//
// How it works: committer.h. What it keeps on disk: format.h. What it does about
// crashes and damage: docs/decisions/0002-recovery-of-the-embedded-store.md; about disks
// that take no writes: docs/decisions/0031-failing-disks.md.

#ifndef INNKEEPER_STORAGE_ROCKSDB_ROCKSDB_ENGINE_H_
#define INNKEEPER_STORAGE_ROCKSDB_ROCKSDB_ENGINE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "storage/engine.h"

namespace rocksdb {
class Env;
}  // namespace rocksdb

namespace innkeeper::storage {

// A batch of commits that was written with one sync.
struct WrittenBatch {
  size_t commits = 0;  // those that failed their preconditions included
  size_t bytes = 0;
  absl::Duration took;  // to write and sync
};

struct RocksDbOptions {
  // The directory of the store. Nothing else may be in it.
  std::string path;

  // Whether a store is made if there is none, in a missing or empty directory. If
  // the directory is missing it is made too, for its owner only.
  bool create_if_missing = true;

  // What the store may take of memory, in bytes, for cached blocks, indexes,
  // filters, and writes that are not in table files yet.
  size_t block_cache_bytes = 256 << 20;

  // The part of it that may be taken by writes that are not in table files yet.
  // More makes for less background work, and a longer start after a crash. Bounds:
  // 4 MiB to half of block_cache_bytes.
  size_t write_buffer_bytes = 64 << 20;

  // How many commits may wait for the committer, and of how many bytes in all; no
  // single commit may be larger. Those beyond are refused at once. Bounds: 1 and 1,
  // and at most 1 GiB.
  size_t max_queued_commits = 10'000;
  size_t max_queued_bytes = 64 << 20;

  // With less than this left free on the disk, commits are refused, in bytes, but for those
  // that only delete something or may use the reserve; so are trims of the log not. 0: none.
  uint64_t min_free_bytes = 0;

  // How long after a write failed the store is opened anew for the first time, and how often
  // the disk is looked at while nobody writes. Later attempts come at twice the distance
  // each, up to 32 times this. More than 0.
  absl::Duration retry_period = absl::Seconds(1);

  // Says when commits are made. Called by one thread at a time, while no other commit is made;
  // must not call the engine.
  absl::AnyInvocable<absl::Time() const> clock = [] { return absl::Now(); };

  // Called with each batch that was written, before anyone is told of it. As `clock`;
  // must be quick. May be empty.
  absl::AnyInvocable<void(const WrittenBatch&)> on_batch;

  // Called whenever Engine::write_state() changes, before anyone is told by a refusal. As `clock`;
  // must be quick. May be empty.
  absl::AnyInvocable<void(const WriteState&)> on_write_state;

  // The file system, for tests that break it. Null for the machine's; not owned.
  rocksdb::Env* env = nullptr;
};

// Opens the store, after making sure that nothing acknowledged is missing from it.
// Takes time in proportion to what was written before the last crash. Errors, each
// saying what is wrong with which path and what can be done:
//   INVALID_ARGUMENT     an option is out of bounds;
//   FAILED_PRECONDITION  there is no store and none may be made, the directory
//                        holds something else, or another version of the format;
//   DATA_LOSS            files are damaged or missing, or commits are;
//   UNAVAILABLE          the store is in use, or files can't be read or written.
absl::StatusOr<std::unique_ptr<Engine>> OpenRocksDb(RocksDbOptions options);

}  // namespace innkeeper::storage

#endif  // INNKEEPER_STORAGE_ROCKSDB_ROCKSDB_ENGINE_H_
