#include "tests/stream/validators.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace innkeeper::stream {
namespace {

using StartKind = SeenStart::Kind;
using MessageKind = SeenMessage::Kind;

// Collects problems of one reader.
class Finder {
 public:
  explicit Finder(const Recording& recording) : recording_(recording) {}

  // Notes a problem unless `holds`.
  template <typename... Parts>
  void Expect(bool holds, const Parts&... parts) {
    if (holds || problems_.size() == kMaxProblems) return;
    problems_.push_back(absl::StrCat(recording_.reader, ": ", parts...));
  }

  Problems Take() { return std::move(problems_); }

 private:
  const Recording& recording_;
  Problems problems_;
};

// The first of `chosen` behind `position`.
std::optional<int64_t> NextChosen(const std::vector<int64_t>& chosen, int64_t position) {
  const auto next = std::upper_bound(chosen.begin(), chosen.end(), position);
  return next == chosen.end() ? std::nullopt : std::optional(*next);
}

bool AnyChosen(const std::vector<int64_t>& chosen, int64_t after, int64_t through) {
  const std::optional<int64_t> next = NextChosen(chosen, after);
  return next && *next <= through;
}

void ForEachEvent(const Recording& recording, const std::function<void(const SeenEvent&)>& visit) {
  for (const SeenStream& stream : recording.streams) {
    for (const SeenMessage& message : stream.messages) {
      for (const SeenEvent& event : message.events) visit(event);
    }
  }
}

// How far a stream got, by what it said and sent.
int64_t EndOf(const SeenStream& stream) {
  int64_t end = StartOf(stream).value_or(stream.start.position);
  for (const SeenMessage& message : stream.messages) {
    if (message.kind == MessageKind::kBookmark) end = std::max(end, message.sequence);
    if (!message.events.empty()) end = std::max(end, message.events.back().sequence);
  }
  return end;
}

int64_t EndOf(const Recording& recording) {
  int64_t end = 0;
  for (const SeenStream& stream : recording.streams) end = std::max(end, EndOf(stream));
  return end;
}

// The sequences of the events behind the first start that pass the filter, rising.
std::vector<int64_t> Chosen(const Recording& recording, const Log& log) {
  const auto begun = std::find_if(recording.streams.begin(), recording.streams.end(),
                                  [](const SeenStream& s) { return StartOf(s).has_value(); });
  if (begun == recording.streams.end()) return {};
  std::vector<int64_t> chosen;
  for (int64_t sequence = *StartOf(*begun) + 1; sequence <= static_cast<int64_t>(log.size());
       ++sequence) {
    const v1::RoomEvent& event = log[static_cast<size_t>(sequence) - 1];
    if (Passes(recording.filter, event)) chosen.push_back(sequence);
  }
  return chosen;
}

// A room as the log tells of it up to some place.
struct LoggedRoom {
  bool is_tombstoned = false;
  std::set<int64_t> commits;        // that changed it
  bool has_failed_upgrade = false;  // which takes a commit more than the log tells of
};

// The rooms that a snapshot at that position shows.
std::map<std::string, LoggedRoom> RoomsAt(int64_t position, const v1::RoomEventFilter& filter,
                                          const Log& log) {
  std::map<std::string, LoggedRoom> rooms;
  std::set<std::string> invites;
  for (const v1::RoomEvent& event : log) {
    if (event.sequence() > position) break;
    const bool is_reminder = event.has_room_invite_pending() &&
                             !invites.insert(event.room_invite_pending().event_id()).second;
    if (is_reminder) continue;  // the room does not change by it
    const SeenRoom seen = {.room_id = event.room_id(), .creator = event.creator()};
    if (event.type() == "room.created" && Passes(filter, seen)) rooms[seen.room_id];
    const auto room = rooms.find(event.room_id());
    if (room == rooms.end()) continue;
    room->second.commits.insert(event.commit_id());
    if (event.has_room_upgraded()) room->second.is_tombstoned = true;
    if (event.has_room_upgrade_failed()) room->second.has_failed_upgrade = true;
  }
  return rooms;
}

// Whether a snapshot may show a room so that the log tells of like that.
bool IsShown(const SeenRoom& seen, const LoggedRoom& logged) {
  if (seen.is_tombstoned != logged.is_tombstoned) return false;
  return !seen.revision || logged.has_failed_upgrade ||
         *seen.revision == static_cast<int64_t>(logged.commits.size());
}

}  // namespace

