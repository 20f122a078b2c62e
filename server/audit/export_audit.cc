#include "server/audit/export_audit.h"

#include <cstddef>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/values/timestamp.h"
#include "storage/audit_chain.h"

namespace innkeeper::audit {
namespace {

// A message ends once it has so many entries or bytes. Small enough that neither the thread
// nor the memory that it takes is missed elsewhere.
constexpr int kMaxRecords = 200;
constexpr size_t kMaxBytes = size_t{128} << 10;

absl::Status Missing(uint64_t first, uint64_t last) {
  return absl::DataLossError(absl::StrCat("audit entries ", first, " to ", last,
                                          " are missing, or were removed for their age while "
                                          "they were exported"));
}

v1::AuditRecord ToProto(uint64_t number, absl::string_view value,
                        const storage::AuditValue& parts) {
  v1::AuditRecord record;
  record.set_number(static_cast<int64_t>(number));
  SetTimestamp(absl::ToUnixMicros(parts.commit_time), record.mutable_commit_time());
  record.set_previous_hash(std::string(storage::BytesOf(parts.previous_hash)));
  record.set_hash(std::string(storage::BytesOf(storage::HashAuditEntry(number, value))));
  record.set_payload(std::string(parts.payload));
  // Whoever reads the export has the payload, whatever it is.
  if (!record.mutable_entry()->ParseFromString(record.payload())) record.clear_entry();
  return record;
}

}  // namespace

absl::StatusOr<AuditExport> AuditExport::Begin(const storage::Engine& engine,
                                               uint64_t first_number) {
  const absl::StatusOr<storage::AuditHead> head = engine.NewSnapshot()->audit_head();
  if (!head.ok()) return head.status();
  return AuditExport(engine, first_number, head->number);
}

absl::StatusOr<std::optional<v1::ExportAuditResponse>> AuditExport::Next() {
  if (next_ > last_) return std::nullopt;
  v1::ExportAuditResponse response;
  size_t bytes = 0;
  absl::Status status;
  const absl::Status scanned = engine_->NewSnapshot()->Scan(
      storage::AuditKey(next_), storage::AuditKey(last_ + 1),
      [&](absl::string_view key, absl::string_view value, storage::Revision) {
        const std::optional<uint64_t> number = storage::ParseAuditKey(key);
        const std::optional<storage::AuditValue> parts = storage::ParseAuditValue(value);
        if (!number || !parts) {
          status = absl::DataLossError(
              absl::StrCat("the audit entry behind ", next_ - 1, " is damaged"));
          return false;
        }
        if (has_begun_ && *number != next_) {
          status = Missing(next_, *number - 1);
          return false;
        }
        has_begun_ = true;
        *response.add_records() = ToProto(*number, value, *parts);
        next_ = *number + 1;
        bytes += value.size();
        return response.records_size() < kMaxRecords && bytes < kMaxBytes;
      });
  // What was read before something that is damaged is good; the next call meets that.
  if (response.records_size() > 0) return response;
  status.Update(scanned);
  if (!status.ok()) return status;
  return Missing(next_, last_);
}

}  // namespace innkeeper::audit
