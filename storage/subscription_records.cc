// The parts of RoomReader and RoomCommit that are about durable subscriptions.

#include <optional>
#include <string>
#include <utility>

#include "storage/keys.h"
#include "storage/record_codec.h"
#include "storage/room_store.h"

namespace innkeeper::storage {
namespace {

std::string SubscriptionKey(absl::string_view name) {
  return KeyBuilder(Table::kSubscription).Str(name).Build();
}

std::string ProgressKey(absl::string_view name) {
  return KeyBuilder(Table::kSubscriptionProgress).Str(name).Build();
}

std::string ParkedEventPrefix(absl::string_view name) {
  return KeyBuilder(Table::kParkedEvent).Str(name).Build();
}

std::string ParkedEventKey(absl::string_view name, int64_t sequence) {
  return KeyBuilder(Table::kParkedEvent).Str(name).U64(static_cast<uint64_t>(sequence)).Build();
}

// Calls `visit` with the key's components behind the table and the record of each
// entry in [begin, end), until it returns false or an entry is damaged.
template <typename Record, typename Visit>
absl::Status ScanRecords(const Snapshot& snapshot, const std::string& begin, const std::string& end,
                         Visit visit) {
  absl::Status status;
  absl::Status scanned =
      snapshot.Scan(begin, end, [&](absl::string_view key, absl::string_view value, Revision) {
        absl::StatusOr<Record> record = Decode<Record>(key, value);
        status = record.status();
        if (!status.ok()) return false;
        absl::StatusOr<bool> go_on = visit(key, *std::move(record));
        status = go_on.status();
        return status.ok() && *go_on;
      });
  return scanned.ok() ? status : scanned;
}

}  // namespace

absl::StatusOr<std::optional<Stored<SubscriptionRecord>>> RoomReader::GetSubscription(
    absl::string_view name) const {
  return GetStored<SubscriptionRecord>(*snapshot_, SubscriptionKey(name));
}

absl::StatusOr<std::optional<Stored<SubscriptionProgressRecord>>>
RoomReader::GetSubscriptionProgress(absl::string_view name) const {
  return GetStored<SubscriptionProgressRecord>(*snapshot_, ProgressKey(name));
}

absl::Status RoomReader::ScanSubscriptions(
    absl::string_view after, absl::FunctionRef<bool(SubscriptionRecord record)> visit) const {
  const std::string prefix = KeyBuilder(Table::kSubscription).Build();
  return ScanRecords<SubscriptionRecord>(
      *snapshot_, after.empty() ? prefix : KeyAfter(SubscriptionKey(after)), PrefixEnd(prefix),
      [&](absl::string_view, SubscriptionRecord record) -> absl::StatusOr<bool> {
        return visit(std::move(record));
      });
}

absl::Status RoomReader::ScanSubscriptionProgress(
    absl::FunctionRef<bool(SubscriptionProgressRecord record)> visit) const {
  const std::string prefix = KeyBuilder(Table::kSubscriptionProgress).Build();
  return ScanRecords<SubscriptionProgressRecord>(
      *snapshot_, prefix, PrefixEnd(prefix),
      [&](absl::string_view, SubscriptionProgressRecord record) -> absl::StatusOr<bool> {
        return visit(std::move(record));
      });
}

absl::StatusOr<std::optional<Stored<ParkedEventRecord>>> RoomReader::GetParkedEvent(
    absl::string_view name, int64_t sequence) const {
  return GetStored<ParkedEventRecord>(*snapshot_, ParkedEventKey(name, sequence));
}

absl::Status RoomReader::ScanParkedEvents(
    absl::string_view name, int64_t after,
    absl::FunctionRef<bool(int64_t sequence, ParkedEventRecord record)> visit) const {
  return ScanRecords<ParkedEventRecord>(
      *snapshot_, KeyAfter(ParkedEventKey(name, after)), PrefixEnd(ParkedEventPrefix(name)),
      [&](absl::string_view key, ParkedEventRecord record) -> absl::StatusOr<bool> {
        KeyReader reader(key);
        reader.Str();
        const std::optional<uint64_t> sequence = reader.U64();
        if (!sequence) return Damaged(key);
        return visit(static_cast<int64_t>(*sequence), std::move(record));
      });
}

void RoomCommit::CreateSubscription(const SubscriptionRecord& record,
                                    const SubscriptionProgressRecord& progress) {
  std::string key = SubscriptionKey(record.name());
  Require(Precondition::Absent(key), Conflict::kSubscriptionExists);
  Put(std::move(key), Encode(record));
  Put(ProgressKey(record.name()), Encode(progress));
}

void RoomCommit::UpdateSubscription(const SubscriptionRecord& record, Revision read_revision) {
  RequireSubscription(record.name(), read_revision);
  Put(SubscriptionKey(record.name()), Encode(record));
}

void RoomCommit::RequireSubscription(absl::string_view name, Revision read_revision) {
  Require(Precondition::Unchanged(SubscriptionKey(name), read_revision),
          Conflict::kSubscriptionChanged);
}

void RoomCommit::UpdateSubscriptionProgress(absl::string_view name,
                                            const SubscriptionProgressRecord& progress,
                                            Revision read_revision) {
  std::string key = ProgressKey(name);
  Require(Precondition::Unchanged(key, read_revision), Conflict::kSubscriptionChanged);
  Put(std::move(key), Encode(progress));
}

void RoomCommit::DeleteSubscription(absl::string_view name, Revision read_revision,
                                    Revision progress_read_revision) {
  RequireSubscription(name, read_revision);
  std::string progress_key = ProgressKey(name);
  Require(Precondition::Unchanged(progress_key, progress_read_revision),
          Conflict::kSubscriptionChanged);
  PutOrDelete(SubscriptionKey(name), false);
  PutOrDelete(std::move(progress_key), false);
}

void RoomCommit::PutParkedEvent(absl::string_view name, int64_t sequence,
                                const ParkedEventRecord& record) {
  Put(ParkedEventKey(name, sequence), Encode(record));
}

void RoomCommit::EraseParkedEvent(absl::string_view name, int64_t sequence) {
  PutOrDelete(ParkedEventKey(name, sequence), false);
}

}  // namespace innkeeper::storage