Problems CheckOrdered(const Recording& recording, const Log&) {
  Finder find(recording);
  SeenEvent last;
  ForEachEvent(recording, [&](const SeenEvent& event) {
    find.Expect(event.sequence >= last.sequence, "event ", event.sequence, " came behind event ",
                last.sequence);
    find.Expect(event.commit_id >= last.commit_id, "event ", event.sequence, " of commit ",
                event.commit_id, " came behind one of commit ", last.commit_id);
    last = event;
  });
  return find.Take();
}

Problems CheckUnique(const Recording& recording, const Log&) {
  Finder find(recording);
  std::set<int64_t> seen;
  ForEachEvent(recording, [&](const SeenEvent& event) {
    find.Expect(seen.insert(event.sequence).second, "event ", event.sequence, " came again");
  });
  return find.Take();
}

Problems CheckReliable(const Recording& recording, const Log& log) {
  Finder find(recording);
  const std::vector<int64_t> chosen = Chosen(recording, log);
  std::set<int64_t> missing(chosen.begin(), chosen.end());
  int64_t reached = 0;
  for (const SeenStream& stream : recording.streams) {
    if (stream.start.kind == StartKind::kOldestLeft && StartOf(stream)) {
      missing.erase(missing.upper_bound(reached), missing.upper_bound(*StartOf(stream)));
    }
    reached = std::max(reached, EndOf(stream));
  }
  ForEachEvent(recording, [&](const SeenEvent& event) {
    missing.erase(event.sequence);
    const bool is_logged =
        event.sequence >= 1 && event.sequence <= static_cast<int64_t>(log.size());
    find.Expect(is_logged, "event ", event.sequence, " is not in the log");
    if (!is_logged) return;
    const v1::RoomEvent& logged = log[static_cast<size_t>(event.sequence) - 1];
    find.Expect(Passes(recording.filter, logged), "event ", event.sequence,
                " should have been left out");
    find.Expect(Seen(logged).fingerprint == event.fingerprint, "event ", event.sequence,
                " is not what the log has");
  });
  for (int64_t sequence : missing) {
    find.Expect(sequence > std::max(reached, recording.through), "event ", sequence, " is missing");
  }
  return find.Take();
}

Problems CheckAtomic(const Recording& recording, const Log& log) {
  Finder find(recording);
  const std::vector<int64_t> chosen = Chosen(recording, log);
  const auto commit_of = [&](int64_t sequence) {
    return sequence <= static_cast<int64_t>(log.size())
               ? log[static_cast<size_t>(sequence) - 1].commit_id()
               : -1;
  };
  for (const SeenStream& stream : recording.streams) {
    std::optional<int64_t> continuing;  // the commit whose rest comes next
    for (const SeenMessage& message : stream.messages) {
      if (message.events.empty()) continue;
      find.Expect(!continuing || *continuing == message.events.front().commit_id, "commit ",
                  continuing.value_or(0), " was to go on, but commit ",
                  message.events.front().commit_id, " came");
      const SeenEvent& last = message.events.back();
      const std::optional<int64_t> next = NextChosen(chosen, last.sequence);
      const bool has_more = next && commit_of(*next) == last.commit_id;
      find.Expect(has_more == message.commit_continues, "the message up to event ", last.sequence,
                  has_more ? " parts a commit without a mark" : " says that its commit goes on");
      continuing = message.commit_continues ? std::optional(last.commit_id) : std::nullopt;
    }
  }
  return find.Take();
}

