#include "storage/rocksdb/reader.h"

#include <utility>

#include "rocksdb/iterator.h"
#include "rocksdb/snapshot.h"
#include "storage/rocksdb/format.h"
#include "storage/rocksdb/rocksdb_status.h"

namespace innkeeper::storage::embedded {
namespace {

constexpr absl::string_view kReading = "reading the store";

absl::Status DamagedValue() { return absl::DataLossError("a stored value is damaged"); }

// Turns what RocksDB returned for a key into what it means.
absl::StatusOr<std::optional<Versioned>> Interpret(const rocksdb::Status& status,
                                                   const rocksdb::Slice& bytes) {
  if (status.IsNotFound()) return std::optional<Versioned>();
  if (!status.ok()) return FromRocksDb(status, kReading);
  const std::optional<StoredValue> value = ParseValue(FromSlice(bytes));
  if (!value) return DamagedValue();
  return Versioned{std::string(value->payload), value->revision};
}

class DatabaseSnapshot : public Snapshot {
 public:
  DatabaseSnapshot(std::shared_ptr<const Database> database, ReadTier tier, HeadSeen head_seen)
      : database_(std::move(database)),
        head_seen_(std::move(head_seen)),
        snapshot_(database_->db().GetSnapshot()) {
    options_.snapshot = snapshot_;
    if (tier == ReadTier::kMemory) options_.read_tier = rocksdb::kBlockCacheTier;
  }

  ~DatabaseSnapshot() override { database_->db().ReleaseSnapshot(snapshot_); }

  absl::StatusOr<std::optional<Versioned>> Get(absl::string_view key) const override {
    return ReadValue(*database_, options_, key);
  }

  absl::StatusOr<std::vector<std::optional<Versioned>>> MultiGet(
      const std::vector<std::string>& keys) const override {
    // RocksDB 7.8.3 would look on the disk for several keys.
    if (options_.read_tier == rocksdb::kBlockCacheTier) return GetEach(keys);
    const std::vector<rocksdb::Slice> slices(keys.begin(), keys.end());
    std::vector<rocksdb::PinnableSlice> values(keys.size());
    std::vector<rocksdb::Status> statuses(keys.size());
    database_->db().MultiGet(options_, database_->data(), keys.size(), slices.data(), values.data(),
                             statuses.data());
    std::vector<std::optional<Versioned>> results(keys.size());
    for (size_t i = 0; i < keys.size(); ++i) {
      absl::StatusOr<std::optional<Versioned>> result = Interpret(statuses[i], values[i]);
      if (!result.ok()) return result.status();
      results[i] = *std::move(result);
    }
    return results;
  }

  absl::StatusOr<LogPosition> log_head() const override {
    const absl::StatusOr<Head> head = database_->ReadHead(options_);
    if (!head.ok()) return head.status();
    head_seen_(head->position);
    return head->position;
  }

  absl::StatusOr<AuditHead> audit_head() const override {
    return database_->ReadAuditHead(options_);
  }

  absl::Status Scan(absl::string_view begin, absl::string_view end, Visitor visit) const override {
    if (begin >= end) return absl::OkStatus();
    const rocksdb::Slice upper = ToSlice(end);
    rocksdb::ReadOptions options = options_;
    options.iterate_upper_bound = &upper;
    const std::unique_ptr<rocksdb::Iterator> it(
        database_->db().NewIterator(options, database_->data()));
    for (it->Seek(ToSlice(begin)); it->Valid(); it->Next()) {
      const std::optional<StoredValue> value = ParseValue(FromSlice(it->value()));
      if (!value) return DamagedValue();
      if (!visit(FromSlice(it->key()), value->payload, value->revision)) return absl::OkStatus();
    }
    return FromRocksDb(it->status(), kReading);
  }

 private:
  absl::StatusOr<std::vector<std::optional<Versioned>>> GetEach(
      const std::vector<std::string>& keys) const {
    std::vector<std::optional<Versioned>> values;
    for (const std::string& key : keys) {
      absl::StatusOr<std::optional<Versioned>> value = Get(key);
      if (!value.ok()) return value.status();
      values.push_back(*std::move(value));
    }
    return values;
  }

  const std::shared_ptr<const Database> database_;
  const HeadSeen head_seen_;
  const rocksdb::Snapshot* const snapshot_;
  rocksdb::ReadOptions options_;
};

}  // namespace

absl::StatusOr<std::optional<Versioned>> ReadValue(const Database& database,
                                                   const rocksdb::ReadOptions& options,
                                                   absl::string_view key) {
  rocksdb::PinnableSlice bytes;
  const rocksdb::Status status = database.db().Get(options, database.data(), ToSlice(key), &bytes);
  return Interpret(status, bytes);
}

std::unique_ptr<Snapshot> MakeSnapshot(std::shared_ptr<const Database> database, ReadTier tier,
                                       HeadSeen head_seen) {
  return std::make_unique<DatabaseSnapshot>(std::move(database), tier, std::move(head_seen));
}

}  // namespace innkeeper::storage::embedded
