#include "server/feed/logged_commit.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "server/events/event_codec.h"

namespace innkeeper::feed {

size_t LoggedCommit::bytes() const {
  size_t bytes = 0;
  for (const LoggedEvent& event : events) bytes += event.bytes.size();
  return bytes;
}

size_t CommitLength(absl::Span<const storage::LogEntry> entries) {
  const auto end = absl::c_find_if(entries, [&](const storage::LogEntry& entry) {
    return entry.revision != entries.front().revision;
  });
  return static_cast<size_t>(end - entries.begin());
}

absl::StatusOr<std::shared_ptr<const LoggedCommit>> DecodeCommit(
    absl::Span<const storage::LogEntry> entries) {
  auto commit = std::make_shared<LoggedCommit>();
  commit->events.reserve(entries.size());
  commit->time = entries.front().commit_time;
  for (const storage::LogEntry& entry : entries) {
    absl::StatusOr<v1::RoomEvent> event = DecodeEvent(entry);
    if (!event.ok()) return event.status();
    const auto serialized = SerializedEvent::Of(entry);
    commit->events.push_back({*std::move(event),
                              absl::StrCat(serialized->logged(), serialized->place()),
                              entry.position});
  }
  return commit;
}

bool StretchBuilder::Add(const std::shared_ptr<const LoggedCommit>& commit) {
  const size_t events_before = stretch_.events.size();
  const size_t bytes_before = bytes_;
  stretch_.first_time = std::min(stretch_.first_time, commit->time);
  auto event = absl::c_partition_point(
      commit->events, [this](const LoggedEvent& e) { return e.position() <= stretch_.through; });
  for (; event != commit->events.end(); ++event) {
    if (!filter_.Matches(event->event)) continue;
    std::shared_ptr<const LoggedEvent> picked = Pick(commit, *event);
    if (!HasPlaceFor(*picked)) break;
    bytes_ += picked->bytes.size();
    stretch_.events.push_back(std::move(picked));
  }
  if (event == commit->events.end()) {
    stretch_.through = commit->last();
    return true;
  }
  stretch_.next_time = commit->time;
  if (events_before == 0) {
    CutBefore(*event);
  } else {
    stretch_.events.resize(events_before);
    bytes_ = bytes_before;
  }
  return false;
}

std::shared_ptr<const LoggedEvent> StretchBuilder::Pick(
    const std::shared_ptr<const LoggedCommit>& commit, const LoggedEvent& event) const {
  if (completer_ == nullptr || !completer_->MayComplete(event.event.type())) {
    return {commit, &event};
  }
  auto completed = std::make_shared<LoggedEvent>(event);
  completer_->Complete(completed->event);
  completed->bytes = completed->event.SerializeAsString();
  return completed;
}

bool StretchBuilder::HasPlaceFor(const LoggedEvent& event) const {
  return stretch_.events.empty() ||
         (stretch_.events.size() < limits_.events && bytes_ + event.bytes.size() <= limits_.bytes);
}

void StretchBuilder::CutBefore(const LoggedEvent& event) {
  stretch_.through = event.position() - 1;
  stretch_.commit_continues = true;
}

}  // namespace innkeeper::feed
