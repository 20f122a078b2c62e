// File: storage/rocksdb/commit_queue.h
//
// The commits that wait for the committer.

#ifndef INNKEEPER_STORAGE_ROCKSDB_COMMIT_QUEUE_H_
#define INNKEEPER_STORAGE_ROCKSDB_COMMIT_QUEUE_H_

#include <cstddef>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "storage/engine.h"

namespace innkeeper::storage::embedded {

// A commit that waits, or a trim of the log if `trim_before` is set.
struct QueuedCommit {
  CommitRequest request;
  LogPosition trim_before = 0;
  Engine::CommitDone done;

  // Whether it is let in though the disk has less room left than it is to have: it says so
  // itself, or takes less room than it gives back, by and by.
  bool MayUseReserve() const;
};

// A bounded queue with many producers and one consumer. Thread-safe.
class CommitQueue {
 public:
  // Holds at most `max_commits` commits, of at most `max_bytes` in all.
  CommitQueue(size_t max_commits, size_t max_bytes);

  // Queues `commit`, or calls its `done` with the reason for refusing it.
  void Push(QueuedCommit commit);

  // Whether `commit` would be let in, and be the first.
  bool IsNext(const QueuedCommit& commit) const;

  // Waits for commits, but not for longer than `patience`. Returns false when the queue is
  // closed and empty.
  bool Await(absl::Duration patience);

  // Swaps all that wait into `commits`, which must be empty.
  void Take(std::vector<QueuedCommit>& commits);

  // Refuses further commits with `refusal`, whose status is not OK, those that may use the
  // reserve excepted if `has_reserve`. What is queued stays. Until Accept(), or a Refuse()
  // with something else.
  void Refuse(CommitResult refusal, bool has_reserve);
  void Accept();

  // How many commits wait, and of how many bytes.
  size_t commits() const;
  size_t bytes() const;

  // Refuses further commits with `reason`, which must not be OK. What is queued
  // stays. Further calls have no effect.
  void Close(absl::Status reason);

 private:
  CommitResult Admit(const QueuedCommit& commit, size_t bytes) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t max_commits_;
  const size_t max_bytes_;

  mutable absl::Mutex mutex_;
  absl::CondVar changed_;
  std::vector<QueuedCommit> commits_ ABSL_GUARDED_BY(mutex_);
  size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status closed_ ABSL_GUARDED_BY(mutex_);   // OK while open
  CommitResult refusal_ ABSL_GUARDED_BY(mutex_);  // of status OK while none is refused
  bool has_reserve_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace innkeeper::storage::embedded

#endif  // INNKEEPER_STORAGE_ROCKSDB_COMMIT_QUEUE_H_
