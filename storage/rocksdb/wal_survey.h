// File: storage/rocksdb/wal_survey.h
//
// A look at a database before it is opened, for holes in its write-ahead log.
//
// Opening a RocksDB database replays its write-ahead log up to the first damage
// and forgets the rest. That is right for the end of the log, where a crash cuts
// a write short that nobody was told of, and silent loss anywhere else. So the
// log is first read through without changing anything, past damage, following
// the chain of batches (format.h).

#ifndef INNKEEPER_STORAGE_ROCKSDB_WAL_SURVEY_H_
#define INNKEEPER_STORAGE_ROCKSDB_WAL_SURVEY_H_

#include <memory>

#include "absl/status/statusor.h"
#include "storage/engine.h"
#include "storage/rocksdb/database.h"

namespace innkeeper::storage::embedded {

// What a database will hold once it is opened.
struct WalSurvey {
  uint64_t incarnation = 0;
  Revision revision = 0;
};

// Surveys the database. Errors: as of Database::Open; FAILED_PRECONDITION if it
// has another version of the format; DATA_LOSS if it is damaged, or commits are
// missing between its table files and its log or within its log.
absl::StatusOr<WalSurvey> SurveyWal(const DatabaseOptions& options);

// Opens the database for reading as of `revision`, with which a batch must have ended,
// changing nothing. Errors: as of SurveyWal; DATA_LOSS if the database no longer shows that
// revision.
absl::StatusOr<std::unique_ptr<Database>> OpenAsOf(const DatabaseOptions& options,
                                                   Revision revision);

}  // namespace innkeeper::storage::embedded

#endif  // INNKEEPER_STORAGE_ROCKSDB_WAL_SURVEY_H_
