// File: storage/rocksdb/reader.h
//
// Reading a database. Errors of all: DATA_LOSS if stored bytes are damaged,
// UNAVAILABLE if they can't be read. Thread-safe.

#ifndef INNKEEPER_STORAGE_ROCKSDB_READER_H_
#define INNKEEPER_STORAGE_ROCKSDB_READER_H_

#include <memory>
#include <optional>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "rocksdb/options.h"
#include "storage/engine.h"
#include "storage/rocksdb/database.h"

namespace innkeeper::storage::embedded {

// Returns the value under `key` as of `options`.
absl::StatusOr<std::optional<Versioned>> ReadValue(const Database& database,
                                                   const rocksdb::ReadOptions& options,
                                                   absl::string_view key);

// Called with the head of the log that a snapshot has told of; thread-safe.
using HeadSeen = absl::AnyInvocable<void(LogPosition head) const>;

// Returns the database as it is now. The snapshot keeps it open.
std::unique_ptr<Snapshot> MakeSnapshot(std::shared_ptr<const Database> database, ReadTier tier,
                                       HeadSeen head_seen);

}  // namespace innkeeper::storage::embedded

#endif  // INNKEEPER_STORAGE_ROCKSDB_READER_H_
