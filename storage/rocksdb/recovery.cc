#include "storage/rocksdb/recovery.h"

#include <memory>
#include <optional>
#include <utility>

#include <glog/logging.h>

#include "absl/strings/str_cat.h"
#include "rocksdb/iterator.h"
#include "storage/rocksdb/log_record.h"
#include "storage/rocksdb/rocksdb_status.h"
#include "storage/rocksdb/wal_survey.h"

namespace innkeeper::storage::embedded {
namespace {

// Makes sure that a database that will hold what `survey` found holds all that
// was acknowledged.
absl::Status CheckDurableHead(const StoreDirectory& directory, const WalSurvey& survey) {
  const std::string path = directory.durable_head_path();
  const absl::StatusOr<std::optional<DurableHead>> durable = ReadDurableHead(path);
  if (!durable.ok()) return durable.status();
  if (!durable->has_value()) {
    if (survey.revision > 0) {
      LOG(WARNING) << path << " is missing: whether the store's last commits are there is unknown";
    }
    return absl::OkStatus();
  }
  const DurableHead& head = **durable;
  if (head.incarnation != survey.incarnation) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, " belongs to another store than ", directory.database_path(),
                     ": put the right one back, or remove it to do without"));
  }
  if (head.revision > survey.revision) {
    return absl::DataLossError(
        absl::StrCat("commits were acknowledged up to revision ", head.revision, ", but ",
                     directory.database_path(), " ends at revision ", survey.revision,
                     " (if no backup has them, removing ", path, " opens the store without them)"));
  }
  return absl::OkStatus();
}

// The positions of the first and the last entry of the record that the iterator is at, 0 if at
// none.
struct Positions {
  LogPosition first = 0;
  LogPosition last = 0;
};

Positions PositionsAt(const rocksdb::Iterator& it) {
  if (!it.Valid()) return {};
  const LogPosition last = ParseInteger(FromSlice(it.key())).value_or(0);
  // That it is damaged is for those to find who read it.
  return {FirstOfLogRecord(last, FromSlice(it.value())).value_or(last), last};
}

// Makes sure that the log starts and ends where `meta` says.
absl::Status CheckLog(const Database& database, const Meta& meta) {
  if (meta.oldest == 0 || meta.oldest > meta.head.position + 1) {
    return absl::DataLossError("the store's record \"oldest\" is beyond its head");
  }
  if (meta.epochs.back().first > meta.head.position) {
    return absl::DataLossError("the store's record \"epochs\" is beyond its head");
  }
  const std::unique_ptr<rocksdb::Iterator> it(
      database.db().NewIterator(rocksdb::ReadOptions(), database.log()));
  const StoredInteger oldest(meta.oldest);
  it->Seek(ToSlice(oldest.bytes()));
  const Positions first = PositionsAt(*it);
  it->SeekToLast();
  const LogPosition last = PositionsAt(*it).last;
  if (!it->status().ok()) return FromRocksDb(it->status(), "reading the log");
  // Of what was trimmed there may be something left.
  const bool empty = meta.oldest > meta.head.position;
  if (empty ? first.last == 0 && last <= meta.head.position
            : first.first <= meta.oldest && last == meta.head.position) {
    return absl::OkStatus();
  }
  return absl::DataLossError(absl::StrCat("the log should run from ", meta.oldest, " to ",
                                          meta.head.position, ", but runs from ", first.first,
                                          " to ", last));
}

// Makes sure that the next audit entry takes nobody's place. That one is missing is for
// those to find who verify the log.
absl::Status CheckAuditLog(const Database& database, const AuditHead& head) {
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> it(database.db().NewIterator(options, database.data()));
  it->Seek(AuditKey(head.number + 1));
  if (!it->status().ok()) return FromRocksDb(it->status(), "reading the audit log");
  const std::optional<uint64_t> beyond =
      it->Valid() ? ParseAuditKey(FromSlice(it->key())) : std::nullopt;
  if (!beyond) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("the audit log should end with entry ", head.number,
                                          ", but has entry ", *beyond));
}

absl::StatusOr<RecoveredStore> Recover(const StoreDirectory& directory,
                                       const DatabaseOptions& options) {
  const absl::StatusOr<WalSurvey> survey = SurveyWal(options);
  if (!survey.ok()) return survey.status();
  if (absl::Status status = CheckDurableHead(directory, *survey); !status.ok()) return status;

  absl::StatusOr<std::unique_ptr<Database>> database = Database::Open(options);
  if (!database.ok()) return database.status();
  const absl::StatusOr<Meta> meta = (*database)->ReadMeta();
  if (!meta.ok()) return meta.status();
  if (meta->head.revision != survey->revision) {
    return absl::DataLossError(absl::StrCat("the database was to hold revision ", survey->revision,
                                            ", but holds revision ", meta->head.revision));
  }
  if (absl::Status status = CheckLog(**database, *meta); !status.ok()) return status;
  if (absl::Status status = CheckAuditLog(**database, meta->audit); !status.ok()) return status;
  if (meta->format != kFormatVersion) {
    LOG(INFO) << "giving the store in " << options.path << " format version " << kFormatVersion;
    const absl::Status upgraded = (*database)->UpgradeFormat(*meta);
    if (!upgraded.ok()) return upgraded;
  }
  (*database)->SetOldest(meta->oldest);
  absl::StatusOr<DurableHeadWriter> durable_head = DurableHeadWriter::Open(
      directory.durable_head_path(), {meta->incarnation, meta->head.revision});
  if (!durable_head.ok()) return durable_head.status();
  return RecoveredStore{*std::move(database), *std::move(durable_head), *meta};
}

}  // namespace

absl::StatusOr<RecoveredStore> RecoverStore(const StoreDirectory& directory,
                                            DatabaseOptions options) {
  options.path = directory.database_path();
  absl::StatusOr<RecoveredStore> store = Recover(directory, options);
  if (store.ok()) return store;
  const absl::string_view advice =
      absl::IsDataLoss(store.status())
          ? ". Copy the directory as it is before anything else, then restore a backup"
          : "";
  return absl::Status(store.status().code(), absl::StrCat("can't open the store in ", options.path,
                                                          ": ", store.status().message(), advice));
}

}  // namespace innkeeper::storage::embedded
