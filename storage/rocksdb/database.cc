#include "storage/rocksdb/database.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "rocksdb/write_batch.h"
#include "storage/rocksdb/database_options.h"
#include "storage/rocksdb/rocksdb_status.h"

namespace innkeeper::storage::embedded {
namespace {

rocksdb::Options OptionsFor(const DatabaseOptions& options) {
  return MakeRocksDbOptions(options.block_cache_bytes, options.write_buffer_bytes, options.env);
}

std::vector<rocksdb::ColumnFamilyDescriptor> Families(const rocksdb::Options& options) {
  return {
      {rocksdb::kDefaultColumnFamilyName, options}, {kLogFamily, options}, {kMetaFamily, options}};
}

std::string Opening(const DatabaseOptions& options) {
  return absl::StrCat("opening the database ", options.path);
}

}  // namespace

Database::Database(std::unique_ptr<rocksdb::DB> db,
                   std::vector<rocksdb::ColumnFamilyHandle*> handles)
    : db_(std::move(db)), handles_(std::move(handles)) {}

Database::~Database() { DestroyHandles(); }

absl::Status Database::Create(const DatabaseOptions& options, uint64_t incarnation) {
  rocksdb::Options rocksdb_options = OptionsFor(options);
  rocksdb_options.create_if_missing = true;
  rocksdb_options.create_missing_column_families = true;
  rocksdb_options.error_if_exists = true;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  rocksdb::Status status =
      rocksdb::DB::Open(rocksdb_options, options.path, Families(rocksdb_options), &handles, &db);
  if (!status.ok()) {
    return FromRocksDb(status, absl::StrCat("creating the database ", options.path));
  }
  Database database(std::unique_ptr<rocksdb::DB>(db), std::move(handles));

  rocksdb::WriteBatch batch;
  const auto put = [&](absl::string_view key, absl::string_view value) {
    CHECK(batch.Put(database.meta(), ToSlice(key), ToSlice(value)).ok());
  };
  put(kFormatKey, StoredInteger(kFormatVersion).bytes());
  put(kIncarnationKey, StoredInteger(incarnation).bytes());
  put(kOldestKey, StoredInteger(1).bytes());
  put(kHeadKey, EncodeHead(Head{}));
  status = database.db().Write(rocksdb::WriteOptions(), &batch);
  if (!status.ok()) return FromRocksDb(status, absl::StrCat("writing to ", options.path));
  if (absl::Status flushed = database.Flush(); !flushed.ok()) return flushed;
  return database.Close();
}

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const DatabaseOptions& options) {
  const rocksdb::Options rocksdb_options = OptionsFor(options);
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status =
      rocksdb::DB::Open(rocksdb_options, options.path, Families(rocksdb_options), &handles, &db);
  if (!status.ok()) return FromRocksDb(status, Opening(options));
  return std::unique_ptr<Database>(
      new Database(std::unique_ptr<rocksdb::DB>(db), std::move(handles)));
}

absl::StatusOr<std::unique_ptr<Database>> Database::OpenToSurvey(const DatabaseOptions& options,
                                                                 rocksdb::WalFilter& filter) {
  rocksdb::Options rocksdb_options = OptionsFor(options);
  rocksdb_options.wal_recovery_mode = rocksdb::WALRecoveryMode::kSkipAnyCorruptedRecords;
  rocksdb_options.wal_filter = &filter;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status = rocksdb::DB::OpenForReadOnly(
      rocksdb_options, options.path, Families(rocksdb_options), &handles, &db);
  if (!status.ok()) return FromRocksDb(status, Opening(options));
  return std::unique_ptr<Database>(
      new Database(std::unique_ptr<rocksdb::DB>(db), std::move(handles)));
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

absl::Status Database::CheckFormat() const {
  const absl::StatusOr<uint64_t> format = ReadMetaInteger(rocksdb::ReadOptions(), kFormatKey);
  if (!format.ok()) return format.status();
  if (*format == kFormatVersion) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "the store has format version ", *format, ", but this server only knows version ",
      kFormatVersion, ": run the server that wrote it"));
}

absl::StatusOr<Meta> Database::ReadMeta() const {
  if (absl::Status status = CheckFormat(); !status.ok()) return status;
  const absl::StatusOr<uint64_t> incarnation =
      ReadMetaInteger(rocksdb::ReadOptions(), kIncarnationKey);
  if (!incarnation.ok()) return incarnation.status();
  const absl::StatusOr<LogPosition> oldest = ReadOldest(rocksdb::ReadOptions());
  if (!oldest.ok()) return oldest.status();
  const absl::StatusOr<std::string> head_bytes = ReadMetaRow(rocksdb::ReadOptions(), kHeadKey);
  if (!head_bytes.ok()) return head_bytes.status();
  const std::optional<Head> head = ParseHead(*head_bytes);
  if (!head) return absl::DataLossError("the store's record \"head\" is damaged");
  return Meta{*incarnation, *head, *oldest};
}

absl::StatusOr<LogPosition> Database::ReadOldest(const rocksdb::ReadOptions& options) const {
  return ReadMetaInteger(options, kOldestKey);
}

absl::Status Database::Flush() {
  return FromRocksDb(db_->Flush(rocksdb::FlushOptions(), handles_), "flushing the database");
}

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
