#include "storage/rocksdb/committer.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include <glog/logging.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "storage/rocksdb/rocksdb_status.h"

namespace innkeeper::storage::embedded {
namespace {

// Commits that wait are packed into a batch until it reaches this size.
constexpr size_t kFullBatchBytes = 1 << 20;

// Attempts to open a store anew come at twice the distance each, up to this many times that
// of the first.
constexpr int kMaxBackoff = 32;

// How long those who read a failed database have to finish, at each attempt.
constexpr absl::Duration kReaderPatience = absl::Seconds(1);

// What becomes of a commit while the store takes no writes.
CommitResult RefusalFor(const WriteState& state) {
  return {
      .status = absl::UnavailableError(absl::StrCat("the store takes no writes: ", state.message)),
      .trouble = state.trouble};
}

}  // namespace

Committer::Committer(LiveStore& store, const Meta& meta, CommitterOptions options)
    : store_(store),
      clock_(std::move(options.clock)),
      on_batch_(std::move(options.on_batch)),
      on_write_state_(std::move(options.on_write_state)),
      min_free_bytes_(options.min_free_bytes),
      retry_period_(options.retry_period),
      epoch_(meta.epochs.back()),
      queue_(options.max_queued_commits, options.max_queued_bytes),
      retry_delay_(options.retry_period),
      oldest_(meta.oldest),
      head_(meta.head.position) {
  builder_.emplace(store_.writable(), meta);
  thread_ = std::thread([this] { Run(); });
}

Committer::~Committer() { Stop().IgnoreError(); }

void Committer::Commit(CommitRequest request, Engine::CommitDone done) {
  queue_.Push({.request = std::move(request), .done = std::move(done)});
}

void Committer::CommitHere(CommitRequest request, Engine::CommitDone done) {
  QueuedCommit commit{.request = std::move(request), .done = std::move(done)};
  std::optional<CommitResult> result = TryCommitHere(commit);
  if (!result) return queue_.Push(std::move(commit));
  result->made_here = true;
  commit.done(*std::move(result));
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

void Committer::SetLogSealer(const LogSealer* sealer) {
  absl::MutexLock lock(&write_mutex_);
  log_sealer_ = sealer;
  builder_->SetLogSealer(sealer);
}

absl::Status Committer::Stop() {
  absl::MutexLock lock(&stop_mutex_);
  queue_.Close(absl::UnavailableError("the store is closed"));
  if (thread_.joinable()) thread_.join();
  absl::MutexLock writing(&write_mutex_);
  return failure_;
}

WriteState Committer::write_state() const {
  absl::MutexLock lock(&state_mutex_);
  return state_;
}

void Committer::Run() {
  pthread_setname_np(pthread_self(), "committer");
  std::vector<QueuedCommit> commits;
  while (queue_.Await(retry_period_)) {
    absl::MutexLock lock(&write_mutex_);
    queue_.Take(commits);
    LookAfterDisk();
    absl::Span<QueuedCommit> waiting = absl::MakeSpan(commits);
    while (!waiting.empty()) waiting.remove_prefix(CommitAndTell(waiting));
    commits.clear();
  }
}

// Does nothing if others are writing, or wait to.
std::optional<CommitResult> Committer::TryCommitHere(const QueuedCommit& commit) {
  if (!write_mutex_.TryLock()) return std::nullopt;
  std::optional<CommitResult> result;
  if (queue_.IsNext(commit)) {
    LookAfterDisk();
    const bool moved = CommitBatch(absl::MakeConstSpan(&commit, 1));
    if (moved) NotifyListener(builder_->head().position);
    result = std::move(results_.front());
  }
  write_mutex_.Unlock();
  return result;
}

// Commits as many of `commits` as fit into a batch, tells their callers and the listener, and
// returns how many.
size_t Committer::CommitAndTell(absl::Span<QueuedCommit> commits) {
  const bool moved = CommitBatch(commits);
  for (size_t i = 0; i < results_.size(); ++i) {
    Engine::CommitDone done = std::move(commits[i].done);
    done(std::move(results_[i]));
  }
  if (moved) NotifyListener(builder_->head().position);
  return results_.size();
}

// Commits as many of `commits` as fit into a batch. results_ then has what became of them, in
// their order. Returns whether the head of the log has moved.
bool Committer::CommitBatch(absl::Span<const QueuedCommit> commits) {
  const absl::Time commit_time = clock_();
  const LogPosition head_before = builder_->head().position;
  builder_->Begin();
  results_.clear();
  while (results_.size() < commits.size() && builder_->bytes() < kFullBatchBytes) {
    results_.push_back(AddToBatch(commits[results_.size()], commit_time));
  }
  // Commits that failed are answered after the write too: what they lost against
  // may be in this very batch, and they must find it when they look.
  const absl::Status written = builder_->empty() ? failure_ : WriteBatch(results_.size());
  if (!written.ok()) {
    results_.assign(results_.size(), RefusalFor(write_state()));
    return false;
  }
  PublishHead(builder_->head().position);
  oldest_ = builder_->oldest();
  return builder_->head().position != head_before;
}

CommitResult Committer::AddToBatch(const QueuedCommit& commit, absl::Time commit_time) {
  if (!failure_.ok() || (is_short_ && !commit.MayUseReserve())) return RefusalFor(write_state());
  if (commit.trim_before > 0) return builder_->AddTrim(commit.trim_before);
  return builder_->Add(commit.request, commit_time);
}

absl::Status Committer::WriteBatch(size_t commits) {
  const absl::Time begin = absl::Now();
  rocksdb::WriteOptions options;
  options.sync = true;
  const rocksdb::Status status = store_.writable().db().Write(options, &builder_->Finish());
  if (!status.ok()) {
    Fail(FromRocksDb(status, "writing a batch"));
  } else if (absl::Status recorded = store_.durable_head().Record(builder_->head().revision);
             !recorded.ok()) {
    Fail(recorded);
  } else {
    retry_delay_ = retry_period_;
    if (on_batch_) on_batch_({commits, builder_->bytes(), absl::Now() - begin});
  }
  return failure_;
}

void Committer::NotifyListener(LogPosition head) {
  absl::MutexLock lock(&listener_mutex_);
  if (listener_) listener_(head);
}

void Committer::LookAfterDisk() {
  if (failure_.ok()) {
    // Nobody needs to lose a commit to find that out.
    const absl::Status error = store_.writable().BackgroundError();
    if (!error.ok()) return Fail(error);
    CheckSpace();
  } else if (absl::Now() >= next_attempt_) {
    TryToReopen();
  }
}

void Committer::CheckSpace() {
  if (min_free_bytes_ == 0) return;
  const std::optional<uint64_t> free = store_.FreeBytes();
  if (!free || (*free < min_free_bytes_) == is_short_) return;
  is_short_ = !is_short_;
  if (is_short_) {
    const absl::Status error = NoSpace(
        absl::StrCat(*free, " bytes are left, and ", min_free_bytes_, " are to be left free"));
    SetState({WriteTrouble::kFull, std::string(error.message())});
  } else {
    SetState({});
  }
}

void Committer::Fail(const absl::Status& error) {
  failure_ = absl::UnavailableError(error.message());
  ++write_failures_;
  next_attempt_ = absl::Now() + retry_delay_;
  SetState({TroubleOf(error), std::string(error.message())});
}

void Committer::TryToReopen() {
  absl::StatusOr<Meta> meta = store_.Reopen(min_free_bytes_, kReaderPatience);
  if (meta.ok()) return GoOnFrom(*std::move(meta));
  const absl::Status& error = meta.status();
  if (absl::IsUnavailable(error)) {
    retry_delay_ = std::min(retry_delay_ * 2, retry_period_ * kMaxBackoff);
    next_attempt_ = absl::Now() + retry_delay_;
    SetState({TroubleOf(error), std::string(error.message())});
  } else {
    next_attempt_ = absl::InfiniteFuture();
    SetState({WriteTrouble::kNeedsRestart, std::string(error.message())});
  }
}

// Takes commits again, of a store that was opened anew and stands at `meta`.
void Committer::GoOnFrom(Meta meta) {
  // Unless an entry was written in it, it isn't there yet.
  if (meta.epochs.back().id != epoch_.id) meta.epochs.push_back(epoch_);
  builder_.emplace(store_.writable(), meta);
  builder_->SetLogSealer(log_sealer_);
  PublishHead(meta.head.position);
  oldest_ = meta.oldest;
  failure_ = absl::OkStatus();
  is_short_ = false;
  ++reopenings_;
  SetState({});
  // Readers may have published what became of the write that failed; nobody was told.
  NotifyListener(meta.head.position);
}

// Tells everybody, and lets commits in or not. Whoever knows that the store takes writes can
// write, and whoever is refused a write is told of the state that is known.
void Committer::SetState(const WriteState& state) {
  const bool takes_writes = state.trouble == WriteTrouble::kNone;
  if (takes_writes) queue_.Accept();
  if (on_write_state_) on_write_state_(state);
  if (!takes_writes) queue_.Refuse(RefusalFor(state), /*has_reserve=*/failure_.ok());
  WriteState before;
  {
    absl::MutexLock lock(&state_mutex_);
    before = std::exchange(state_, state);
  }
  if (takes_writes) {
    LOG(WARNING) << "the store takes writes again";
  } else if (state.message != before.message) {
    LOG(ERROR) << "the store takes no writes "
               << (state.trouble == WriteTrouble::kNeedsRestart ? "until the server is restarted"
                                                                : "for now")
               << ": " << state.message;
  }
}

}  // namespace innkeeper::storage::embedded
