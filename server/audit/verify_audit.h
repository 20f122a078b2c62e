// File: server/audit/verify_audit.h
//
// The use case VerifyAudit: whether the audit log is intact.

#ifndef INNKEEPER_SERVER_AUDIT_VERIFY_AUDIT_H_
#define INNKEEPER_SERVER_AUDIT_VERIFY_AUDIT_H_

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "innkeeper/v1/audit_log.pb.h"
#include "storage/audit_chain.h"
#include "storage/engine.h"

namespace innkeeper::audit {

// What to verify; see v1::VerifyAuditRequest.
struct Verification {
  uint64_t first_number = 1;
  std::optional<storage::AuditHead> anchor;  // at `first_number` - 1 or behind it
  int64_t max_entries = 1'000'000;
};

// Walks through the log as it is now, in memory that does not grow with it. Blocks, some
// microseconds an entry. Errors of Snapshot, but for DATA_LOSS, which is an answer.
absl::StatusOr<v1::VerifyAuditResponse> VerifyAudit(const storage::Engine& engine,
                                                    const Verification& verification);

}  // namespace innkeeper::audit

#endif  // INNKEEPER_SERVER_AUDIT_VERIFY_AUDIT_H_
