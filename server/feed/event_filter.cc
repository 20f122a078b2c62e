#include "server/feed/event_filter.h"

#include <openssl/sha.h>

#include <optional>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "server/events/event_codec.h"

namespace innkeeper::feed {
namespace {

using Strings = absl::flat_hash_set<std::string>;
using RepeatedStrings = google::protobuf::RepeatedPtrField<std::string>;

constexpr int kMaxTypes = 32;
constexpr int kMaxRoomIds = 1000;
constexpr int kMaxCreators = 1000;
constexpr int kMaxAudiences = 100;
constexpr int kMaxTopics = 1000;
constexpr size_t kMaxIdBytes = 255;

// Returns what stands for `*` in a topic of the form "KIND/*/events".
std::optional<absl::string_view> InTopic(absl::string_view topic, absl::string_view kind) {
  if (!absl::ConsumePrefix(&topic, kind) || !absl::ConsumePrefix(&topic, "/") ||
      !absl::ConsumeSuffix(&topic, "/events")) {
    return std::nullopt;
  }
  return topic;
}

std::optional<absl::string_view> RoomInTopic(absl::string_view topic) {
  return InTopic(topic, "rooms");
}

std::optional<absl::string_view> AudienceInTopic(absl::string_view topic) {
  return InTopic(topic, "audiences");
}

// The checks return what is wrong with an entry, or "".

std::string CheckType(absl::string_view type) {
  if (absl::c_linear_search(kEventTypes, type)) return "";
  return absl::StrCat("is not an event type; they are ", absl::StrJoin(kEventTypes, ", "));
}

std::string CheckRoomId(absl::string_view id) {
  if (!id.empty() && id[0] == '!' && id.size() <= kMaxIdBytes) return "";
  return absl::StrCat("is not a room id: '!' and more, at most ", kMaxIdBytes, " bytes");
}

std::string CheckCreator(absl::string_view id) {
  if (!id.empty() && id[0] == '@' && id.size() <= kMaxIdBytes) return "";
  return absl::StrCat("is not a user id: '@' and more, at most ", kMaxIdBytes, " bytes");
}

std::string CheckAudienceEntry(absl::string_view audience) {
  return std::string(CheckAudience(audience).message());
}

std::string CheckTopic(absl::string_view topic) {
  const auto room_id = RoomInTopic(topic);
  if (room_id && CheckRoomId(*room_id).empty()) return "";
  const auto audience = AudienceInTopic(topic);
  if (audience && CheckAudience(*audience).ok()) return "";
  return "is not a topic: rooms/ROOM_ID/events or audiences/AUDIENCE/events";
}

void CheckEntries(const std::string& field, const RepeatedStrings& entries, int max_entries,
                  std::string (*check)(absl::string_view), FieldErrors& errors) {
  if (entries.size() > max_entries) {
    errors.Add(field, absl::StrCat("has more than ", max_entries, " entries"));
    return;
  }
  for (int i = 0; i < entries.size(); ++i) {
    const std::string wrong = check(entries[i]);
    if (!wrong.empty()) errors.Add(absl::StrCat(field, "[", i, "]"), wrong);
  }
}

Strings ToSet(const RepeatedStrings& entries) { return Strings(entries.begin(), entries.end()); }

std::vector<std::string> Sorted(const Strings& strings) {
  std::vector<std::string> sorted(strings.begin(), strings.end());
  absl::c_sort(sorted);
  return sorted;
}

// Appends the strings, sorted, each with its length, so that no two sets come
// out alike.
void AppendSet(const Strings& strings, std::string& text) {
  absl::StrAppend(&text, strings.size(), ";");
  for (const std::string& string : Sorted(strings)) {
    absl::StrAppend(&text, string.size(), ":", string);
  }
}

// The first 8 bytes of the text's SHA-256.
uint64_t Digest(absl::string_view text) {
  unsigned char hash[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), hash);
  uint64_t digest = 0;
  for (size_t i = 0; i < sizeof(digest); ++i) digest = digest << 8 | hash[i];
  return digest;
}

// The fields that came later are left out where they are empty, so that older cursors
// stay good.
uint64_t DigestOf(const v1::RoomEventFilter& filter) {
  std::string text;
  AppendSet(ToSet(filter.types()), text);
  AppendSet(ToSet(filter.room_ids()), text);
  if (!filter.creators().empty() || !filter.audiences().empty() || !filter.topics().empty()) {
    AppendSet(ToSet(filter.creators()), text);
    AppendSet(ToSet(filter.audiences()), text);
    AppendSet(ToSet(filter.topics()), text);
  }
  return Digest(text);
}

}  // namespace

