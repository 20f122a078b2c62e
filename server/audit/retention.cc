#include "server/audit/retention.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/audit_chain.h"

namespace innkeeper::audit {
namespace {

constexpr size_t kDeletedAtOnce = 500;

}  // namespace

absl::Status Retention::Enforce(absl::Time now) {
  while (true) {
    storage::CommitRequest deletes;
    const std::unique_ptr<storage::Snapshot> snapshot = engine_.NewSnapshot();
    const absl::StatusOr<storage::AuditHead> head = snapshot->audit_head();
    if (!head.ok()) return head.status();
    absl::Status scanned = snapshot->Scan(
        storage::AuditKey(oldest_), storage::AuditKey(head->number),
        [&](absl::string_view key, absl::string_view value, storage::Revision) {
          oldest_ = storage::ParseAuditKey(key).value_or(oldest_);
          const std::optional<storage::AuditValue> entry = storage::ParseAuditValue(value);
          if (!entry || entry->commit_time + max_age_ > now) return false;
          deletes.writes.push_back({std::string(key), std::nullopt});
          return deletes.writes.size() < kDeletedAtOnce;
        });
    if (!scanned.ok()) return scanned;
    if (deletes.writes.empty()) return absl::OkStatus();
    const storage::CommitResult result = CommitAndWait(engine_, std::move(deletes));
    if (!result.status.ok()) return result.status;
  }
}

}  // namespace innkeeper::audit
