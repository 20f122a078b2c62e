#include "storage/rocksdb/rocksdb_engine.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <glog/logging.h>

#include "absl/base/thread_annotations.h"
#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "storage/rocksdb/committer.h"
#include "storage/rocksdb/database.h"
#include "storage/rocksdb/live_store.h"
#include "storage/rocksdb/log_reader.h"
#include "storage/rocksdb/log_space.h"
#include "storage/rocksdb/reader.h"
#include "storage/rocksdb/recovery.h"
#include "storage/rocksdb/store_directory.h"

namespace innkeeper::storage {
namespace {

using embedded::Committer;
using embedded::DatabaseOptions;
using embedded::LiveStore;
using embedded::RecoveredStore;
using embedded::StoreDirectory;

constexpr size_t kMinWriteBufferBytes = 4 << 20;
constexpr size_t kMaxQueuedBytes = 1 << 30;

class RocksDbEngine : public Engine {
 public:
  // `store` has the epoch that begins now.
  RocksDbEngine(StoreDirectory directory, const DatabaseOptions& database_options,
                RecoveredStore store, embedded::CommitterOptions committer_options)
      : epochs_(std::make_shared<LogEpochs>(store.meta.epochs)),
        meta_(store.meta),
        store_(std::move(directory), database_options, std::move(store)),
        committer_(store_, meta_, std::move(committer_options)) {}

  ~RocksDbEngine() override { Close().IgnoreError(); }

  std::unique_ptr<Snapshot> NewSnapshot(ReadTier tier) const override {
    return embedded::MakeSnapshot(store_.database(), tier,
                                  [this](LogPosition head) { committer_.PublishHead(head); });
  }

  absl::StatusOr<std::optional<Versioned>> Get(absl::string_view key) const override {
    return embedded::ReadValue(*store_.database(), rocksdb::ReadOptions(), key);
  }

  void Commit(CommitRequest request, CommitDone done) override {
    Check(std::move(request), std::move(done), &Committer::Commit);
  }

  void CommitHere(CommitRequest request, CommitDone done) override {
    Check(std::move(request), std::move(done), &Committer::CommitHere);
  }

  LogBounds log_bounds() const override { return committer_.log_bounds(); }

  std::shared_ptr<const LogEpochs> log_epochs() const override { return epochs_; }

  absl::Status ScanLog(LogPosition from, LogVisitor visit) const override {
    // Before the database: a later one has all up to an earlier head.
    const LogBounds bounds = log_bounds();
    return embedded::ScanLog(*store_.database(), log_sealer_, bounds, from, visit);
  }

  absl::StatusOr<uint64_t> EstimateLogBytes(LogPosition begin, LogPosition end) const override {
    return embedded::EstimateLogBytes(*store_.database(), std::max(begin, log_bounds().oldest),
                                      end);
  }

  EngineStats stats() const override {
    EngineStats stats = store_.database()->stats();
    stats.free_bytes = store_.FreeBytes().value_or(0);
    stats.write_failures = committer_.write_failures();
    stats.reopenings = committer_.reopenings();
    stats.queued_commits = committer_.queue().commits();
    stats.queued_bytes = committer_.queue().bytes();
    const LogBounds bounds = log_bounds();
    stats.log_bytes = EstimateLogBytes(bounds.oldest, bounds.head + 1).value_or(0);
    return stats;
  }

  WriteState write_state() const override { return committer_.write_state(); }

  absl::Status TrimLog(LogPosition before) override {
    if (before == 0) return absl::OkStatus();
    absl::Status status;
    absl::Notification done;
    committer_.Trim(before, [&](CommitResult result) {
      status = std::move(result.status);
      done.Notify();
    });
    done.WaitForNotification();
    if (status.ok()) ReclaimLog();
    return status;
  }

  void SetCommitListener(CommitListener listener) override {
    committer_.SetListener(std::move(listener));
  }

  void SetLogSealer(const LogSealer* sealer) override {
    log_sealer_ = sealer;
    committer_.SetLogSealer(sealer);
  }

