// File: server/rpc/audit_requests.h
//
// From the requests of AuditLog to what its use cases take. Pure functions.

#ifndef INNKEEPER_SERVER_RPC_AUDIT_REQUESTS_H_
#define INNKEEPER_SERVER_RPC_AUDIT_REQUESTS_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "innkeeper/v1/audit_log.pb.h"
#include "server/audit/verify_audit.h"

namespace innkeeper::rpc {

// Return the number of the first entry, and what to verify. Errors: INVALID_ARGUMENT with a
// BadRequest that names every field that was found wrong.
absl::StatusOr<uint64_t> FirstNumberIn(const v1::ExportAuditRequest& request);
absl::StatusOr<audit::Verification> ToVerification(const v1::VerifyAuditRequest& request);

}  // namespace innkeeper::rpc

#endif  // INNKEEPER_SERVER_RPC_AUDIT_REQUESTS_H_
