#include "server/lifecycle/room_records.h"

#include <glog/logging.h>

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/values/struct_json.h"
#include "server/values/timestamp.h"

namespace innkeeper::lifecycle {
namespace {

storage::EventReferenceRecord ToRecord(const rooms::EventReference& reference) {
  storage::EventReferenceRecord record;
  record.set_event_id(reference.event_id);
  record.set_hash(reference.hash);
  return record;
}

rooms::EventReference FromRecord(const storage::EventReferenceRecord& record) {
  return {record.event_id(), record.hash()};
}

// Parses JSON that is stored of an event. Those of old room versions have numbers that
// newer ones would not take.
absl::StatusOr<rooms::Json> ParseStoredJson(const std::string& event_id, const std::string& text) {
  absl::StatusOr<rooms::Json> json = rooms::ParseJson(text, rooms::JsonNumbers::kAny);
  if (json.ok()) return json;
  return absl::DataLossError(absl::StrCat("what is stored of ", event_id, " is no JSON"));
}

// The canonical text of `object`; nothing if it is empty.
std::string TextOf(const rooms::Json& object) {
  return object.empty() ? "" : rooms::CanonicalJson(object);
}

}  // namespace

absl::StatusOr<rooms::Json> ContentOf(const storage::EventRecord& record) {
  return ParseStoredJson(record.event_id(), record.content());
}

absl::StatusOr<rooms::StateEntry> ToStateEntry(const storage::StateRecord& record) {
  absl::StatusOr<rooms::Json> content =
      ParseStoredJson(record.reference().event_id(), record.content());
  if (!content.ok()) return content.status();
  return rooms::StateEntry{FromRecord(record.reference()), record.sender(),
                           record.origin_server_ts(), *std::move(content)};
}

storage::EventRecord ToEventRecord(const rooms::Event& event, int64_t revision) {
  storage::EventRecord record;
  record.set_event_id(event.event_id);
  record.set_type(event.type);
  if (event.state_key) record.set_state_key(*event.state_key);
  record.set_sender(event.sender);
  record.set_origin_server_ts(event.origin_server_ts);
  record.set_content(event.canonical_content);
  if (!event.redacts.empty()) record.set_redacts(event.redacts);
  record.set_depth(event.depth);
  for (const auto& reference : event.prev_events) *record.add_prev_events() = ToRecord(reference);
  for (const auto& reference : event.auth_events) *record.add_auth_events() = ToRecord(reference);
  record.set_content_hash(event.content_hash);
  record.set_revision(revision);
  record.set_other_fields(TextOf(event.other_fields));
  return record;
}

storage::EventRecord ToEventRecord(const rooms::ReceivedEvent& received, int64_t revision) {
  storage::EventRecord record = ToEventRecord(received.event, revision);
  record.set_redacted_by(received.redacted_by);
  record.set_signatures(rooms::CanonicalJson(received.signatures));
  return record;
}

storage::StateRecord ToStateRecord(const rooms::RoomVersion& version, const rooms::Event& event,
                                   int64_t revision) {
  storage::StateRecord record;
  *record.mutable_reference() = ToRecord(rooms::ReferenceTo(version, event));
  record.set_sender(event.sender);
  record.set_origin_server_ts(event.origin_server_ts);
  record.set_content(event.canonical_content);
  record.set_revision(revision);
  return record;
}

void SetSummary(storage::RoomRecord& room, rooms::RoomSummary summary) {
  room.set_name(std::move(summary.name));
  room.set_topic(std::move(summary.topic));
  room.set_canonical_alias(std::move(summary.canonical_alias));
  room.set_encryption_algorithm(std::move(summary.encryption_algorithm));
  room.set_room_type(std::move(summary.room_type));
  room.set_predecessor_room_id(std::move(summary.predecessor_room_id));
  room.set_joined_member_count(summary.joined_member_count);
  room.set_invited_member_count(summary.invited_member_count);
  room.set_state_entry_count(summary.other_entry_count);
}

void Touch(storage::RoomRecord& room, int64_t now_us) {
  room.set_revision(room.revision() + 1);
  room.set_update_time_us(now_us);
}

absl::StatusOr<rooms::RoomState> LoadState(const storage::RoomReader& reader,
                                           const storage::RoomRecord& room) {
  rooms::RoomState state;
  absl::Status status;
  absl::Status scanned = reader.ScanState(
      {.room_id = room.room_id(), .revision = room.revision()},
      [&](storage::StatePosition position, const storage::StateRecord& record) {
        absl::StatusOr<rooms::StateEntry> entry = ToStateEntry(record);
        status = entry.status();
        if (!status.ok()) return false;
        state.emplace_hint(state.end(),
                           rooms::StateKey{std::move(position.type), std::move(position.state_key)},
                           *std::move(entry));
        return true;
      });
  if (!scanned.ok()) return scanned;
  if (!status.ok()) return status;
  return state;
}

absl::StatusOr<rooms::RoomState> LoadState(const storage::RoomReader& reader,
                                           const storage::RoomRecord& room,
                                           const std::vector<rooms::StateKey>& positions) {
  rooms::RoomState state;
  for (const rooms::StateKey& key : positions) {
    auto record = reader.GetState(room.room_id(), key.type, key.state_key);
    if (!record.ok()) return record.status();
    if (!record->has_value()) continue;
    absl::StatusOr<rooms::StateEntry> entry = ToStateEntry(**record);
    if (!entry.ok()) return entry.status();
    state.insert_or_assign(key, *std::move(entry));
  }
  return state;
}

rooms::RoomTip TipOf(const storage::RoomRecord& room) {
  rooms::RoomTip tip{room.room_id(), room.depth(), {FromRecord(room.latest_event())}};
  for (const auto& other : room.other_latest_events()) {
    tip.latest_events.push_back(FromRecord(other));
  }
  return tip;
}

void SetTip(storage::RoomRecord& room, int64_t depth,
            const std::vector<rooms::EventReference>& latest_events) {
  room.set_depth(depth);
  *room.mutable_latest_event() = ToRecord(latest_events.front());
  room.clear_other_latest_events();
  for (size_t i = 1; i < latest_events.size(); ++i) {
    *room.add_other_latest_events() = ToRecord(latest_events[i]);
  }
}

const rooms::RoomVersion& VersionOf(const storage::RoomRecord& room) {
  const rooms::RoomVersion* version = rooms::FindRoomVersion(room.room_version());
  CHECK(version != nullptr) << room.room_id() << " has version " << room.room_version();
  return *version;
}

absl::StatusOr<rooms::Event> ToEvent(const std::string& room_id,
                                     const storage::EventRecord& record) {
  absl::StatusOr<rooms::Json> content = ContentOf(record);
  if (!content.ok()) return content.status();
  rooms::Event event;
  if (!record.other_fields().empty()) {
    absl::StatusOr<rooms::Json> fields = ParseStoredJson(record.event_id(), record.other_fields());
    if (!fields.ok()) return fields.status();
    event.other_fields = *std::move(fields);
  }
  event.event_id = record.event_id();
  event.room_id = room_id;
  event.type = record.type();
  if (record.has_state_key()) event.state_key = record.state_key();
  event.sender = record.sender();
  event.origin_server_ts = record.origin_server_ts();
  event.content = *std::move(content);
  event.redacts = record.redacts();
  event.depth = record.depth();
  for (const auto& reference : record.prev_events()) {
    event.prev_events.push_back(FromRecord(reference));
  }
  for (const auto& reference : record.auth_events()) {
    event.auth_events.push_back(FromRecord(reference));
  }
  event.content_hash = record.content_hash();
  return event;
}

RoomLabels LabelsOf(const storage::RoomRecord& room) {
  return {.audience = room.audience(), .creator = room.creator()};
}

absl::StatusOr<v1::StateEvent> ToProto(const storage::StatePosition& position,
                                       const storage::StateRecord& state) {
  absl::StatusOr<rooms::StateEntry> entry = ToStateEntry(state);
  if (!entry.ok()) return entry.status();
  v1::StateEvent proto;
  proto.set_event_id(entry->reference.event_id);
  proto.set_type(position.type);
  proto.set_state_key(position.state_key);
  JsonToStruct(entry->content, proto.mutable_content());
  proto.set_sender(entry->sender);
  SetTimestamp(MicrosFromMillis(entry->origin_server_ts), proto.mutable_origin_server_time());
  proto.set_revision(state.revision());
  return proto;
}

}  // namespace innkeeper::lifecycle
