#include "server/rooms/auth_rules.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/rooms/auth_context.h"
#include "server/rooms/auth_rules_member.h"
#include "server/rooms/auth_rules_power_levels.h"
#include "server/rooms/identifiers.h"

namespace innkeeper::rooms {
namespace {

// True if the room that begins with the event `create_id` has the id `room_id`.
bool IsHashRoom(absl::string_view room_id, absl::string_view create_id) {
  return !room_id.empty() && !create_id.empty() && room_id[0] == '!' &&
         room_id.substr(1) == create_id.substr(1);
}

bool IsListOfUserIds(const Json& list) {
  return list.is_array() && std::all_of(list.begin(), list.end(), [](const Json& user) {
           return user.is_string() && CheckUserId(user.get_ref<const std::string&>()).ok();
         });
}

absl::Status CheckCreateRoomId(const RoomVersion& version, const Event& event) {
  if (version.room_id_format == RoomIdFormat::kCreateHash) {
    return IsHashRoom(event.room_id, event.event_id) ? absl::OkStatus()
                                                     : Refuse(AuthRule::kCreateRoomIdHash);
  }
  return ServerNameOf(event.room_id) == ServerNameOf(event.sender)
             ? absl::OkStatus()
             : Refuse(AuthRule::kCreateRoomIdServer);
}

// True unless the content names another version. It may name none, for a redaction takes
// the version away up to version 10.
bool MayBeOf(const RoomVersion& version, const Json& create_content) {
  const Json* const name = FindMember(create_content, "room_version");
  return name == nullptr ||
         (name->is_string() && name->get_ref<const std::string&>() == version.id);
}

absl::Status CheckCreate(const RoomVersion& version, const Event& event) {
  if (event.state_key != "") return Refuse(AuthRule::kCreateStateKey);
  if (!event.prev_events.empty()) return Refuse(AuthRule::kCreatePrevEvents);
  absl::Status room_id = CheckCreateRoomId(version, event);
  if (!room_id.ok()) return room_id;
  if (!MayBeOf(version, event.content)) return Refuse(AuthRule::kCreateRoomVersion);
  if (version.creator_in_create_content && FindMember(event.content, "creator") == nullptr) {
    return Refuse(AuthRule::kCreateCreator);
  }
  const Json* const additional = FindMember(event.content, "additional_creators");
  if (version.creators_have_unbounded_power && additional != nullptr &&
      !IsListOfUserIds(*additional)) {
    return Refuse(AuthRule::kCreateAdditionalCreators);
  }
  return absl::OkStatus();
}

// The room as such: whether it is the one that `create` made, and open to the sender.
absl::Status CheckRoom(const RoomVersion& version, const Event& event, const StateEntry& create) {
  if (version.room_id_format == RoomIdFormat::kCreateHash &&
      !IsHashRoom(event.room_id, create.reference.event_id)) {
    return Refuse(AuthRule::kRoomId);
  }
  const bool own_server = ServerNameOf(event.sender) == ServerNameOf(create.sender);
  if (!own_server && !IsFederated(create.content)) return Refuse(AuthRule::kRoomNotFederated);
  return absl::OkStatus();
}

absl::Status CheckAliases(const Event& event) {
  return event.state_key && *event.state_key == ServerNameOf(event.sender)
             ? absl::OkStatus()
             : Refuse(AuthRule::kAliasesStateKey);
}

// Versions whose event ids name a server, that of the event's sender.
absl::Status CheckRedaction(const AuthContext& context) {
  const Event& event = context.event;
  if (ServerNameOf(event.redacts) == ServerNameOf(event.event_id)) return absl::OkStatus();
  return context.NeedLevel(context.levels.ForAction("redact"), AuthRule::kRedactionPower);
}

absl::Status CheckOther(const AuthContext& context) {
  const Event& event = context.event;
  if (context.MembershipOf(event.sender) != "join") {
    return Refuse(AuthRule::kEventSenderNotJoined);
  }
  if (event.type == "m.room.third_party_invite") {
    return context.NeedLevel(context.levels.ForAction("invite"), AuthRule::kThirdPartyInvitePower);
  }
  absl::Status power = context.NeedLevel(event.state_key ? context.levels.ForStateEvent(event.type)
                                                         : context.levels.ForMessage(event.type),
                                         AuthRule::kEventPower);
  if (!power.ok()) return power;
  if (event.state_key && absl::StartsWith(*event.state_key, "@") &&
      *event.state_key != event.sender) {
    return Refuse(AuthRule::kEventStateKey);
  }
  if (event.type == "m.room.power_levels") return CheckPowerLevelsEvent(context);
  if (event.type == "m.room.redaction" && context.version.redactions_need_power) {
    return CheckRedaction(context);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckAuthRules(const RoomVersion& version, const Event& event,
                            const RoomState& state) {
  if (event.type == "m.room.create") return CheckCreate(version, event);
  const StateEntry* const create = FindState(state, "m.room.create");
  if (create == nullptr) return Refuse(AuthRule::kRoomNoCreate);
  absl::Status room = CheckRoom(version, event, *create);
  if (!room.ok()) return room;
  if (version.servers_set_aliases && event.type == "m.room.aliases") return CheckAliases(event);
  const AuthContext context(version, event, *create, state);
  return event.type == "m.room.member" ? CheckMember(context) : CheckOther(context);
}

}  // namespace innkeeper::rooms
