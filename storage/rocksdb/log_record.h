// File: storage/rocksdb/log_record.h
//
// A record of the log: consecutive entries, which stand under the position of the last.
// Their layout: format.h.

#ifndef INNKEEPER_STORAGE_ROCKSDB_LOG_RECORD_H_
#define INNKEEPER_STORAGE_ROCKSDB_LOG_RECORD_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "storage/engine.h"

namespace innkeeper::storage::embedded {

// Appends to `entries`, those of a record, the next one.
void AppendLogEntry(Revision revision, absl::Time commit_time, absl::string_view payload,
                    std::string& entries);

// Returns the record of the entries in `entries`, `count` in number, the last of which is at
// `last`. `sealer` may be null.
std::string EncodeLogRecord(LogPosition last, uint64_t count, absl::string_view entries,
                            const LogSealer* sealer);

// Returns the position of the first entry of the record `bytes`, which stands under `last`;
// nothing if it is damaged, as far as that shows without opening its seal.
std::optional<LogPosition> FirstOfLogRecord(LogPosition last, absl::string_view bytes);

// Returns the entries of the record `bytes`, which stands under `last`, in their order. `sealer`
// is what it was sealed with, if anything; `buffer` is for what that opens. The entries refer
// to `bytes` or `buffer`. DATA_LOSS if it is damaged, or has not as many entries as it says.
absl::StatusOr<std::vector<LogEntryView>> OpenLogRecord(LogPosition last, absl::string_view bytes,
                                                        const LogSealer* sealer,
                                                        std::string& buffer);

}  // namespace innkeeper::storage::embedded

#endif  // INNKEEPER_STORAGE_ROCKSDB_LOG_RECORD_H_
