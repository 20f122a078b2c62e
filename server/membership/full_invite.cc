#include "server/membership/full_invite.h"

#include <glog/logging.h>

#include <optional>
#include <utility>
#include <vector>

#include "server/base/log_word.h"
#include "server/lifecycle/export_room.h"
#include "server/lifecycle/room_records.h"
#include "server/rooms/event_types.h"
#include "server/rooms/json.h"
#include "server/rooms/room_state.h"
#include "server/rooms/room_version.h"

namespace innkeeper::membership {
namespace {

using rooms::Json;
using storage::RoomReader;

// The state that an invited user may see (Matrix client-server API, "Stripped
// state").
constexpr const char* kStrippedTypes[] = {"m.room.create",     "m.room.name",
                                          "m.room.avatar",     "m.room.topic",
                                          "m.room.join_rules", "m.room.canonical_alias",
                                          "m.room.encryption"};

std::string StrippedEvent(const rooms::StateKey& key, const rooms::StateEntry& entry) {
  return rooms::CanonicalJson(Json{{"content", entry.content},
                                   {"sender", entry.sender},
                                   {"state_key", key.state_key},
                                   {"type", key.type}});
}

// The invite that the event tells of; nothing if it waits no more, or its room was deleted.
absl::StatusOr<std::optional<v1::PendingInvite>> FindInvite(const RoomReader& reader,
                                                            const rooms::SigningKey& key,
                                                            const v1::RoomInvitePending& pending) {
  auto invite = reader.GetPendingInvite(pending.room_id(), pending.user_id());
  if (!invite.ok()) return invite.status();
  if (!invite->has_value() || (*invite)->record.event_id() != pending.event_id()) {
    return std::nullopt;
  }
  auto room = reader.GetRoom(pending.room_id());
  if (!room.ok()) return room.status();
  if (!room->has_value()) return std::nullopt;
  auto in_full = InviteInFull(reader, key, (*room)->record, pending.user_id(), (*invite)->record);
  if (!in_full.ok()) return in_full.status();
  return *std::move(in_full);
}

}  // namespace

absl::StatusOr<v1::PendingInvite> InviteInFull(const RoomReader& reader,
                                               const rooms::SigningKey& key,
                                               const storage::RoomRecord& room,
                                               const std::string& user_id,
                                               const storage::PendingInviteRecord& record) {
  auto event = reader.GetEvent(room.room_id(), record.number());
  if (!event.ok()) return event.status();
  if (!event->has_value()) return absl::DataLossError("the list of pending invites is damaged");
  const rooms::RoomVersion& version = lifecycle::VersionOf(room);
  auto pdu = lifecycle::SignedPdu(version, key, room.room_id(), **event);
  if (!pdu.ok()) return pdu.status();
  std::vector<rooms::StateKey> shown = {{rooms::kMemberType, (*event)->sender()}};
  for (const char* type : kStrippedTypes) shown.push_back({type, ""});
  auto state = lifecycle::LoadState(reader, room, shown);
  if (!state.ok()) return state.status();

  v1::PendingInvite invite;
  invite.set_room_id(room.room_id());
  invite.set_room_version(std::string(version.id));
  invite.set_user_id(user_id);
  invite.set_event_id(record.event_id());
  invite.set_pdu(*std::move(pdu));
  for (const auto& [place, entry] : *state) {
    *invite.add_stripped_state() = StrippedEvent(place, entry);
  }
  return invite;
}

void InviteCompleter::Complete(v1::RoomEvent& event) const {
  v1::RoomInvitePending& pending = *event.mutable_room_invite_pending();
  auto invite = FindInvite(RoomReader(engine_), key_, pending);
  LOG_IF(ERROR, !invite.ok()) << "room=" << LogWord(pending.room_id())
                              << " has a pending invite that can't be read: " << invite.status();
  if (!invite.ok() || !invite->has_value()) return;
  pending.set_room_version((*invite)->room_version());
  pending.set_pdu(std::move(*(*invite)->mutable_pdu()));
  pending.mutable_stripped_state()->Swap((*invite)->mutable_stripped_state());
}

}  // namespace innkeeper::membership
