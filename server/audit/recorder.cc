#include "server/audit/recorder.h"

#include "absl/time/time.h"
#include "server/errors/errors.h"

namespace innkeeper::audit {

bool IsRefusal(const absl::Status& status) {
  if (absl::IsUnauthenticated(status) || absl::IsPermissionDenied(status)) return true;
  const v1::ErrorReason reason = ReasonOf(status);
  return reason == v1::ERROR_REASON_ROOM_NOT_FOUND ||
         reason == v1::ERROR_REASON_SUBSCRIPTION_NOT_FOUND ||
         reason == v1::ERROR_REASON_APPROVAL_NOT_FOUND;
}

void Recorder::RecordRefusal(const Origin& origin, const absl::Status& refusal) {
  if (buckets_.Take("", clock_()) > absl::ZeroDuration()) {
    suppressed_.fetch_add(1);
    metrics_.suppressed_refusals.Add();
    return;
  }
  v1::AuditEntry entry = NewEntry(origin, random_);
  entry.set_outcome(v1::AUDIT_OUTCOME_REFUSED);
  entry.set_code(static_cast<int32_t>(refusal.code()));
  entry.set_reason(ReasonName(ReasonOf(refusal)));
  Commit(std::move(entry), 1);
}

void Recorder::RecordSuppressed() {
  if (suppressed_.load() == 0) return;
  v1::AuditEntry entry = NewEntry(Maintenance(), random_);
  entry.set_outcome(v1::AUDIT_OUTCOME_REFUSED);
  Commit(std::move(entry), 0);
}

void Recorder::Commit(v1::AuditEntry entry, int64_t refusals) {
  const int64_t suppressed = suppressed_.exchange(0);
  entry.set_suppressed_count(suppressed);
  storage::CommitRequest request;
  request.audit_entries.push_back(entry.SerializeAsString());
  engine_.Commit(std::move(request), [this, suppressed, refusals](const auto& result) {
    const auto count = static_cast<uint64_t>(refusals);
    if (result.status.ok()) return metrics_.recorded_refusals.Add(count);
    suppressed_.fetch_add(suppressed + refusals);
    metrics_.dropped_refusals.Add(count);
  });
}

}  // namespace innkeeper::audit