EventFilter::EventFilter(const v1::RoomEventFilter& filter)
    : types_(ToSet(filter.types())),
      room_ids_(ToSet(filter.room_ids())),
      creators_(ToSet(filter.creators())),
      audiences_(ToSet(filter.audiences())),
      digest_(DigestOf(filter)) {
  for (const std::string& topic : filter.topics()) {
    if (const auto room_id = RoomInTopic(topic)) topic_rooms_.emplace(*room_id);
    if (const auto audience = AudienceInTopic(topic)) topic_audiences_.emplace(*audience);
  }
}

EventFilter EventFilter::FromProto(const v1::RoomEventFilter& filter, FieldErrors& errors,
                                   absl::string_view field) {
  const auto check = [&](absl::string_view name, const RepeatedStrings& entries, int max_entries,
                         std::string (*check_entry)(absl::string_view)) {
    CheckEntries(absl::StrCat(field, ".", name), entries, max_entries, check_entry, errors);
  };
  check("types", filter.types(), kMaxTypes, CheckType);
  check("room_ids", filter.room_ids(), kMaxRoomIds, CheckRoomId);
  check("creators", filter.creators(), kMaxCreators, CheckCreator);
  check("audiences", filter.audiences(), kMaxAudiences, CheckAudienceEntry);
  check("topics", filter.topics(), kMaxTopics, CheckTopic);
  return EventFilter(filter);
}

EventFilter EventFilter::SeenBy(AudienceScope scope) const {
  EventFilter filter = *this;
  filter.scope_ = std::move(scope);
  return filter;
}

bool EventFilter::Matches(const v1::RoomEvent& event) const {
  if (!types_.empty() && !types_.contains(event.type())) return false;
  const std::string& new_room_id = event.room_upgraded().new_room_id();
  return Matches(Subject{event.room_id(), new_room_id, event.creator(), event.audience()});
}

bool EventFilter::PassesAll() const {
  return types_.empty() && room_ids_.empty() && creators_.empty() && audiences_.empty() &&
         topic_rooms_.empty() && topic_audiences_.empty() && scope_.IsAll();
}

bool EventFilter::Matches(const v1::Room& room) const {
  return Matches(Subject{room.room_id(), "", room.creator(), room.audience()});
}

bool EventFilter::Matches(const Subject& subject) const {
  return (room_ids_.empty() || HasRoomOf(room_ids_, subject)) &&
         (creators_.empty() || creators_.contains(subject.creator)) &&
         (audiences_.empty() || audiences_.contains(subject.audience)) && MatchesTopic(subject) &&
         scope_.Includes(subject.audience);
}

bool EventFilter::MatchesTopic(const Subject& subject) const {
  return (topic_rooms_.empty() && topic_audiences_.empty()) || HasRoomOf(topic_rooms_, subject) ||
         topic_audiences_.contains(subject.audience);
}

bool EventFilter::HasRoomOf(const Strings& rooms, const Subject& subject) {
  return rooms.contains(subject.room_id) || rooms.contains(subject.new_room_id);
}

std::vector<std::string> EventFilter::SortedRoomIds() const { return Sorted(room_ids_); }

std::vector<std::string> EventFilter::NamedAudiences() const {
  Strings named = audiences_;
  named.insert(topic_audiences_.begin(), topic_audiences_.end());
  return Sorted(named);
}

}  // namespace innkeeper::feed
