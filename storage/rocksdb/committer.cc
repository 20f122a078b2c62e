#include "storage/rocksdb/committer.h"

#include <pthread.h>

#include <utility>

#include <glog/logging.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "storage/rocksdb/rocksdb_status.h"

namespace innkeeper::storage::embedded {
namespace {

// Commits that wait are packed into a batch until it reaches this size.
constexpr size_t kFullBatchBytes = 1 << 20;

}  // namespace

Committer::Committer(Database& database, DurableHeadWriter& durable_head, const Meta& meta,
                     CommitterOptions options)
    : database_(database),
      clock_(std::move(options.clock)),
      on_batch_(std::move(options.on_batch)),
      queue_(options.max_queued_commits, options.max_queued_bytes),
      durable_head_(durable_head),
      builder_(database, meta.head, meta.oldest, meta.epochs),
      oldest_(meta.oldest),
      head_(meta.head.position),
      thread_([this] { Run(); }) {}

Committer::~Committer() { Stop().IgnoreError(); }

void Committer::Commit(CommitRequest request, Engine::CommitDone done) {
  queue_.Push({.request = std::move(request), .done = std::move(done)});
}

void Committer::Trim(LogPosition before, Engine::CommitDone done) {
  queue_.Push({.trim_before = before, .done = std::move(done)});
}

LogBounds Committer::log_bounds() const {
  LogBounds bounds;
  bounds.oldest = oldest_.load();
  bounds.head = head_.load();
  return bounds;
}

void Committer::PublishHead(LogPosition head) const {
  LogPosition published = head_.load();
  while (published < head && !head_.compare_exchange_weak(published, head)) {
  }
}

void Committer::SetListener(Engine::CommitListener listener) {
  absl::MutexLock lock(&listener_mutex_);
  listener_ = std::move(listener);
}

absl::Status Committer::Stop() {
  absl::MutexLock lock(&stop_mutex_);
  queue_.Close(absl::UnavailableError("the store is closed"));
  if (thread_.joinable()) thread_.join();
  return failure_;
}

void Committer::Run() {
  pthread_setname_np(pthread_self(), "committer");
  std::vector<QueuedCommit> commits;
  while (queue_.Take(commits)) {
    absl::Span<QueuedCommit> waiting = absl::MakeSpan(commits);
    while (!waiting.empty()) waiting.remove_prefix(CommitBatch(waiting));
    commits.clear();
  }
}

// Commits as many of `commits` as fit into a batch and returns how many.
size_t Committer::CommitBatch(absl::Span<QueuedCommit> commits) {
  const absl::Time commit_time = clock_();
  const LogPosition head_before = builder_.head().position;
  builder_.Begin();
  results_.clear();
  while (results_.size() < commits.size() && builder_.bytes() < kFullBatchBytes) {
    results_.push_back(AddToBatch(commits[results_.size()], commit_time));
  }
  // Commits that failed are answered after the write too: what they lost against
  // may be in this very batch, and they must find it when they look.
  const absl::Status written = builder_.empty() ? failure_ : WriteBatch(results_.size());
  const bool moved = written.ok() && builder_.head().position != head_before;
  if (written.ok()) {
    PublishHead(builder_.head().position);
    oldest_ = builder_.oldest();
  }
  for (size_t i = 0; i < results_.size(); ++i) {
    Engine::CommitDone done = std::move(commits[i].done);
    if (!written.ok()) results_[i] = {.status = written};
    done(std::move(results_[i]));
  }
  if (moved) NotifyListener(builder_.head().position);
  return results_.size();
}

CommitResult Committer::AddToBatch(const QueuedCommit& commit, absl::Time commit_time) {
  if (commit.trim_before > 0) return builder_.AddTrim(commit.trim_before);
  return builder_.Add(commit.request, commit_time);
}

absl::Status Committer::WriteBatch(size_t commits) {
  if (!failure_.ok()) return failure_;
  const absl::Time begin = absl::Now();
  rocksdb::WriteOptions options;
  options.sync = true;
  const rocksdb::Status status = database_.db().Write(options, &builder_.Finish());
  if (!status.ok()) {
    Fail(FromRocksDb(status, "writing a batch"));
  } else if (absl::Status recorded = durable_head_.Record(builder_.head().revision);
             !recorded.ok()) {
    Fail(std::move(recorded));
  }
  if (on_batch_ && failure_.ok()) on_batch_({commits, builder_.bytes(), absl::Now() - begin});
  return failure_;
}

void Committer::Fail(absl::Status error) {
  failure_ = absl::UnavailableError(
      absl::StrCat("the store takes no writes until the server is restarted: ", error.message()));
  LOG(ERROR) << failure_.message();
}

void Committer::NotifyListener(LogPosition head) {
  absl::MutexLock lock(&listener_mutex_);
  if (listener_) listener_(head);
}

}  // namespace innkeeper::storage::embedded
