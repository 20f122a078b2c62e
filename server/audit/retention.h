// File: server/audit/retention.h

#ifndef INNKEEPER_SERVER_AUDIT_RETENTION_H_
#define INNKEEPER_SERVER_AUDIT_RETENTION_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "storage/engine.h"

namespace innkeeper::audit {

// Removes old entries of the audit log. For one thread at a time.
class Retention {
 public:
  // `engine` must outlive this. Entries stay for `max_age`.
  Retention(storage::Engine& engine, absl::Duration max_age) : engine_(engine), max_age_(max_age) {}

  // Removes the entries that are too old at `now`, oldest first, up to the first that is not;
  // the newest entry always stays, for the log to end with. Only deletes, so that a disk that
  // is full lets it. Blocks. Errors: those of Snapshot and of CommitResult.
  absl::Status Enforce(absl::Time now);

 private:
  storage::Engine& engine_;
  const absl::Duration max_age_;
  uint64_t oldest_ = 0;  // there are no entries below it
};

}  // namespace innkeeper::audit

#endif  // INNKEEPER_SERVER_AUDIT_RETENTION_H_
