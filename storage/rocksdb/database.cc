#include "storage/rocksdb/database.h"

#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "rocksdb/convenience.h"
#include "rocksdb/write_batch.h"
#include "storage/rocksdb/database_options.h"
#include "storage/rocksdb/rocksdb_status.h"

namespace innkeeper::storage::embedded {
namespace {

DatabaseSetup SetupFor(const DatabaseOptions& options) {
  return MakeDatabaseSetup(options.block_cache_bytes, options.write_buffer_bytes, options.env);
}

}  // namespace

Database::Database(std::unique_ptr<rocksdb::DB> db,
                   std::vector<rocksdb::ColumnFamilyHandle*> handles,
                   std::unique_ptr<TrimmedLogFilter> trimmed,
                   std::shared_ptr<BackgroundErrors> errors)
    : trimmed_(std::move(trimmed)),
      errors_(std::move(errors)),
      db_(std::move(db)),
      handles_(std::move(handles)) {}

Database::~Database() { DestroyHandles(); }

absl::StatusOr<std::unique_ptr<Database>> Database::OpenAs(const std::string& path,
                                                           DatabaseSetup setup, bool read_only) {
  auto trimmed = std::make_unique<TrimmedLogFilter>();
  for (rocksdb::ColumnFamilyDescriptor& family : setup.families) {
    if (family.name == kLogFamily) family.options.compaction_filter = trimmed.get();
  }
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status =
      read_only ? rocksdb::DB::OpenForReadOnly(setup.database, path, setup.families, &handles, &db)
                : rocksdb::DB::Open(setup.database, path, setup.families, &handles, &db);
  if (!status.ok()) return FromRocksDb(status, absl::StrCat("opening the database ", path));
  return std::unique_ptr<Database>(new Database(std::unique_ptr<rocksdb::DB>(db),
                                                std::move(handles), std::move(trimmed),
                                                std::move(setup.errors)));
}

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const DatabaseOptions& options) {
  return OpenAs(options.path, SetupFor(options), /*read_only=*/false);
}

absl::StatusOr<std::unique_ptr<Database>> Database::OpenToSurvey(const DatabaseOptions& options,
                                                                 rocksdb::WalFilter& filter) {
  DatabaseSetup setup = SetupFor(options);
  setup.database.wal_recovery_mode = rocksdb::WALRecoveryMode::kSkipAnyCorruptedRecords;
  setup.database.wal_filter = &filter;
  return OpenAs(options.path, setup, /*read_only=*/true);
}

absl::StatusOr<std::unique_ptr<Database>> Database::OpenToRead(
    const DatabaseOptions& options, std::unique_ptr<rocksdb::WalFilter> filter) {
  DatabaseSetup setup = SetupFor(options);
  setup.database.wal_recovery_mode = rocksdb::WALRecoveryMode::kSkipAnyCorruptedRecords;
  setup.database.wal_filter = filter.get();
  setup.database.max_open_files = -1;  // all of them are opened at once
  absl::StatusOr<std::unique_ptr<Database>> database =
      OpenAs(options.path, setup, /*read_only=*/true);
  if (database.ok()) (*database)->wal_filter_ = std::move(filter);
  return database;
}

absl::Status Database::Create(const DatabaseOptions& options, uint64_t incarnation) {
  DatabaseSetup setup = SetupFor(options);
  setup.database.create_if_missing = true;
  setup.database.create_missing_column_families = true;
  setup.database.error_if_exists = true;
  const absl::StatusOr<std::unique_ptr<Database>> opened =
      OpenAs(options.path, setup, /*read_only=*/false);
  if (!opened.ok()) return opened.status();
  Database& database = **opened;

  rocksdb::WriteBatch batch;
  const auto put = [&](absl::string_view key, absl::string_view value) {
    CHECK(batch.Put(database.meta(), ToSlice(key), ToSlice(value)).ok());
  };
  put(kFormatKey, StoredInteger(kFormatVersion).bytes());
  put(kIncarnationKey, StoredInteger(incarnation).bytes());
  put(kOldestKey, StoredInteger(1).bytes());
  put(kHeadKey, EncodeHead(Head{}));
  put(kEpochsKey, EncodeEpochs({{incarnation, 0}}));
  const rocksdb::Status status = database.db().Write(rocksdb::WriteOptions(), &batch);
  if (!status.ok()) return FromRocksDb(status, absl::StrCat("writing to ", options.path));
  if (absl::Status flushed = database.Flush(); !flushed.ok()) return flushed;
  return database.Close();
}

absl::StatusOr<std::string> Database::ReadMetaRow(const rocksdb::ReadOptions& options,
                                                  absl::string_view key) const {
  std::string value;
  const rocksdb::Status status = db_->Get(options, meta(), ToSlice(key), &value);
  if (status.IsNotFound()) {
    return absl::DataLossError(absl::StrCat("the store's record \"", key, "\" is missing"));
  }
  if (!status.ok()) return FromRocksDb(status, "reading the store's own records");
  return value;
}

absl::StatusOr<uint64_t> Database::ReadMetaInteger(const rocksdb::ReadOptions& options,
                                                   absl::string_view key) const {
  const absl::StatusOr<std::string> bytes = ReadMetaRow(options, key);
  if (!bytes.ok()) return bytes.status();
  const std::optional<uint64_t> number = ParseInteger(*bytes);
  if (!number) {
    return absl::DataLossError(absl::StrCat("the store's record \"", key, "\" is damaged"));
  }
  return *number;
}

