// File: server/audit/export_audit.h
//
// The use case ExportAudit: the audit log, a piece at a time.

#ifndef INNKEEPER_SERVER_AUDIT_EXPORT_AUDIT_H_
#define INNKEEPER_SERVER_AUDIT_EXPORT_AUDIT_H_

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "innkeeper/v1/audit_log.pb.h"
#include "storage/engine.h"

namespace innkeeper::audit {

// An export under way. Between two pieces nothing of the store is held. Not thread-safe;
// its methods may block on the disk.
class AuditExport {
 public:
  // Begins an export of the entries from `first_number` on, or from the first that is there, up to
  // the present head. `engine` must outlive the export. Errors of Snapshot.
  static absl::StatusOr<AuditExport> Begin(const storage::Engine& engine, uint64_t first_number);

  // Returns the next message; nothing behind the last. After an error the export is over.
  // Errors: DATA_LOSS if entries are missing or damaged, also those that were removed for their
  // age since the export began; else those of Snapshot.
  absl::StatusOr<std::optional<v1::ExportAuditResponse>> Next();

 private:
  AuditExport(const storage::Engine& engine, uint64_t next, uint64_t last)
      : engine_(&engine), next_(next), last_(last) {}

  const storage::Engine* engine_;
  uint64_t next_;
  bool has_begun_ = false;  // from then on entries that are missing are an error
  uint64_t last_;
};

}  // namespace innkeeper::audit

#endif  // INNKEEPER_SERVER_AUDIT_EXPORT_AUDIT_H_
