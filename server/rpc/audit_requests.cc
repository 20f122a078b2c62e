#include "server/rpc/audit_requests.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "server/errors/errors.h"
#include "storage/audit_chain.h"

namespace innkeeper::rpc {
namespace {

// Returns `number`, or 1 for the default.
uint64_t FirstNumber(int64_t number, FieldErrors& errors) {
  if (number < 0) errors.Add("first_number", "must not be negative");
  return static_cast<uint64_t>(std::max<int64_t>(number, 1));
}

std::optional<storage::AuditHead> AnchorIn(const v1::VerifyAuditRequest& request,
                                           uint64_t first_number, FieldErrors& errors) {
  if (!request.has_anchor()) return std::nullopt;
  const std::optional<storage::AuditHash> hash = storage::ParseAuditHash(request.anchor().hash());
  const int64_t number = request.anchor().number();
  if (!hash) {
    errors.Add("anchor.hash", absl::StrCat("must have ", storage::kAuditHashBytes, " bytes"));
  } else if (number == 0 && *hash != storage::kNoAuditHash) {
    errors.Add("anchor.hash", "must be all zeros with the number 0");
  }
  if (number < 0) {
    errors.Add("anchor.number", "must not be negative");
  } else if (static_cast<uint64_t>(number) + 1 < first_number) {
    errors.Add("anchor.number", "must be that of the entry before first_number, or more");
  }
  return storage::AuditHead{static_cast<uint64_t>(number), hash.value_or(storage::kNoAuditHash)};
}

}  // namespace

absl::StatusOr<uint64_t> FirstNumberIn(const v1::ExportAuditRequest& request) {
  FieldErrors errors;
  const uint64_t first_number = FirstNumber(request.first_number(), errors);
  absl::Status valid = errors.ToStatus();
  if (!valid.ok()) return valid;
  return first_number;
}

absl::StatusOr<audit::Verification> ToVerification(const v1::VerifyAuditRequest& request) {
  FieldErrors errors;
  audit::Verification verification;
  verification.first_number = FirstNumber(request.first_number(), errors);
  verification.anchor = AnchorIn(request, verification.first_number, errors);
  if (request.max_entries() < 0) errors.Add("max_entries", "must not be negative");
  if (request.max_entries() > 0) {
    verification.max_entries = std::min<int64_t>(request.max_entries(), verification.max_entries);
  }
  absl::Status valid = errors.ToStatus();
  if (!valid.ok()) return valid;
  return verification;
}

}  // namespace innkeeper::rpc