absl::StatusOr<uint64_t> Database::ReadFormat() const {
  absl::StatusOr<uint64_t> format = ReadMetaInteger(rocksdb::ReadOptions(), kFormatKey);
  if (!format.ok()) return format.status();
  if (*format >= kOldestFormatVersion && *format <= kFormatVersion) return format;
  return absl::FailedPreconditionError(
      absl::StrCat("the store has format version ", *format, ", but this server only knows ",
                   kOldestFormatVersion, " to ", kFormatVersion, ": run the server that wrote it"));
}

absl::StatusOr<std::vector<LogEpoch>> Database::ReadEpochs() const {
  const absl::StatusOr<std::string> bytes = ReadMetaRow(rocksdb::ReadOptions(), kEpochsKey);
  if (!bytes.ok()) return bytes.status();
  std::optional<std::vector<LogEpoch>> epochs = ParseEpochs(*bytes);
  if (!epochs) return absl::DataLossError("the store's record \"epochs\" is damaged");
  return *std::move(epochs);
}

absl::StatusOr<Meta> Database::ReadMeta() const {
  const absl::StatusOr<uint64_t> format = ReadFormat();
  if (!format.ok()) return format.status();
  const absl::StatusOr<uint64_t> incarnation =
      ReadMetaInteger(rocksdb::ReadOptions(), kIncarnationKey);
  if (!incarnation.ok()) return incarnation.status();
  const absl::StatusOr<LogPosition> oldest = ReadOldest(rocksdb::ReadOptions());
  if (!oldest.ok()) return oldest.status();
  const absl::StatusOr<Head> head = ReadHead(rocksdb::ReadOptions());
  if (!head.ok()) return head.status();
  const absl::StatusOr<AuditHead> audit = ReadAuditHead(rocksdb::ReadOptions());
  if (!audit.ok()) return audit.status();
  if (*format == 1) return Meta{*format, *incarnation, *head, *oldest, {{*incarnation, 0}}, *audit};
  absl::StatusOr<std::vector<LogEpoch>> epochs = ReadEpochs();
  if (!epochs.ok()) return epochs.status();
  return Meta{*format, *incarnation, *head, *oldest, *std::move(epochs), *audit};
}

absl::Status Database::UpgradeFormat(const Meta& meta) {
  rocksdb::WriteBatch batch;
  const auto put = [&](absl::string_view key, absl::string_view value) {
    CHECK(batch.Put(this->meta(), ToSlice(key), ToSlice(value)).ok());
  };
  put(kFormatKey, StoredInteger(kFormatVersion).bytes());
  put(kEpochsKey, EncodeEpochs(meta.epochs));
  put(kHeadKey, EncodeHead({meta.head.revision, meta.head.position, meta.head.revision}));
  rocksdb::WriteOptions options;
  options.sync = true;
  const rocksdb::Status status = db_->Write(options, &batch);
  if (!status.ok()) return FromRocksDb(status, "upgrading the format");
  return Flush();
}

absl::StatusOr<Head> Database::ReadHead(const rocksdb::ReadOptions& options) const {
  const absl::StatusOr<std::string> bytes = ReadMetaRow(options, kHeadKey);
  if (!bytes.ok()) return bytes.status();
  const std::optional<Head> head = ParseHead(*bytes);
  if (!head) return absl::DataLossError("the store's record \"head\" is damaged");
  return *head;
}

absl::StatusOr<AuditHead> Database::ReadAuditHead(const rocksdb::ReadOptions& options) const {
  rocksdb::PinnableSlice bytes;
  const rocksdb::Status status = db_->Get(options, meta(), ToSlice(kAuditKey), &bytes);
  if (status.IsNotFound()) return AuditHead();
  if (!status.ok()) return FromRocksDb(status, "reading the store's own records");
  const std::optional<AuditHead> head = ParseAuditHead(FromSlice(bytes));
  if (!head) return absl::DataLossError("the store's record \"audit\" is damaged");
  return *head;
}

absl::StatusOr<LogPosition> Database::ReadOldest(const rocksdb::ReadOptions& options) const {
  return ReadMetaInteger(options, kOldestKey);
}

EngineStats Database::stats() const {
  using Properties = rocksdb::DB::Properties;
  const auto sum = [this](const std::string& property) {
    uint64_t value = 0;
    db().GetAggregatedIntProperty(property, &value);
    return value;
  };
  EngineStats stats;
  stats.disk_bytes = sum(Properties::kTotalSstFilesSize);
  stats.write_buffer_bytes = sum(Properties::kCurSizeAllMemTables);
  stats.compaction_bytes = sum(Properties::kEstimatePendingCompactionBytes);
  // One cache serves all column families.
  db().GetIntProperty(data(), Properties::kBlockCacheUsage, &stats.cache_bytes);
  return stats;
}

absl::Status Database::BackgroundError() const {
  return FromRocksDb(errors_->first(), "working on table files");
}

absl::Status Database::Flush() {
  return FromRocksDb(db_->Flush(rocksdb::FlushOptions(), handles_), "flushing the database");
}

void Database::StopBackgroundWork() { rocksdb::CancelAllBackgroundWork(db_.get(), /*wait=*/true); }

absl::Status Database::Close() {
  uint64_t snapshots = 0;
  if (db_->GetIntProperty(rocksdb::DB::Properties::kNumSnapshots, &snapshots) && snapshots > 0) {
    return absl::FailedPreconditionError(absl::StrCat(snapshots, " snapshots are still open"));
  }
  DestroyHandles();
  const rocksdb::Status status = db_->Close();
  db_.reset();
  return FromRocksDb(status, "closing the database");
}

void Database::DestroyHandles() {
  for (rocksdb::ColumnFamilyHandle* handle : handles_) {
    db_->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
  }
  handles_.clear();
}

}  // namespace innkeeper::storage::embedded
