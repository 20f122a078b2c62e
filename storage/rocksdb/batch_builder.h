// File: storage/rocksdb/batch_builder.h
//
// Packs commits into a batch that is written whole or not at all.

#ifndef INNKEEPER_STORAGE_ROCKSDB_BATCH_BUILDER_H_
#define INNKEEPER_STORAGE_ROCKSDB_BATCH_BUILDER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "rocksdb/write_batch.h"
#include "storage/engine.h"
#include "storage/rocksdb/database.h"
#include "storage/rocksdb/log_writer.h"

namespace innkeeper::storage::embedded {

// Builds one batch after the other. Commits are judged as if those before them in
// the batch were written already. Not thread-safe; nobody else may write to the
// database.
class BatchBuilder {
 public:
  // The store stands at `meta`, whose epochs are those of the log once it has another entry.
  BatchBuilder(const Database& database, const Meta& meta);

  // As Engine::SetLogSealer; null: nothing is sealed, as before the first call.
  void SetLogSealer(const LogSealer* sealer) {
    sealer_ = sealer;
    log_.SetSealer(sealer);
  }

  // Begins the next batch, on top of the one before, which must be written.
  void Begin();

  // Adds a commit if its preconditions hold; returns what becomes of it once the
  // batch is written. DATA_LOSS or UNAVAILABLE if a precondition can't be read.
  // `request` must stay as it is until the next Begin(), and its commit was valid
  // by the rules of CommitRequest.
  CommitResult Add(const CommitRequest& request, absl::Time commit_time);

  // Adds the removal of the log entries below `before`, which only moves the record
  // of the oldest: log_space.h.
  CommitResult AddTrim(LogPosition before);

  // Whether there is nothing to write.
  bool empty() const { return batch_.Count() == 0 && head_.revision == head_.previous; }

  // About how large the batch is.
  size_t bytes() const { return batch_.GetDataSize() + log_.bytes(); }

  // Completes the batch and returns it. It stays with the builder.
  rocksdb::WriteBatch& Finish();

  // Where the store stands when the batch is written.
  const Head& head() const { return head_; }
  LogPosition oldest() const { return oldest_; }

 private:
  absl::Status CheckPrecondition(const Precondition& precondition);
  absl::StatusOr<Revision> RevisionOf(absl::string_view key);
  void AddWrite(const Write& write);
  void AddValue(absl::string_view key, absl::string_view value);
  void AddAuditEntry(absl::string_view payload, absl::Time commit_time);
  void PutMeta(absl::string_view key, absl::string_view value);

  const Database& database_;
  const LogSealer* sealer_ = nullptr;
  LogWriter log_;
  Head head_;
  LogPosition oldest_;
  AuditHead audit_;
  LogPosition written_position_;    // the last one before this batch
  uint64_t written_audit_entries_;  // up to the batch before
  std::string new_epochs_;          // to be written with the next entry; empty then
  rocksdb::WriteBatch batch_;
  std::deque<std::string> audit_keys_;  // that are written in this batch
  // The revisions of the keys written in this batch; 0 if deleted.
  absl::flat_hash_map<absl::string_view, Revision> overlay_;
};

}  // namespace innkeeper::storage::embedded

#endif  // INNKEEPER_STORAGE_ROCKSDB_BATCH_BUILDER_H_
