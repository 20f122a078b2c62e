#include "server/feed/logged_commit.h"

#include <utility>

#include "absl/algorithm/container.h"
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
  for (const storage::LogEntry& entry : entries) {
    absl::StatusOr<v1::RoomEvent> event = DecodeEvent(entry);
    if (!event.ok()) return event.status();
    std::string bytes = event->SerializeAsString();
    commit->events.push_back({*std::move(event), std::move(bytes)});
  }
  return commit;
}

bool StretchBuilder::Add(const std::shared_ptr<const LoggedCommit>& commit) {
  std::vector<std::shared_ptr<const LoggedEvent>> picked;
  size_t picked_bytes = 0;
  for (const LoggedEvent& event : commit->events) {
    if (event.position() <= stretch_.through || !filter_.Matches(event.event)) continue;
    picked.emplace_back(commit, &event);
    picked_bytes += event.bytes.size();
  }
  const bool fits = stretch_.events.size() + picked.size() <= limits_.events &&
                    bytes_ + picked_bytes <= limits_.bytes;
  if (!fits && !stretch_.events.empty() && !picked.empty()) return false;
  absl::c_move(picked, std::back_inserter(stretch_.events));
  bytes_ += picked_bytes;
  stretch_.through = commit->last();
  return true;
}

}  // namespace innkeeper::feed
