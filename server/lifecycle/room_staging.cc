#include "server/lifecycle/room_staging.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/container/btree_map.h"
#include "server/events/event_codec.h"
#include "server/lifecycle/room_records.h"
#include "server/rooms/event_types.h"
#include "server/rooms/identifiers.h"
#include "server/rooms/named_rooms.h"

namespace innkeeper::lifecycle {
namespace {

using rooms::Json;
using rooms::kMemberType;
using rooms::StringOrEmpty;
using storage::RoomCommit;
using storage::RoomRecord;

constexpr int64_t kFirstRevision = 1;

// Type and state key.
using Place = std::pair<absl::string_view, absl::string_view>;

// An event and its place among the room's events.
struct NumberedEvent {
  const rooms::Event* event = nullptr;
  int64_t number = 0;
};

// Returns, for each place in the state that `events` change, the last that does. The
// first of them is the `first`th of the room.
absl::btree_map<Place, NumberedEvent> LatestAtPlaces(const std::vector<rooms::Event>& events,
                                                     int64_t first) {
  absl::btree_map<Place, NumberedEvent> latest;
  for (const rooms::Event& event : events) {
    if (event.state_key) latest[{event.type, *event.state_key}] = {&event, first};
    ++first;
  }
  return latest;
}

std::string MembershipIn(const Json& content) { return StringOrEmpty(content, "membership"); }

bool IsRemoteInvite(const rooms::Event& event, absl::string_view server_name) {
  return event.type == kMemberType && MembershipIn(event.content) == "invite" &&
         !rooms::IsLocal(*event.state_key, server_name);
}

// Where and when events are written.
struct Setting {
  const rooms::RoomVersion& version;
  const std::string& room_id;
  int64_t revision;
  int64_t announce_time_us;  // of the invites among them
  absl::string_view server_name;
};

Setting SettingOf(const RoomRecord& room, absl::string_view server_name) {
  return {VersionOf(room), room.room_id(), room.revision(), room.update_time_us(), server_name};
}

void StageMember(RoomCommit& commit, const Setting& setting, NumberedEvent member,
                 const Json& before) {
  const std::string& user_id = *member.event->state_key;
  commit.SetUserRoom(user_id, setting.room_id, MembershipIn(member.event->content));
  if (IsRemoteInvite(*member.event, setting.server_name)) {
    storage::PendingInviteRecord invite;
    invite.set_event_id(member.event->event_id);
    invite.set_number(member.number);
    invite.set_announce_time_us(setting.announce_time_us);
    commit.PutPendingInvite(setting.room_id, user_id, invite);
  } else if (MembershipIn(before) == "invite" && !rooms::IsLocal(user_id, setting.server_name)) {
    commit.ForgetPendingInvite(setting.room_id, user_id);
  }
}

void StageLinks(RoomCommit& commit, const std::string& room_id, const rooms::Event& event,
                const Json& before) {
  const auto old_links = rooms::RoomsNamedIn(event.type, *event.state_key, before);
  const auto new_links = rooms::RoomsNamedIn(event.type, *event.state_key, event.content);
  const storage::StatePosition position{event.type, *event.state_key};
  for (const std::string& linked : old_links) {
    if (!absl::c_linear_search(new_links, linked)) {
      commit.SetLink(linked, room_id, position, false);
    }
  }
  for (const std::string& linked : new_links) {
    if (!absl::c_linear_search(old_links, linked)) {
      commit.SetLink(linked, room_id, position, true);
    }
  }
}

// Writes an entry of the state whose content was `before`.
void StageStateEvent(RoomCommit& commit, const Setting& setting, NumberedEvent numbered,
                     const std::optional<storage::StateRecord>& superseded, const Json& before) {
  const rooms::Event& event = *numbered.event;
  commit.PutState(setting.room_id, {event.type, *event.state_key},
                  ToStateRecord(setting.version, event, setting.revision), superseded);
  if (event.type == kMemberType) StageMember(commit, setting, numbered, before);
  StageLinks(commit, setting.room_id, event, before);
}

// By how much the number of members with `membership` rises when a content takes the
// place of another.
int64_t Rise(absl::string_view membership, const Json& before, const Json& after) {
  return int64_t{MembershipIn(after) == membership} - int64_t{MembershipIn(before) == membership};
}

// Notes in the head that the state has got an entry at a place that had none.
void CountEntry(RoomRecord& room, const rooms::Event& event) {
  if (event.type == kMemberType || !room.has_state_entry_count()) return;
  room.set_state_entry_count(room.state_entry_count() + 1);
}

// Brings what the head says of the state up to a state event.
void UpdateSummary(RoomRecord& room, const rooms::Event& event, const Json& before) {
  const Json& content = event.content;
  if (event.type == kMemberType) {
    room.set_joined_member_count(room.joined_member_count() + Rise("join", before, content));
    room.set_invited_member_count(room.invited_member_count() + Rise("invite", before, content));
  }
  if (!event.state_key->empty()) return;
  if (event.type == "m.room.name") room.set_name(StringOrEmpty(content, "name"));
  if (event.type == "m.room.topic") room.set_topic(StringOrEmpty(content, "topic"));
  if (event.type == "m.room.canonical_alias") {
    room.set_canonical_alias(StringOrEmpty(content, "alias"));
  }
  if (event.type == "m.room.encryption") {
    room.set_encryption_algorithm(StringOrEmpty(content, "algorithm"));
  }
}

// The entry of the state that the event set, if it still stands there.
absl::StatusOr<std::optional<storage::StateRecord>> CurrentEntryOf(
    const storage::RoomReader& reader, const std::string& room_id,
    const storage::EventRecord& event) {
  auto current = reader.GetState(room_id, event.type(), event.state_key());
  if (current.ok() && *current && (*current)->reference().event_id() != event.event_id()) {
    return std::nullopt;
  }
  return current;
}

// The entry of the state that the event set, if another took its place.
absl::StatusOr<std::optional<storage::StateRecord>> SupersededEntryOf(
    const storage::RoomReader& reader, const std::string& room_id,
    const storage::EventRecord& event) {
  std::optional<storage::StateRecord> superseded;
  absl::Status scanned =
      reader.ScanState({.room_id = room_id,
                        .revision = event.revision(),
                        .type = event.type(),
                        .state_key = event.state_key()},
                       [&](const storage::StatePosition&, storage::StateRecord entry) {
                         if (entry.reference().event_id() == event.event_id()) {
                           superseded = std::move(entry);
                         }
                         return false;
                       });
  if (!scanned.ok()) return scanned;
  return superseded;
}

// Has the next event of the room come behind the last of `events`, and behind those that
// none of them came behind.
void SetTipFrom(RoomRecord& room, const rooms::RoomVersion& version,
                const std::vector<rooms::Event>& events) {
  auto& others = *room.mutable_other_latest_events();
  const auto is_covered = [&](const storage::EventReferenceRecord& other) {
    return absl::c_any_of(events, [&](const rooms::Event& event) {
      return absl::c_any_of(event.prev_events, [&](const rooms::EventReference& prev) {
        return prev.event_id == other.event_id();
      });
    });
  };
  others.erase(std::remove_if(others.begin(), others.end(), is_covered), others.end());
  const rooms::Event& latest = events.back();
  room.set_depth(latest.depth);
  room.mutable_latest_event()->set_event_id(latest.event_id);
  room.mutable_latest_event()->set_hash(rooms::ReferenceTo(version, latest).hash);
}

}  // namespace

RoomRecord NewRoomRecord(const rooms::RoomVersion& version, absl::string_view creator,
                         rooms::RoomSummary summary, const rooms::Event& latest,
                         int64_t event_count, int64_t now_us) {
  RoomRecord room;
  room.set_room_id(latest.room_id);
  room.set_creator(std::string(creator));
  room.set_room_version(std::string(version.id));
  room.set_status(storage::ROOM_STATUS_RECORD_ACTIVE);
  room.set_create_time_us(now_us);
  SetSummary(room, std::move(summary));
  SetTip(room, latest.depth, {rooms::ReferenceTo(version, latest)});
  room.set_latest_event_number(event_count);
  Touch(room, now_us);
  return room;
}

RoomRecord NewRoomRecord(const rooms::RoomVersion& version, const rooms::Genesis& genesis,
                         int64_t now_us) {
  return NewRoomRecord(version, genesis.events.front().sender, rooms::Summarise(genesis.state),
                       genesis.events.back(), static_cast<int64_t>(genesis.events.size()), now_us);
}

void StageFirstEvents(RoomCommit& commit, const FirstEvents& first, absl::string_view server_name) {
  const Setting setting{first.version, first.room_id, kFirstRevision, first.announce_time_us,
                        server_name};
  int64_t number = first.events_before;
  for (const rooms::Event& event : first.events) {
    commit.PutEvent(first.room_id, ++number, ToEventRecord(event, kFirstRevision));
  }
  for (const auto& [place, event] : LatestAtPlaces(first.events, first.events_before + 1)) {
    // One revision has one state: what stood there before in it leaves no trace.
    StageStateEvent(commit, setting, event, std::nullopt,
                    rooms::StateContent(first.state_before, place.first, place.second));
  }
}

void StageNewRoom(RoomCommit& commit, const RoomRecord& room, const rooms::Genesis& genesis,
                  absl::string_view server_name) {
  commit.CreateRoom(room);
  StageFirstEvents(commit,
                   {.version = VersionOf(room),
                    .room_id = room.room_id(),
                    .events = genesis.events,
                    .state_before = {},
                    .announce_time_us = room.update_time_us()},
                   server_name);
}

absl::Status StageNewEvents(RoomCommit& commit, const storage::RoomReader& reader, RoomRecord& room,
                            const std::vector<rooms::Event>& events,
                            absl::string_view server_name) {
  const Setting setting = SettingOf(room, server_name);
  int64_t number = room.latest_event_number();
  const int64_t first = number + 1;
  for (const rooms::Event& event : events) {
    commit.PutEvent(room.room_id(), ++number, ToEventRecord(event, room.revision()));
  }
  for (const auto& [place, event] : LatestAtPlaces(events, first)) {
    auto superseded = reader.GetState(room.room_id(), event.event->type, *event.event->state_key);
    if (!superseded.ok()) return superseded.status();
    Json before = Json::object();
    if (superseded->has_value()) {
      absl::StatusOr<rooms::StateEntry> entry = ToStateEntry(**superseded);
      if (!entry.ok()) return entry.status();
      before = std::move(entry->content);
    } else {
      CountEntry(room, *event.event);
    }
    StageStateEvent(commit, setting, event, *superseded, before);
    UpdateSummary(room, *event.event, before);
  }
  SetTipFrom(room, setting.version, events);
  room.set_latest_event_number(number);
  return absl::OkStatus();
}

absl::Status StageRedaction(RoomCommit& commit, const storage::RoomReader& reader, RoomRecord& room,
                            int64_t number, storage::EventRecord record,
                            const std::string& redacted_by) {
  absl::StatusOr<rooms::Event> event = ToEvent(room.room_id(), record);
  if (!event.ok()) return event.status();
  const rooms::RoomVersion& version = VersionOf(room);
  const Json before = event->content;
  rooms::Redact(version, *event);
  std::string signatures = std::move(*record.mutable_signatures());
  record = ToEventRecord(*event, record.revision());
  record.set_signatures(std::move(signatures));
  record.set_redacted_by(redacted_by);
  absl::Status rewritten = commit.RewriteEvent(reader, room.room_id(), number, record);
  if (!rewritten.ok() || !event->state_key) return rewritten;

  const storage::StatePosition position{event->type, *event->state_key};
  auto current = CurrentEntryOf(reader, room.room_id(), record);
  if (!current.ok()) return current.status();
  if (current->has_value()) {
    (*current)->set_content(record.content());
    commit.PutState(room.room_id(), position, **current, std::nullopt);
    StageLinks(commit, room.room_id(), *event, before);
    UpdateSummary(room, *event, before);
    return absl::OkStatus();
  }
  auto superseded = SupersededEntryOf(reader, room.room_id(), record);
  if (!superseded.ok()) return superseded.status();
  if (superseded->has_value()) {
    (*superseded)->set_content(record.content());
    commit.RewriteSupersededState(room.room_id(), position, **superseded);
  }
  return absl::OkStatus();
}

std::vector<v1::RoomInvitePending> PendingInvitesIn(const std::string& room_id,
                                                    const std::vector<rooms::Event>& events,
                                                    absl::string_view server_name) {
  std::vector<v1::RoomInvitePending> invites;
  for (const auto& [place, latest] : LatestAtPlaces(events, 1)) {
    if (!IsRemoteInvite(*latest.event, server_name)) continue;
    v1::RoomInvitePending& pending = invites.emplace_back();
    pending.set_room_id(room_id);
    pending.set_user_id(*latest.event->state_key);
    pending.set_event_id(latest.event->event_id);
  }
  return invites;
}

void LogPendingInvites(RoomCommit& commit, const RoomRecord& room,
                       const std::vector<rooms::Event>& events, absl::string_view server_name) {
  const RoomLabels labels = LabelsOf(room);
  for (const v1::RoomInvitePending& pending :
       PendingInvitesIn(room.room_id(), events, server_name)) {
    commit.AppendLog(EncodeEvent(pending, labels));
  }
}

}  // namespace innkeeper::lifecycle
