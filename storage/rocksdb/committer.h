// File: storage/rocksdb/committer.h
//
// The one thread that writes to a store.
//
// It takes all the commits that wait, packs them into batches, syncs each batch
// to disk with one write, and then tells their callers. So the cost of a sync is
// shared by all who wait for it, and preconditions need no locks.
//
// After a failed write the committer stops for good: whether that batch will be
// there when the store is opened again is unknown, so nothing may build on it.

#ifndef INNKEEPER_STORAGE_ROCKSDB_COMMITTER_H_
#define INNKEEPER_STORAGE_ROCKSDB_COMMITTER_H_

#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "storage/engine.h"
#include "storage/rocksdb/batch_builder.h"
#include "storage/rocksdb/commit_queue.h"
#include "storage/rocksdb/database.h"
#include "storage/rocksdb/durable_head.h"
#include "storage/rocksdb/rocksdb_engine.h"

namespace innkeeper::storage::embedded {

struct CommitterOptions {
  size_t max_queued_commits = 0;
  size_t max_queued_bytes = 0;
  absl::AnyInvocable<absl::Time() const> clock;
  absl::AnyInvocable<void(const WrittenBatch&)> on_batch;  // may be empty
};

// Thread-safe.
class Committer {
 public:
  // Starts the thread. `meta` is where the store stands, with the epochs that it has
  // once it has another log entry. `database` and `durable_head` belong to the thread
  // until Stop() returns: nobody else may write to them.
  Committer(Database& database, DurableHeadWriter& durable_head, const Meta& meta,
            CommitterOptions options);

  // Stops.
  ~Committer();

  // As Engine::Commit, of a request that follows the rules of CommitRequest. Every
  // `done` is called on the committer's thread, or on the caller's if the queue
  // refuses the commit; the next batch waits for it.
  void Commit(CommitRequest request, Engine::CommitDone done);

  // Removes log entries as Engine::TrimLog does, and calls `done` with the status.
  void Trim(LogPosition before, Engine::CommitDone done);

  // As in Engine.
  LogBounds log_bounds() const;

  // The commits that wait.
  const CommitQueue& queue() const { return queue_; }

  // Lets log_bounds() reach `head`, which a reader has found in the database: a
  // batch can be read a moment before its head is published.
  void PublishHead(LogPosition head) const;

  void SetListener(Engine::CommitListener listener);

  // Finishes what was accepted, refuses all else, and ends the thread. Returns the
  // write error if there was one. Not from the committer's thread.
  absl::Status Stop();

 private:
  void Run();
  size_t CommitBatch(absl::Span<QueuedCommit> commits);
  CommitResult AddToBatch(const QueuedCommit& commit, absl::Time commit_time);
  absl::Status WriteBatch(size_t commits);
  void Fail(absl::Status error);
  void NotifyListener(LogPosition head);

  Database& database_;
  const absl::AnyInvocable<absl::Time() const> clock_;
  absl::AnyInvocable<void(const WrittenBatch&)> on_batch_;
  CommitQueue queue_;

  // Used by the committer's thread only.
  DurableHeadWriter& durable_head_;
  BatchBuilder builder_;
  std::vector<CommitResult> results_;
  absl::Status failure_;  // OK until a write failed; read by others after Stop()

  // Published after the batch is durable. oldest_ <= head_ + 1 at all times, for
  // those who read oldest_ first.
  std::atomic<LogPosition> oldest_;
  mutable std::atomic<LogPosition> head_;

  absl::Mutex listener_mutex_;  // held while the listener runs
  Engine::CommitListener listener_ ABSL_GUARDED_BY(listener_mutex_);

  absl::Mutex stop_mutex_;
  std::thread thread_ ABSL_GUARDED_BY(stop_mutex_);
};

}  // namespace innkeeper::storage::embedded

#endif  // INNKEEPER_STORAGE_ROCKSDB_COMMITTER_H_
