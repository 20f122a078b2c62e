// File: storage/rocksdb/committer.h
//
// What writes to a store, one thread at a time.
//
// A thread of its own takes all the commits that wait, packs them into batches, syncs each
// batch to disk with one write, and then tells their callers. So the cost of a sync is
// shared by all who wait for it, and preconditions need no locks of their own. While nothing
// waits, a caller that may wait makes its commit itself: that saves waking the thread, and
// being woken by it.
//
// After a failed write nothing may build on that batch, for whether it will be there is
// unknown. So the committer refuses all commits until it has opened the store anew, which it
// tries again and again: live_store.h. It also refuses commits while the disk has less room
// left than it is to leave, and then only has to wait.

#ifndef INNKEEPER_STORAGE_ROCKSDB_COMMITTER_H_
#define INNKEEPER_STORAGE_ROCKSDB_COMMITTER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "storage/engine.h"
#include "storage/rocksdb/batch_builder.h"
#include "storage/rocksdb/commit_queue.h"
#include "storage/rocksdb/database.h"
#include "storage/rocksdb/live_store.h"
#include "storage/rocksdb/rocksdb_engine.h"

namespace innkeeper::storage::embedded {

struct CommitterOptions {
  size_t max_queued_commits = 0;
  size_t max_queued_bytes = 0;
  uint64_t min_free_bytes = 0;
  absl::Duration retry_period;
  absl::AnyInvocable<absl::Time() const> clock;
  absl::AnyInvocable<void(const WrittenBatch&)> on_batch;      // may be empty
  absl::AnyInvocable<void(const WriteState&)> on_write_state;  // may be empty
};

// Thread-safe.
class Committer {
 public:
  // Starts the thread. `meta` is where the store stands, with the epochs that it has
  // once it has another log entry. `store` belongs to the committer until Stop() returns:
  // nobody else may use what of it is for one thread at a time.
  Committer(LiveStore& store, const Meta& meta, CommitterOptions options);

  // Stops.
  ~Committer();

  // As Engine::Commit, of a request that follows the rules of CommitRequest. Every
  // `done` is called on the committer's thread, or on the caller's if the queue
  // refuses the commit; the next batch waits for it.
  void Commit(CommitRequest request, Engine::CommitDone done);

  // As Engine::CommitHere, of such a request.
  void CommitHere(CommitRequest request, Engine::CommitDone done);

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

  // As in Engine.
  void SetLogSealer(const LogSealer* sealer);

  // As in Engine and EngineStats.
  WriteState write_state() const;
  uint64_t write_failures() const { return write_failures_; }
  uint64_t reopenings() const { return reopenings_; }

  // Finishes what was accepted, refuses all else, and ends the thread. Returns the
  // write error if the store has not been opened anew after it. Not from the committer's
  // thread, nor while CommitHere() is under way.
  absl::Status Stop();

 private:
  void Run();
  std::optional<CommitResult> TryCommitHere(const QueuedCommit& commit);
  size_t CommitAndTell(absl::Span<QueuedCommit> commits)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mutex_);
  bool CommitBatch(absl::Span<const QueuedCommit> commits)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mutex_);
  CommitResult AddToBatch(const QueuedCommit& commit, absl::Time commit_time)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mutex_);
  absl::Status WriteBatch(size_t commits) ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mutex_);
  void NotifyListener(LogPosition head);

  // What it does about a disk that takes no writes.
  void LookAfterDisk() ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mutex_);
  void CheckSpace() ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mutex_);
  void Fail(const absl::Status& error) ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mutex_);
  void TryToReopen() ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mutex_);
  void GoOnFrom(Meta meta) ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mutex_);
  void SetState(const WriteState& state) ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mutex_);

  LiveStore& store_;
  const absl::AnyInvocable<absl::Time() const> clock_;
  absl::AnyInvocable<void(const WrittenBatch&)> on_batch_;
  absl::AnyInvocable<void(const WriteState&)> on_write_state_;
  const uint64_t min_free_bytes_;
  const absl::Duration retry_period_;
  const LogEpoch epoch_;  // that began when the store was opened
  CommitQueue queue_;

  // Held by the thread that takes commits from the queue, or makes its own, until they are
  // written.
  absl::Mutex write_mutex_;
  const LogSealer* log_sealer_ ABSL_GUARDED_BY(write_mutex_) = nullptr;
  std::optional<BatchBuilder> builder_ ABSL_GUARDED_BY(write_mutex_);
  std::vector<CommitResult> results_ ABSL_GUARDED_BY(write_mutex_);
  absl::Status failure_ ABSL_GUARDED_BY(write_mutex_);   // OK unless a write failed
  bool is_short_ ABSL_GUARDED_BY(write_mutex_) = false;  // of room on the disk
  // Until the next attempt to open the store anew.
  absl::Duration retry_delay_ ABSL_GUARDED_BY(write_mutex_);
  absl::Time next_attempt_ ABSL_GUARDED_BY(write_mutex_) = absl::InfinitePast();

  // Published after the batch is durable. oldest_ <= head_ + 1 at all times, for
  // those who read oldest_ first.
  std::atomic<LogPosition> oldest_;
  mutable std::atomic<LogPosition> head_;

  std::atomic<uint64_t> write_failures_ = 0;
  std::atomic<uint64_t> reopenings_ = 0;
  mutable absl::Mutex state_mutex_;
  WriteState state_ ABSL_GUARDED_BY(state_mutex_);

  absl::Mutex listener_mutex_;  // held while the listener runs
  Engine::CommitListener listener_ ABSL_GUARDED_BY(listener_mutex_);

  absl::Mutex stop_mutex_;
  std::thread thread_ ABSL_GUARDED_BY(stop_mutex_);
};

}  // namespace innkeeper::storage::embedded

#endif  // INNKEEPER_STORAGE_ROCKSDB_COMMITTER_H_
