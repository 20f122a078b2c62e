// File: storage/rocksdb/log_space.h
//
// The space that the log takes, and how trimming it gives space back.
//
// The log is written at one end and trimmed at the other, so its table files follow each
// other, but for small records that were written anew as one just behind a flush, and
// compactions rewrite little of it. A tombstone for the trimmed range would spoil that: it
// spans from the oldest position to the newest file, and would drag all that lies between
// through compactions. So trimming only moves the record "oldest", which every reader heeds.
// Files that are wholly below it are then dropped, and what else is below it goes with a
// filter when its file is compacted, which ReclaimLog() has done once there is much of it.

#ifndef INNKEEPER_STORAGE_ROCKSDB_LOG_SPACE_H_
#define INNKEEPER_STORAGE_ROCKSDB_LOG_SPACE_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/engine.h"
#include "storage/rocksdb/database.h"

namespace innkeeper::storage::embedded {

// As Engine::EstimateLogBytes, also of what was trimmed.
absl::StatusOr<uint64_t> EstimateLogBytes(const Database& database, LogPosition begin,
                                          LogPosition end);

// Gives back the space of the log entries below `oldest`, which must be the durable
// record, all but some 16 MiB. Blocks. Readers that are slow to begin may then miss
// entries that were trimmed already.
absl::Status ReclaimLog(Database& database, LogPosition oldest);

}  // namespace innkeeper::storage::embedded

#endif  // INNKEEPER_STORAGE_ROCKSDB_LOG_SPACE_H_
