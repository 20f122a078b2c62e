#include "storage/rocksdb/commit_queue.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace innkeeper::storage::embedded {
namespace {

// About what an element of a request takes besides its bytes.
constexpr size_t kElementBytes = 64;

size_t SizeOf(const CommitRequest& request) {
  size_t bytes = 0;
  for (const Precondition& precondition : request.preconditions) {
    bytes += kElementBytes + precondition.key.size();
  }
  for (const Write& write : request.writes) {
    bytes += kElementBytes + write.key.size() + (write.value ? write.value->size() : 0);
  }
  for (const std::string& entry : request.log_entries) bytes += kElementBytes + entry.size();
  for (const std::string& entry : request.audit_entries) bytes += kElementBytes + entry.size();
  return bytes;
}

}  // namespace

bool QueuedCommit::MayUseReserve() const {
  if (trim_before > 0 || request.may_use_reserve) return true;
  const auto deletes = [](const Write& write) { return !write.value; };
  return request.log_entries.empty() && request.audit_entries.empty() &&
         std::all_of(request.writes.begin(), request.writes.end(), deletes);
}

CommitQueue::CommitQueue(size_t max_commits, size_t max_bytes)
    : max_commits_(max_commits), max_bytes_(max_bytes) {}

void CommitQueue::Push(QueuedCommit commit) {
  const size_t bytes = SizeOf(commit.request);
  CommitResult refusal;
  {
    absl::MutexLock lock(&mutex_);
    refusal = Admit(commit, bytes);
    if (refusal.status.ok()) {
      if (commits_.empty()) changed_.Signal();
      commits_.push_back(std::move(commit));
      bytes_ += bytes;
      return;
    }
  }
  commit.done(std::move(refusal));
}

CommitResult CommitQueue::Admit(const QueuedCommit& commit, size_t bytes) const {
  if (!closed_.ok()) return {.status = closed_};
  if (bytes > max_bytes_) {
    return {.status = absl::InvalidArgumentError(absl::StrCat(
                "a commit of ", bytes, " bytes is larger than the ", max_bytes_, " allowed"))};
  }
  if (!refusal_.status.ok() && !(has_reserve_ && commit.MayUseReserve())) return refusal_;
  if (commits_.size() >= max_commits_ || bytes > max_bytes_ - bytes_) {
    return {.status = absl::ResourceExhaustedError("too many commits are queued")};
  }
  return {};
}

bool CommitQueue::IsNext(const QueuedCommit& commit) const {
  const size_t bytes = SizeOf(commit.request);
  absl::MutexLock lock(&mutex_);
  return commits_.empty() && Admit(commit, bytes).status.ok();
}

bool CommitQueue::Await(absl::Duration patience) {
  const absl::Time deadline = absl::Now() + patience;
  absl::MutexLock lock(&mutex_);
  while (commits_.empty() && closed_.ok()) {
    if (changed_.WaitWithDeadline(&mutex_, deadline)) break;
  }
  return !commits_.empty() || closed_.ok();
}

void CommitQueue::Take(std::vector<QueuedCommit>& commits) {
  absl::MutexLock lock(&mutex_);
  commits.swap(commits_);
  bytes_ = 0;
}

void CommitQueue::Refuse(CommitResult refusal, bool has_reserve) {
  absl::MutexLock lock(&mutex_);
  refusal_ = std::move(refusal);
  has_reserve_ = has_reserve;
}

void CommitQueue::Accept() { Refuse({}, false); }

size_t CommitQueue::commits() const {
  absl::MutexLock lock(&mutex_);
  return commits_.size();
}

size_t CommitQueue::bytes() const {
  absl::MutexLock lock(&mutex_);
  return bytes_;
}

void CommitQueue::Close(absl::Status reason) {
  absl::MutexLock lock(&mutex_);
  if (!closed_.ok()) return;
  closed_ = std::move(reason);
  changed_.Signal();
}

}  // namespace innkeeper::storage::embedded