Problems CheckResumable(const Recording& recording, const Log& log) {
  Finder find(recording);
  const std::vector<int64_t> chosen = Chosen(recording, log);
  std::optional<int64_t> gone;  // the position that the log no longer has what follows on
  for (const SeenStream& stream : recording.streams) {
    if (stream.end_reason == "EVENT_HISTORY_GONE") gone = EndOf(stream);
    const std::optional<int64_t> start = StartOf(stream);
    if (!start) continue;
    const int64_t position = stream.start.position;
    switch (stream.start.kind) {
      case StartKind::kBehind:
        find.Expect(*start == position, "the cursor of ", position, " resumed behind ", *start);
        break;
      case StartKind::kAtLeast:
        find.Expect(*start >= position && !AnyChosen(chosen, position, *start),
                    "the cursor behind ", position, " resumed behind ", *start);
        break;
      case StartKind::kOldestLeft:
        find.Expect(*start + 1 == stream.messages.front().oldest_sequence,
                    "a stream of what is left starts behind ", *start);
        find.Expect(gone && *gone < *start, "what follows on ", gone.value_or(-1),
                    " was said to be gone, but the log starts behind ", *start);
        break;
      case StartKind::kOldest:
      case StartKind::kNow:
      case StartKind::kSnapshot:
      case StartKind::kGoingOn:
        break;
    }
    for (const SeenMessage& message : stream.messages) {
      if (message.events.empty()) continue;
      const std::optional<int64_t> next = NextChosen(chosen, *start);
      find.Expect(next && *next == message.events.front().sequence, "the stream behind ", *start,
                  " begins with event ", message.events.front().sequence);
      break;
    }
  }
  return find.Take();
}

Problems CheckBookmarkable(const Recording& recording, const Log& log) {
  Finder find(recording);
  const std::vector<int64_t> chosen = Chosen(recording, log);
  for (const SeenStream& stream : recording.streams) {
    int64_t position = StartOf(stream).value_or(0);
    int64_t head_at_start = 0;
    for (const SeenMessage& message : stream.messages) {
      head_at_start = std::max(head_at_start, message.head_sequence);
      for (const SeenEvent& event : message.events) {
        find.Expect(event.sequence > position, "event ", event.sequence,
                    " came when the stream was behind ", position);
        position = std::max(position, event.sequence);
      }
      if (message.kind != MessageKind::kBookmark) continue;
      find.Expect(message.sequence >= position, "the stream said ", message.sequence,
                  " when it was behind ", position);
      find.Expect(!AnyChosen(chosen, position, message.sequence), "the stream said ",
                  message.sequence, " when it had sent no more than up to ", position);
      find.Expect(message.sequence <= static_cast<int64_t>(log.size()), "the stream said ",
                  message.sequence, ", and the log ends with ", log.size());
      find.Expect(!message.is_caught_up || message.sequence >= head_at_start,
                  "the stream said that it had caught up at ", message.sequence,
                  ", when it had begun with ", head_at_start, " to catch up with");
      position = std::max(position, message.sequence);
    }
  }
  const int64_t end = EndOf(recording);
  find.Expect(end >= recording.through, "the reader got to ", end, " and not to ",
              recording.through);
  return find.Take();
}

Problems CheckSnapshots(const Recording& recording, const Log& log) {
  Finder find(recording);
  for (const SeenStream& stream : recording.streams) {
    if (stream.start.kind != StartKind::kSnapshot) continue;
    std::map<std::string, SeenRoom> shown;
    std::optional<int64_t> end;
    for (const SeenMessage& message : stream.messages) {
      find.Expect(message.events.empty() || end, "an event came before the end of the snapshot");
      find.Expect(message.rooms.empty() || !end, "a room came behind the end of the snapshot");
      if (message.kind == MessageKind::kSnapshotEnd) end = message.sequence;
      for (const SeenRoom& room : message.rooms) {
        find.Expect(shown.emplace(room.room_id, room).second, room.room_id,
                    " came again in the snapshot");
      }
    }
    if (!end) continue;
    const std::map<std::string, LoggedRoom> rooms = RoomsAt(*end, recording.filter, log);
    find.Expect(shown.size() == rooms.size(), "the snapshot at ", *end, " shows ", shown.size(),
                " rooms instead of ", rooms.size());
    for (const auto& [room_id, room] : rooms) {
      find.Expect(shown.contains(room_id) && IsShown(shown[room_id], room), "the snapshot at ",
                  *end, " does not show ", room_id, " as it was");
    }
  }
  return find.Take();
}

}  // namespace innkeeper::stream
