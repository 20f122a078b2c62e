// The parts of RoomReader and RoomCommit that are about what waits for an approval.

#include <optional>
#include <string>
#include <utility>

#include "storage/keys.h"
#include "storage/record_codec.h"
#include "storage/room_store.h"

namespace innkeeper::storage {
namespace {

std::string ApprovalKey(absl::string_view approval_id) {
  return KeyBuilder(Table::kApproval).Str(approval_id).Build();
}

}  // namespace

absl::StatusOr<std::optional<Stored<ApprovalRecord>>> RoomReader::GetApproval(
    absl::string_view approval_id) const {
  return GetStored<ApprovalRecord>(*snapshot_, ApprovalKey(approval_id));
}

absl::Status RoomReader::ScanApprovals(
    absl::string_view after,
    absl::FunctionRef<bool(std::string approval_id, Stored<ApprovalRecord> approval)> visit) const {
  const std::string prefix = KeyBuilder(Table::kApproval).Build();
  absl::Status status;
  absl::Status scanned = snapshot_->Scan(
      after.empty() ? prefix : KeyAfter(ApprovalKey(after)), PrefixEnd(prefix),
      [&](absl::string_view key, absl::string_view value, Revision revision) {
        std::optional<std::string> approval_id = KeyReader(key).Str();
        absl::StatusOr<ApprovalRecord> record = Decode<ApprovalRecord>(key, value);
        status = approval_id ? record.status() : Damaged(key);
        return status.ok() && visit(*std::move(approval_id), {*std::move(record), revision});
      });
  return scanned.ok() ? status : scanned;
}

void RoomCommit::CreateApproval(absl::string_view approval_id, const ApprovalRecord& record) {
  std::string key = ApprovalKey(approval_id);
  Require(Precondition::Absent(key), Conflict::kApprovalChanged);
  Put(std::move(key), Encode(record));
}

void RoomCommit::EraseApproval(absl::string_view approval_id) {
  PutOrDelete(ApprovalKey(approval_id), false);
}

void RoomCommit::RequireApproval(absl::string_view approval_id, Revision read_revision) {
  Require(Precondition::Unchanged(ApprovalKey(approval_id), read_revision),
          Conflict::kApprovalChanged);
}

}  // namespace innkeeper::storage
