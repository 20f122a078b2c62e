#include "server/feed/event_log.h"

#include <glog/logging.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/types/span.h"
#include "storage/log_search.h"

namespace innkeeper::feed {
namespace {

// One read of the database.
constexpr size_t kChunkEntries = 256;
constexpr size_t kChunkBytes = 1 << 20;

}  // namespace

EventLog::EventLog(const storage::Engine& engine, const EventLogOptions& options,
                   metrics::CounterByName* arrivals)
    : engine_(engine), options_(options), arrivals_(arrivals), end_(engine.log_bounds().head) {}

absl::StatusOr<storage::LogPosition> EventLog::FirstSince(absl::Time time) const {
  const absl::StatusOr<storage::LogPosition> first = storage::FirstPositionSince(engine_, time);
  if (!first.ok()) return first.status();
  // What was removed may have been committed since `time`, too.
  const storage::LogBounds bounds = engine_.log_bounds();
  if (*first <= bounds.oldest && bounds.oldest > 1) return absl::OutOfRangeError("removed");
  return *first;
}

bool EventLog::Refresh() {
  bool found_any = false;
  while (true) {
    const absl::StatusOr<bool> found = RefreshChunk();
    if (!found.ok()) {
      LOG_IF(ERROR, !absl::IsOutOfRange(found.status()))
          << "the event log can't be read: " << found.status();
      SkipUnreadable();
      return true;
    }
    if (!*found) return found_any;
    found_any = true;
  }
}

absl::StatusOr<bool> EventLog::RefreshChunk() {
  storage::LogPosition from;
  {
    absl::ReaderMutexLock lock(&mutex_);
    from = end_ + 1;
  }
  if (engine_.log_bounds().head < from) return false;
  const auto entries = engine_.ReadLog(from, kChunkEntries, kChunkBytes);
  if (!entries.ok()) return entries.status();
  for (absl::Span<const storage::LogEntry> rest = *entries; !rest.empty();) {
    const size_t length = CommitLength(rest);
    auto commit = DecodeCommit(rest.first(length));
    if (!commit.ok()) return commit.status();
    Append(*std::move(commit));
    rest.remove_prefix(length);
  }
  return !entries->empty();
}

void EventLog::Append(std::shared_ptr<const LoggedCommit> commit) {
  if (arrivals_ != nullptr) {
    for (const LoggedEvent& event : commit->events) arrivals_->Add(event.event.type());
  }
  absl::MutexLock lock(&mutex_);
  end_ = commit->last();
  recent_events_ += commit->events.size();
  recent_bytes_ += commit->bytes();
  recent_.push_back(std::move(commit));
  while (recent_.size() > 1 && (recent_events_ > options_.max_recent_events ||
                                recent_bytes_ > options_.max_recent_bytes)) {
    recent_events_ -= recent_.front()->events.size();
    recent_bytes_ -= recent_.front()->bytes();
    recent_.pop_front();
  }
}

void EventLog::SkipUnreadable() {
  const storage::LogPosition head = engine_.log_bounds().head;
  absl::MutexLock lock(&mutex_);
  recent_.clear();
  recent_events_ = 0;
  recent_bytes_ = 0;
  end_ = std::max(end_, head);
}

std::optional<Stretch> EventLog::ReadRecent(const EventFilter& filter, storage::LogPosition after,
                                            StretchLimits limits) const {
  StretchBuilder builder(filter, after, limits);
  absl::ReaderMutexLock lock(&mutex_);
  if (!HoldsWhatFollows(after)) return std::nullopt;
  auto commit = std::partition_point(recent_.begin(), recent_.end(),
                                     [&](const auto& c) { return c->last() <= after; });
  while (commit != recent_.end() && builder.Add(*commit)) ++commit;
  return builder.Take();
}

bool EventLog::IsRecent(storage::LogPosition after) const {
  absl::ReaderMutexLock lock(&mutex_);
  return HoldsWhatFollows(after);
}

absl::StatusOr<Stretch> EventLog::Read(const EventFilter& filter, storage::LogPosition after,
                                       StretchLimits limits, EventDetail detail) const {
  StretchBuilder builder(filter, after, limits, CompleterFor(detail));
  if (const auto parted = PartedCommit(after)) {
    if (!builder.Add(parted)) return builder.Take();
    SetPartedCommit(nullptr);
  }
  while (true) {
    const auto entries = engine_.ReadLog(builder.through() + 1, kChunkEntries, kChunkBytes);
    if (!entries.ok() && builder.through() == after) return entries.status();
    if (!entries.ok() || entries->empty()) return builder.Take();
    if (builder.through() - after >= options_.max_scanned_entries) {
      builder.Complete(entries->front().commit_time);
      return builder.Take();
    }
    for (absl::Span<const storage::LogEntry> rest = *entries; !rest.empty();) {
      const size_t length = CommitLength(rest);
      const auto commit = DecodeCommit(rest.first(length));
      if (!commit.ok() && builder.through() == after) return commit.status();
      if (!commit.ok()) return builder.Take();
      if (!builder.Add(*commit)) {
        Stretch stretch = builder.Take();
        if (stretch.commit_continues) SetPartedCommit(*commit);
        return stretch;
      }
      rest.remove_prefix(length);
    }
  }
}

absl::StatusOr<EncodedStretch> EventLog::ReadEncoded(const EventFilter& filter,
                                                     storage::LogPosition after,
                                                     StretchLimits limits,
                                                     EventDetail detail) const {
  if (!filter.PassesAll()) {
    const absl::StatusOr<Stretch> stretch = Read(filter, after, limits, detail);
    if (!stretch.ok()) return stretch.status();
    return Encode(*stretch);
  }
  EncodedStretchBuilder builder(after, limits, CompleterFor(detail));
  return builder.Take(engine_.ScanLog(
      after + 1, [&](const storage::LogEntryView& entry) { return builder.Add(entry); }));
}

const EventCompleter* EventLog::CompleterFor(EventDetail detail) const {
  return detail == EventDetail::kInFull ? options_.completer : nullptr;
}

bool EventLog::MayLackDetail(const Stretch& stretch, EventDetail detail) const {
  const EventCompleter* const completer = CompleterFor(detail);
  if (completer == nullptr) return false;
  return absl::c_any_of(stretch.events, [completer](const auto& logged) {
    return completer->MayComplete(logged->event.type());
  });
}

// Returns the commit that was kept, if `after` is in its midst.
std::shared_ptr<const LoggedCommit> EventLog::PartedCommit(storage::LogPosition after) const {
  absl::ReaderMutexLock lock(&parted_mutex_);
  const bool has_more = parted_ != nullptr && parted_->first() <= after && after < parted_->last();
  return has_more ? parted_ : nullptr;
}

void EventLog::SetPartedCommit(std::shared_ptr<const LoggedCommit> commit) const {
  absl::MutexLock lock(&parted_mutex_);
  parted_.swap(commit);
}

}  // namespace innkeeper::feed
