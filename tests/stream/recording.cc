#include "tests/stream/recording.h"

#include <algorithm>
#include <functional>

#include "absl/strings/str_cat.h"

namespace innkeeper::stream {
namespace {

// Nothing chosen lets everything through, without a look at `values`, which returns them.
template <typename Values>
bool IsAmong(const google::protobuf::RepeatedPtrField<std::string>& chosen, Values values) {
  if (chosen.empty()) return true;
  const std::vector<std::string> all = values();
  return std::any_of(all.begin(), all.end(), [&](const std::string& value) {
    return std::find(chosen.begin(), chosen.end(), value) != chosen.end();
  });
}

std::vector<std::string> RoomsOf(const v1::RoomEvent& event) {
  if (!event.has_room_upgraded()) return {event.room_id()};
  return {event.room_id(), event.room_upgraded().new_room_id()};
}

std::vector<std::string> TopicsOf(const v1::RoomEvent& event) {
  std::vector<std::string> topics;
  for (const std::string& room : RoomsOf(event)) {
    topics.push_back(absl::StrCat("rooms/", room, "/events"));
  }
  topics.push_back(absl::StrCat("audiences/", event.audience(), "/events"));
  return topics;
}

const char* NameOf(SeenStart::Kind kind) {
  switch (kind) {
    case SeenStart::Kind::kOldest:
      return "from the oldest";
    case SeenStart::Kind::kNow:
      return "from now";
    case SeenStart::Kind::kSnapshot:
      return "with a snapshot";
    case SeenStart::Kind::kBehind:
      return "behind";
    case SeenStart::Kind::kAtLeast:
      return "at least behind";
    case SeenStart::Kind::kOldestLeft:
      return "from what is left";
    case SeenStart::Kind::kGoingOn:
      return "going on behind";
  }
  return "";
}

std::string Describe(const SeenMessage& message) {
  if (message.kind == SeenMessage::Kind::kConfirmed) {
    return absl::StrCat(" confirmed:", message.sequence);
  }
  if (message.kind == SeenMessage::Kind::kSnapshot) {
    return absl::StrCat(" ", message.rooms.size(), " rooms");
  }
  if (message.kind == SeenMessage::Kind::kSnapshotEnd) {
    return absl::StrCat(" as of:", message.sequence);
  }
  if (message.kind == SeenMessage::Kind::kBookmark) return absl::StrCat(" at:", message.sequence);
  if (message.events.empty()) return " nothing";
  return absl::StrCat(" ", message.events.front().sequence, "-", message.events.back().sequence,
                      "(", message.events.size(), message.commit_continues ? "..." : "", ")");
}

}  // namespace

std::optional<int64_t> StartOf(const SeenStream& stream) {
  if (stream.start.kind == SeenStart::Kind::kGoingOn) return stream.start.position;
  const auto kind = stream.start.kind == SeenStart::Kind::kSnapshot
                        ? SeenMessage::Kind::kSnapshotEnd
                        : SeenMessage::Kind::kConfirmed;
  const auto message = std::find_if(stream.messages.begin(), stream.messages.end(),
                                    [&](const SeenMessage& m) { return m.kind == kind; });
  if (message == stream.messages.end()) return std::nullopt;
  return message->sequence;
}

std::string Describe(const Recording& recording) {
  std::string text = absl::StrCat(recording.reader, ", through ", recording.through, ":");
  for (const SeenStream& stream : recording.streams) {
    absl::StrAppend(&text, " [", NameOf(stream.start.kind), " ", stream.start.position, ":");
    for (const SeenMessage& message : stream.messages) text += Describe(message);
    absl::StrAppend(&text, " ", stream.end_reason, "]");
  }
  return text;
}

SeenEvent Seen(const v1::RoomEvent& event) {
  v1::RoomEvent plain = event;
  plain.clear_cursor();
  return {event.sequence(), event.commit_id(), std::hash<std::string>()(plain.SerializeAsString())};
}

bool Passes(const v1::RoomEventFilter& filter, const v1::RoomEvent& event) {
  return IsAmong(filter.types(), [&] { return std::vector{event.type()}; }) &&
         IsAmong(filter.room_ids(), [&] { return RoomsOf(event); }) &&
         IsAmong(filter.creators(), [&] { return std::vector{event.creator()}; }) &&
         IsAmong(filter.audiences(), [&] { return std::vector{event.audience()}; }) &&
         IsAmong(filter.topics(), [&] { return TopicsOf(event); });
}

bool Passes(const v1::RoomEventFilter& filter, const SeenRoom& room) {
  return IsAmong(filter.room_ids(), [&] { return std::vector{room.room_id}; }) &&
         IsAmong(filter.creators(), [&] { return std::vector{room.creator}; });
}

}  // namespace innkeeper::stream
