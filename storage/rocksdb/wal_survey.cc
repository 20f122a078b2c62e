#include "storage/rocksdb/wal_survey.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "rocksdb/write_batch.h"
#include "storage/rocksdb/rocksdb_status.h"

namespace innkeeper::storage::embedded {
namespace {

// Finds the head that a batch writes.
class HeadFinder : public rocksdb::WriteBatch::Handler {
 public:
  explicit HeadFinder(uint32_t meta_id) : meta_id_(meta_id) {}

  rocksdb::Status PutCF(uint32_t family, const rocksdb::Slice& key,
                        const rocksdb::Slice& value) override {
    if (family == meta_id_ && FromSlice(key) == kHeadKey) head_ = ParseHead(FromSlice(value));
    return rocksdb::Status::OK();
  }
  rocksdb::Status DeleteCF(uint32_t, const rocksdb::Slice&) override {
    return rocksdb::Status::OK();
  }
  rocksdb::Status DeleteRangeCF(uint32_t, const rocksdb::Slice&, const rocksdb::Slice&) override {
    return rocksdb::Status::OK();
  }

  const std::optional<Head>& head() const { return head_; }

 private:
  const uint32_t meta_id_;
  std::optional<Head> head_;
};

// Follows the chain of batches, and keeps them from being replayed.
class ChainFollower final : public rocksdb::WalFilter {
 public:
  const char* Name() const override { return "innkeeper.ChainFollower"; }

  void ColumnFamilyLogNumberMap(const std::map<uint32_t, uint64_t>&,
                                const std::map<std::string, uint32_t>& ids) override {
    if (const auto it = ids.find(kMetaFamily); it != ids.end()) meta_id_ = it->second;
  }

  // NOLINTNEXTLINE(google-runtime-int)
  WalProcessingOption LogRecordFound(unsigned long long, const std::string&,
                                     const rocksdb::WriteBatch& batch, rocksdb::WriteBatch*,
                                     bool*) override {
    // RocksDB begins a log with an empty batch when the log before ended in a torn
    // record.
    if (batch.Count() == 0) return WalProcessingOption::kIgnoreCurrentRecord;
    HeadFinder finder(meta_id_);
    const rocksdb::Status status = batch.Iterate(&finder);
    if (status.ok() && finder.head()) {
      Follow(*finder.head());
    } else {
      foreign_ = true;
    }
    return WalProcessingOption::kIgnoreCurrentRecord;
  }

  // Judges the log, given what the table files hold.
  absl::StatusOr<Revision> Conclude(const Head& flushed) const {
    if (foreign_) return absl::DataLossError("the write-ahead log holds foreign records");
    if (!first_) return flushed.revision;
    if (first_->previous > flushed.revision) return Missing(flushed.revision, first_->previous);
    if (gap_) return Missing(gap_->first, gap_->second);
    if (last_.revision < flushed.revision) return Missing(last_.revision, flushed.revision);
    return last_.revision;
  }

 private:
  void Follow(const Head& head) {
    if (!first_) {
      first_ = head;
    } else if (head.previous != last_.revision && !gap_) {
      gap_ = {last_.revision, head.previous};
    }
    last_ = head;
  }

  static absl::Status Missing(Revision from, Revision to) {
    return absl::DataLossError(absl::StrCat("the commits after revision ", from, " up to revision ",
                                            to, " are missing from the write-ahead log"));
  }

  uint32_t meta_id_ = 0;
  bool foreign_ = false;
  std::optional<Head> first_;
  Head last_;
  std::optional<std::pair<Revision, Revision>> gap_;
};

// Lets the batches up to a revision be replayed.
class ReplayUpTo final : public rocksdb::WalFilter {
 public:
  explicit ReplayUpTo(Revision revision) : revision_(revision) {}

  const char* Name() const override { return "innkeeper.ReplayUpTo"; }

  void ColumnFamilyLogNumberMap(const std::map<uint32_t, uint64_t>&,
                                const std::map<std::string, uint32_t>& ids) override {
    if (const auto it = ids.find(kMetaFamily); it != ids.end()) meta_id_ = it->second;
  }

  // NOLINTNEXTLINE(google-runtime-int)
  WalProcessingOption LogRecordFound(unsigned long long, const std::string&,
                                     const rocksdb::WriteBatch& batch, rocksdb::WriteBatch*,
                                     bool*) override {
    HeadFinder finder(meta_id_);
    const rocksdb::Status status = batch.Iterate(&finder);
    const bool wanted = status.ok() && finder.head() && finder.head()->revision <= revision_;
    return wanted ? WalProcessingOption::kContinueProcessing
                  : WalProcessingOption::kIgnoreCurrentRecord;
  }

 private:
  const Revision revision_;
  uint32_t meta_id_ = 0;
};

}  // namespace

absl::StatusOr<WalSurvey> SurveyWal(const DatabaseOptions& options) {
  ChainFollower follower;
  absl::StatusOr<std::unique_ptr<Database>> database = Database::OpenToSurvey(options, follower);
  if (!database.ok()) return database.status();
  const absl::StatusOr<Meta> flushed = (*database)->ReadMeta();
  if (!flushed.ok()) return flushed.status();
  const absl::StatusOr<Revision> revision = follower.Conclude(flushed->head);
  if (!revision.ok()) return revision.status();
  return WalSurvey{flushed->incarnation, *revision};
}

absl::StatusOr<std::unique_ptr<Database>> OpenAsOf(const DatabaseOptions& options,
                                                   Revision revision) {
  const absl::StatusOr<WalSurvey> survey = SurveyWal(options);
  if (!survey.ok()) return survey.status();
  absl::StatusOr<std::unique_ptr<Database>> database =
      Database::OpenToRead(options, std::make_unique<ReplayUpTo>(revision));
  if (!database.ok()) return database.status();
  const absl::StatusOr<Head> head = (*database)->ReadHead(rocksdb::ReadOptions());
  if (!head.ok()) return head.status();
  if (head->revision == revision) return database;
  return absl::DataLossError(absl::StrCat("the database showed revision ", revision,
                                          ", and now shows revision ", head->revision));
}

}  // namespace innkeeper::storage::embedded