  absl::Status Close() override {
    absl::MutexLock lock(&close_mutex_);
    if (closed_) return close_status_;
    close_status_ = committer_.Stop();
    absl::Status store_closed = store_.Close(/*sound=*/close_status_.ok());
    if (absl::IsFailedPrecondition(store_closed)) return store_closed;
    closed_ = true;
    close_status_.Update(store_closed);
    return close_status_;
  }

 private:
  // Hands a request on that follows the rules.
  void Check(CommitRequest request, CommitDone done,
             void (Committer::*commit)(CommitRequest, CommitDone)) {
    absl::Status status = CheckCommitRequest(request);
    if (!status.ok()) return done({.status = std::move(status)});
    (committer_.*commit)(std::move(request), std::move(done));
  }

  void ReclaimLog() {
    absl::MutexLock lock(&close_mutex_);
    if (closed_) return;
    const absl::Status reclaimed = embedded::ReclaimLog(*store_.database(), log_bounds().oldest);
    LOG_IF(ERROR, !reclaimed.ok()) << "giving back the space of the log: " << reclaimed;
  }

  const std::shared_ptr<const LogEpochs> epochs_;
  const embedded::Meta meta_;  // of the store as it was opened
  const LogSealer* log_sealer_ = nullptr;
  LiveStore store_;
  Committer committer_;

  absl::Mutex close_mutex_;
  bool closed_ ABSL_GUARDED_BY(close_mutex_) = false;
  absl::Status close_status_ ABSL_GUARDED_BY(close_mutex_);
};

uint64_t RandomNumber() {
  absl::BitGen random;
  return absl::Uniform<uint64_t>(random);
}

// Adds the epoch of what is written from now on.
void BeginEpoch(embedded::Meta& meta) {
  meta.epochs.push_back({RandomNumber(), meta.head.position + 1});
  if (meta.epochs.size() > embedded::kMaxEpochs) meta.epochs.erase(meta.epochs.begin());
}

absl::Status CheckBounds(absl::string_view name, size_t value, size_t min, size_t max) {
  if (value >= min && value <= max) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(name, " is ", value, ", but must be from ", min, " to ", max));
}

absl::Status CheckOptions(const RocksDbOptions& options) {
  absl::Status status;
  if (options.path.empty()) status = absl::InvalidArgumentError("path is empty");
  status.Update(CheckBounds("write_buffer_bytes", options.write_buffer_bytes, kMinWriteBufferBytes,
                            options.block_cache_bytes / 2));
  status.Update(CheckBounds("max_queued_commits", options.max_queued_commits, 1, SIZE_MAX));
  status.Update(CheckBounds("max_queued_bytes", options.max_queued_bytes, 1, kMaxQueuedBytes));
  if (options.retry_period <= absl::ZeroDuration()) {
    status.Update(absl::InvalidArgumentError("retry_period must be more than 0"));
  }
  return status;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Engine>> OpenRocksDb(RocksDbOptions options) {
  if (absl::Status status = CheckOptions(options); !status.ok()) return status;
  absl::StatusOr<StoreDirectory> directory =
      StoreDirectory::Lock(options.path, options.create_if_missing);
  if (!directory.ok()) return directory.status();

  const DatabaseOptions database_options{.block_cache_bytes = options.block_cache_bytes,
                                         .write_buffer_bytes = options.write_buffer_bytes,
                                         .env = options.env};
  const absl::Status made = directory->EnsureDatabase([&](const std::string& path) {
    DatabaseOptions create_options = database_options;
    create_options.path = path;
    return embedded::Database::Create(create_options, RandomNumber());
  });
  if (!made.ok()) return made;
  absl::StatusOr<RecoveredStore> store = embedded::RecoverStore(*directory, database_options);
  if (!store.ok()) return store.status();
  BeginEpoch(store->meta);
  return std::make_unique<RocksDbEngine>(
      *std::move(directory), database_options, *std::move(store),
      embedded::CommitterOptions{options.max_queued_commits, options.max_queued_bytes,
                                 options.min_free_bytes, options.retry_period,
                                 std::move(options.clock), std::move(options.on_batch),
                                 std::move(options.on_write_state)});
}

}  // namespace innkeeper::storage
