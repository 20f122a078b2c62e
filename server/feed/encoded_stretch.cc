#include "server/feed/encoded_stretch.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "innkeeper/v1/room_event.pb.h"
#include "innkeeper/v1/room_lifecycle.pb.h"
#include "server/events/event_codec.h"
#include "server/feed/cursor.h"
#include "server/feed/wire_fields.h"

namespace innkeeper::feed {
namespace {

// The field `cursor` of an event, with nothing in it yet.
const std::string& EmptyCursor() {
  static const auto& field = *new std::string([] {
    std::string bytes;
    AppendFieldHeader(v1::RoomEvent::kCursorFieldNumber, kCursorSize, bytes);
    bytes.append(kCursorSize, '\0');
    return bytes;
  }());
  return field;
}

}  // namespace

void EncodedEvents::Add(storage::LogPosition position, absl::string_view event,
                        absl::string_view more) {
  const std::string& cursor = EmptyCursor();
  const size_t size = event.size() + more.size();
  AppendFieldHeader(v1::RoomEventBatch::kEventsFieldNumber, size + cursor.size(), bytes_);
  bytes_.append(event.data(), event.size());
  bytes_.append(more.data(), more.size());
  bytes_.append(cursor);
  places_.push_back({position, bytes_.size(), event_bytes() + size});
}

void EncodedEvents::Truncate(size_t count) {
  places_.resize(count);
  bytes_.resize(empty() ? kHeaderRoom : places_.back().end);
}

void EncodedEvents::Reserve(StretchLimits events) {
  const size_t more_per_event = kMaxFieldHeaderBytes + EmptyCursor().size();
  bytes_.reserve(kHeaderRoom + events.bytes + events.events * more_per_event + kRestRoom);
}

void EncodedEvents::Shrink() {
  if (bytes_.capacity() / 2 < bytes_.size() + kRestRoom) return;
  std::string exact;
  exact.reserve(bytes_.size() + kRestRoom);
  exact.append(bytes_);
  bytes_ = std::move(exact);
}

DraftMessage EncodedEvents::Wrap(int field, absl::string_view rest) && {
  std::string header;
  AppendFieldHeader(field, bytes_.size() - kHeaderRoom + rest.size(), header);
  bytes_.append(rest.data(), rest.size());
  bytes_.replace(0, kHeaderRoom, header);
  DraftMessage draft;
  draft.gaps.reserve(places_.size() + 1);  // there is one of the batch, too
  for (const Place& place : places_) {
    draft.gaps.push_back({place.position, place.end - kHeaderRoom + header.size() - kCursorSize});
  }
  draft.bytes = std::move(bytes_);
  return draft;
}

EncodedStretch Encode(const Stretch& stretch) {
  EncodedStretch encoded = {.through = stretch.through,
                            .commit_continues = stretch.commit_continues,
                            .first_time = stretch.first_time,
                            .next_time = stretch.next_time};
  size_t bytes = 0;
  for (const auto& event : stretch.events) bytes += event->bytes.size();
  encoded.events.Reserve({stretch.events.size(), bytes});
  for (const auto& event : stretch.events) encoded.events.Add(event->position(), event->bytes);
  return encoded;
}

bool EncodedStretchBuilder::Add(const storage::LogEntryView& entry) {
  if (entry.revision != revision_) {
    revision_ = entry.revision;
    commit_start_ = stretch_.events.count();
  }
  const std::optional<SerializedEvent> event = SerializedEvent::Of(entry);
  if (!event) return EndWith(DamagedEventError(entry.position));
  if (completer_ != nullptr && (event->type().empty() || completer_->MayComplete(event->type()))) {
    return AddCompleted(entry);
  }
  return AddBytes(entry, event->logged(), event->place());
}

bool EncodedStretchBuilder::AddCompleted(const storage::LogEntryView& entry) {
  absl::StatusOr<v1::RoomEvent> event = DecodeEvent(entry);
  if (!event.ok()) return EndWith(event.status());
  completer_->Complete(*event);
  return AddBytes(entry, event->SerializeAsString(), "");
}

bool EncodedStretchBuilder::AddBytes(const storage::LogEntryView& entry, absl::string_view event,
                                     absl::string_view more) {
  if (!HasPlaceFor(event.size() + more.size())) return CutBefore(entry);
  stretch_.first_time = std::min(stretch_.first_time, entry.commit_time);
  stretch_.events.Add(entry.position, event, more);
  return true;
}

bool EncodedStretchBuilder::HasPlaceFor(size_t event_bytes) const {
  const EncodedEvents& events = stretch_.events;
  return events.empty() ||
         (events.count() < limits_.events && events.event_bytes() + event_bytes <= limits_.bytes);
}

bool EncodedStretchBuilder::CutBefore(const storage::LogEntryView& entry) {
  stretch_.next_time = entry.commit_time;
  stretch_.commit_continues = commit_start_ == 0;
  if (!stretch_.commit_continues) stretch_.events.Truncate(commit_start_);
  return false;
}

bool EncodedStretchBuilder::EndWith(absl::Status damage) {
  damage_ = std::move(damage);
  return false;
}

absl::StatusOr<EncodedStretch> EncodedStretchBuilder::Take(absl::Status scanned) {
  const absl::Status error = scanned.ok() ? std::move(damage_) : std::move(scanned);
  if (!error.ok()) {
    stretch_.events.Truncate(commit_start_);
    if (stretch_.events.empty()) return error;
  }
  stretch_.through = stretch_.events.empty() ? after_ : stretch_.events.last_position();
  stretch_.events.Shrink();
  return std::move(stretch_);
}

}  // namespace innkeeper::feed
