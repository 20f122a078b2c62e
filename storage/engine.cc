#include "storage/engine.h"

#include <algorithm>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"

namespace innkeeper::storage {
namespace {

constexpr absl::string_view kNotInMemory = "innkeeper/not-in-memory";

absl::Status CheckKey(absl::string_view key) {
  if (key.empty()) return absl::InvalidArgumentError("a key is empty");
  if (key.size() <= kMaxKeyBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("a key has ", key.size(), " bytes, more than the ", kMaxKeyBytes, " allowed"));
}

// Collects log entries up to the limits of Engine::ReadLog.
class LogCollector {
 public:
  LogCollector(size_t max_entries, size_t max_bytes)
      : max_entries_(max_entries), max_bytes_(max_bytes) {
    constexpr size_t kUsualEntries = 256;
    entries_.reserve(std::min(max_entries, kUsualEntries));
  }

  // Takes the next entry; returns false if it does not fit, and then leaves out
  // its whole commit.
  bool Take(const LogEntryView& entry) {
    if (entries_.empty() || entries_.back().revision != entry.revision) {
      commit_start_ = entries_.size();
    }
    bytes_ += entry.payload.size();
    if (commit_start_ > 0 && (entries_.size() >= max_entries_ || bytes_ > max_bytes_)) {
      entries_.resize(commit_start_);
      return false;
    }
    entries_.push_back(
        {entry.position, entry.revision, entry.commit_time, std::string(entry.payload)});
    return true;
  }

  std::vector<LogEntry> Finish() { return std::move(entries_); }

 private:
  const size_t max_entries_;
  const size_t max_bytes_;
  size_t bytes_ = 0;
  size_t commit_start_ = 0;  // of the commit that the last entry belongs to
  std::vector<LogEntry> entries_;
};

CommitResult CommitAndWait(Engine& engine, CommitRequest request,
                           void (Engine::*commit)(CommitRequest, Engine::CommitDone)) {
  CommitResult result;
  absl::Notification done;
  (engine.*commit)(std::move(request), [&](CommitResult outcome) {
    result = std::move(outcome);
    done.Notify();
  });
  done.WaitForNotification();
  return result;
}

}  // namespace

absl::Status NotInMemory() {
  absl::Status status = absl::UnavailableError("not in memory");
  status.SetPayload(kNotInMemory, absl::Cord());
  return status;
}

bool IsNotInMemory(const absl::Status& status) {
  return absl::IsUnavailable(status) && status.GetPayload(kNotInMemory).has_value();
}

absl::StatusOr<std::vector<LogEntry>> Engine::ReadLog(LogPosition from, size_t max_entries,
                                                      size_t max_bytes) const {
  LogCollector collector(max_entries, max_bytes);
  absl::Status scanned =
      ScanLog(from, [&](const LogEntryView& entry) { return collector.Take(entry); });
  if (!scanned.ok()) return scanned;
  return collector.Finish();
}

CommitResult CommitAndWait(Engine& engine, CommitRequest request) {
  return CommitAndWait(engine, std::move(request), &Engine::Commit);
}

CommitResult CommitHereAndWait(Engine& engine, CommitRequest request) {
  return CommitAndWait(engine, std::move(request), &Engine::CommitHere);
}

absl::StatusOr<std::vector<std::shared_ptr<const std::string>>> Engine::GetValues(
    const std::vector<std::string>& keys, ReadTier tier) const {
  auto found = NewSnapshot(tier)->MultiGet(keys);
  if (!found.ok()) return found.status();
  std::vector<std::shared_ptr<const std::string>> values(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    std::optional<Versioned>& versioned = (*found)[i];
    if (versioned) values[i] = std::make_shared<const std::string>(std::move(versioned->value));
  }
  return values;
}

absl::Status Engine::DestroyRoomSecrets(absl::string_view, absl::Span<const uint64_t>) {
  return absl::OkStatus();
}

absl::Status CheckCommitRequest(const CommitRequest& request) {
  for (const Precondition& precondition : request.preconditions) {
    if (absl::Status status = CheckKey(precondition.key); !status.ok()) return status;
  }
  std::vector<absl::string_view> written;
  written.reserve(request.writes.size());
  for (const Write& write : request.writes) {
    if (absl::Status status = CheckKey(write.key); !status.ok()) return status;
    written.push_back(write.key);
  }
  std::sort(written.begin(), written.end());
  if (std::adjacent_find(written.begin(), written.end()) == written.end()) return absl::OkStatus();
  return absl::InvalidArgumentError("a key is written twice");
}

}  // namespace innkeeper::storage
