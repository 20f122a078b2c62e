#include "server/feed/event_filter.h"

#include <openssl/sha.h>

#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "server/events/event_codec.h"

namespace innkeeper::feed {
namespace {

constexpr int kMaxTypes = 32;
constexpr int kMaxRoomIds = 1000;
constexpr size_t kMaxRoomIdBytes = 255;

void CheckTypes(const v1::RoomEventFilter& filter, FieldErrors& errors) {
  if (filter.types_size() > kMaxTypes) {
    errors.Add("filter.types", absl::StrCat("has more than ", kMaxTypes, " entries"));
    return;
  }
  for (int i = 0; i < filter.types_size(); ++i) {
    if (absl::c_linear_search(kEventTypes, absl::string_view(filter.types(i)))) continue;
    errors.Add(absl::StrCat("filter.types[", i, "]"),
               absl::StrCat("is not an event type; they are ", absl::StrJoin(kEventTypes, ", ")));
  }
}

void CheckRoomIds(const v1::RoomEventFilter& filter, FieldErrors& errors) {
  if (filter.room_ids_size() > kMaxRoomIds) {
    errors.Add("filter.room_ids", absl::StrCat("has more than ", kMaxRoomIds, " entries"));
    return;
  }
  for (int i = 0; i < filter.room_ids_size(); ++i) {
    const std::string& room_id = filter.room_ids(i);
    if (!room_id.empty() && room_id[0] == '!' && room_id.size() <= kMaxRoomIdBytes) continue;
    errors.Add(absl::StrCat("filter.room_ids[", i, "]"),
               absl::StrCat("is not a room id: '!' and more, at most ", kMaxRoomIdBytes, " bytes"));
  }
}

// Appends the strings, sorted, each with its length, so that no two sets come
// out alike.
void AppendSet(const absl::flat_hash_set<std::string>& strings, std::string& text) {
  std::vector<absl::string_view> sorted(strings.begin(), strings.end());
  absl::c_sort(sorted);
  absl::StrAppend(&text, sorted.size(), ";");
  for (absl::string_view string : sorted) absl::StrAppend(&text, string.size(), ":", string);
}

// The first 8 bytes of the text's SHA-256.
uint64_t Digest(absl::string_view text) {
  unsigned char hash[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), hash);
  uint64_t digest = 0;
  for (size_t i = 0; i < sizeof(digest); ++i) digest = digest << 8 | hash[i];
  return digest;
}

}  // namespace

EventFilter::EventFilter(Strings types, Strings room_ids)
    : types_(std::move(types)), room_ids_(std::move(room_ids)) {
  std::string text;
  AppendSet(types_, text);
  AppendSet(room_ids_, text);
  digest_ = Digest(text);
}

EventFilter EventFilter::FromProto(const v1::RoomEventFilter& filter, FieldErrors& errors) {
  CheckTypes(filter, errors);
  CheckRoomIds(filter, errors);
  return EventFilter(Strings(filter.types().begin(), filter.types().end()),
                     Strings(filter.room_ids().begin(), filter.room_ids().end()));
}

bool EventFilter::Matches(const v1::RoomEvent& event) const {
  return (types_.empty() || types_.contains(event.type())) &&
         (room_ids_.empty() || MatchesRoom(event));
}

// If one passes that has nothing of what filters may ask for, whatever that is.
bool EventFilter::PassesAll() const {
  static const v1::RoomEvent* const stranger = [] {
    auto* event = new v1::RoomEvent;
    event->set_type("?");
    event->set_room_id("?");
    event->set_creator("?");
    event->set_audience("?");
    return event;
  }();
  return Matches(*stranger);
}

bool EventFilter::MatchesRoom(const v1::RoomEvent& event) const {
  return room_ids_.contains(event.room_id()) ||
         (event.has_room_upgraded() && room_ids_.contains(event.room_upgraded().new_room_id()));
}

}  // namespace innkeeper::feed
