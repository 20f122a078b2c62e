// File: storage/log_search.h
//
// Finding a place in the log by its time.

#ifndef INNKEEPER_STORAGE_LOG_SEARCH_H_
#define INNKEEPER_STORAGE_LOG_SEARCH_H_

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "storage/engine.h"

namespace innkeeper::storage {

// Returns the position of the first entry that was committed at or after `time`, among
// those that the log has; the position behind its head if there is none. A binary
// search: blocks. Errors of Engine::ReadLog; OUT_OF_RANGE if the log is trimmed
// meanwhile.
absl::StatusOr<LogPosition> FirstPositionSince(const Engine& engine, absl::Time time);

}  // namespace innkeeper::storage

#endif  // INNKEEPER_STORAGE_LOG_SEARCH_H_
