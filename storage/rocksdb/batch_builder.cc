#include "storage/rocksdb/batch_builder.h"

#include <algorithm>
#include <array>
#include <optional>

#include <glog/logging.h>

#include "storage/rocksdb/format.h"
#include "storage/rocksdb/rocksdb_status.h"

namespace innkeeper::storage::embedded {
namespace {

// RocksDB checks each key and value of a batch against a checksum taken here.
constexpr size_t kProtectionBytesPerKey = 8;

}  // namespace

BatchBuilder::BatchBuilder(const Database& database, const Meta& meta)
    : database_(database),
      log_(database, meta.head.position),
      head_(meta.head),
      oldest_(meta.oldest),
      audit_(meta.audit),
      new_epochs_(EncodeEpochs(meta.epochs)),
      batch_(/*reserved_bytes=*/0, /*max_bytes=*/0, kProtectionBytesPerKey,
             /*default_cf_ts_sz=*/0) {
  Begin();
}

void BatchBuilder::Begin() {
  batch_.Clear();
  overlay_.clear();
  audit_keys_.clear();
  head_.previous = head_.revision;
  written_position_ = head_.position;
  written_audit_entries_ = audit_.number;
}

CommitResult BatchBuilder::Add(const CommitRequest& request, absl::Time commit_time) {
  for (size_t i = 0; i < request.preconditions.size(); ++i) {
    absl::Status status = CheckPrecondition(request.preconditions[i]);
    if (!status.ok()) return {.status = std::move(status), .failed_precondition = i};
  }
  ++head_.revision;
  for (const Write& write : request.writes) AddWrite(write);
  const LogPosition first_position = request.log_entries.empty() ? 0 : head_.position + 1;
  for (const std::string& payload : request.log_entries) {
    ++head_.position;
    log_.Append(head_.revision, commit_time, payload, batch_);
  }
  for (const std::string& payload : request.audit_entries) AddAuditEntry(payload, commit_time);
  return {.revision = head_.revision, .first_position = first_position};
}

CommitResult BatchBuilder::AddTrim(LogPosition before) {
  before = std::min(before, written_position_ + 1);
  if (before <= oldest_) return {};
  PutMeta(kOldestKey, StoredInteger(before).bytes());
  oldest_ = before;
  return {};
}

rocksdb::WriteBatch& BatchBuilder::Finish() {
  log_.Finish(batch_);
  if (head_.position > written_position_ && !new_epochs_.empty()) {
    PutMeta(kEpochsKey, new_epochs_);
    new_epochs_.clear();
  }
  if (audit_.number > written_audit_entries_) PutMeta(kAuditKey, EncodeAuditHead(audit_));
  PutMeta(kHeadKey, EncodeHead(head_));
  return batch_;
}

absl::Status BatchBuilder::CheckPrecondition(const Precondition& precondition) {
  const absl::StatusOr<Revision> revision = RevisionOf(precondition.key);
  if (!revision.ok()) return revision.status();
  if (*revision == precondition.revision) return absl::OkStatus();
  return absl::AbortedError("a precondition does not hold");
}

absl::StatusOr<Revision> BatchBuilder::RevisionOf(absl::string_view key) {
  if (const auto it = overlay_.find(key); it != overlay_.end()) return it->second;
  rocksdb::PinnableSlice bytes;
  const rocksdb::Status status =
      database_.db().Get(rocksdb::ReadOptions(), database_.data(), ToSlice(key), &bytes);
  if (status.IsNotFound()) return Revision{0};
  if (!status.ok()) return FromRocksDb(status, "checking a precondition");
  const std::optional<StoredValue> value = ParseValue(FromSlice(bytes));
  if (!value) return absl::DataLossError("checking a precondition: the stored value is damaged");
  return value->revision;
}

void BatchBuilder::AddWrite(const Write& write) {
  if (write.value) return AddValue(write.key, *write.value);
  CHECK(batch_.Delete(database_.data(), ToSlice(write.key)).ok());
  overlay_[write.key] = 0;
}

// `key` must stay as it is until the next Begin().
void BatchBuilder::AddValue(absl::string_view key, absl::string_view value) {
  const rocksdb::Slice key_slice = ToSlice(key);
  const StoredInteger revision(head_.revision);
  const std::array<rocksdb::Slice, 2> parts = {ToSlice(revision.bytes()), ToSlice(value)};
  CHECK(batch_.Put(database_.data(), {&key_slice, 1}, {parts.data(), parts.size()}).ok());
  overlay_[key] = head_.revision;
}

void BatchBuilder::AddAuditEntry(absl::string_view payload, absl::Time commit_time) {
  const uint64_t number = audit_.number + 1;
  const std::string& key = audit_keys_.emplace_back(AuditKey(number));
  const std::string value = EncodeAuditValue(audit_.hash, commit_time, payload);
  audit_ = {number, HashAuditEntry(number, value)};
  AddValue(key, sealer_ == nullptr ? value : sealer_->SealAuditEntry(key, value));
}

void BatchBuilder::PutMeta(absl::string_view key, absl::string_view value) {
  CHECK(batch_.Put(database_.meta(), ToSlice(key), ToSlice(value)).ok());
}

}  // namespace innkeeper::storage::embedded
