#include "storage/rocksdb/commit_queue.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace innkeeper::storage::embedded {
namespace {

// About what an element of a request takes besides its bytes.
constexpr size_t kElementBytes = 64;

size_t BytesOf(const CommitRequest& request) {
  size_t bytes = 0;
  for (const Precondition& precondition : request.preconditions) {
    bytes += kElementBytes + precondition.key.size();
  }
  for (const Write& write : request.writes) {
    bytes += kElementBytes + write.key.size() + (write.value ? write.value->size() : 0);
  }
  for (const std::string& entry : request.log_entries) bytes += kElementBytes + entry.size();
  return bytes;
}

}  // namespace

CommitQueue::CommitQueue(size_t max_commits, size_t max_bytes)
    : max_commits_(max_commits), max_bytes_(max_bytes) {}

void CommitQueue::Push(QueuedCommit commit) {
  const size_t bytes = BytesOf(commit.request);
  absl::Status status;
  {
    absl::MutexLock lock(&mutex_);
    status = Admit(bytes);
    if (status.ok()) {
      if (commits_.empty()) changed_.Signal();
      commits_.push_back(std::move(commit));
      bytes_ += bytes;
      return;
    }
  }
  commit.done({.status = std::move(status)});
}

absl::Status CommitQueue::Admit(size_t bytes) {
  if (!closed_.ok()) return closed_;
  if (bytes > max_bytes_) {
    return absl::InvalidArgumentError(
        absl::StrCat("a commit of ", bytes, " bytes is larger than the ", max_bytes_, " allowed"));
  }
  if (commits_.size() >= max_commits_ || bytes > max_bytes_ - bytes_) {
    return absl::ResourceExhaustedError("too many commits are queued");
  }
  return absl::OkStatus();
}

bool CommitQueue::Take(std::vector<QueuedCommit>& commits) {
  absl::MutexLock lock(&mutex_);
  while (commits_.empty() && closed_.ok()) changed_.Wait(&mutex_);
  commits.swap(commits_);
  bytes_ = 0;
  return !commits.empty();
}

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
