#include "server/membership/change_membership.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/errors/errors.h"
#include "server/lifecycle/room_errors.h"
#include "server/lifecycle/room_records.h"
#include "server/membership/restricted_join.h"
#include "server/membership/room_member.h"
#include "server/rooms/event_types.h"
#include "server/rooms/identifiers.h"
#include "server/rooms/utf8.h"

namespace innkeeper::membership {
namespace {

using lifecycle::RoomEdit;
using rooms::Json;
using rooms::kMemberType;
using rooms::StringOrEmpty;
using storage::RoomReader;
using storage::StateRecord;

constexpr size_t kMaxReasonBytes = 1024;
constexpr size_t kMaxProfileBytes = 255;

bool IsAlias(absl::string_view room) { return absl::StartsWith(room, "#"); }

// True if the action is about the requester's own membership.
bool IsOwn(Action action) {
  return action == Action::kJoin || action == Action::kLeave || action == Action::kKnock;
}

bool TakesAlias(Action action) { return action == Action::kJoin || action == Action::kKnock; }

absl::string_view TargetMembership(Action action) {
  switch (action) {
    case Action::kInvite:
      return "invite";
    case Action::kJoin:
      return "join";
    case Action::kKnock:
      return "knock";
    case Action::kBan:
      return "ban";
    case Action::kLeave:
    case Action::kKick:
    case Action::kUnban:
      return "leave";
  }
  return "";
}

void CheckText(const std::string& field, const std::string& text, size_t max_bytes,
               FieldErrors& errors) {
  if (text.size() > max_bytes) {
    errors.Add(field, absl::StrCat("must be at most ", max_bytes, " bytes long"));
  } else if (!rooms::IsUtf8(text) || absl::StrContains(text, '\0')) {
    errors.Add(field, "must be valid UTF-8 without NUL");
  }
}

void CheckRoom(const MembershipCommand& command, FieldErrors& errors) {
  const bool takes_alias = TakesAlias(command.action);
  const std::string field = takes_alias ? "room_id_or_alias" : "room_id";
  errors.AddStatus(field, takes_alias && IsAlias(command.room) ? rooms::CheckRoomAlias(command.room)
                                                               : rooms::CheckRoomId(command.room));
}

// What the room is called in the state: the member event of a user, if there is one.
absl::StatusOr<std::optional<StateRecord>> MemberOf(const RoomReader& reader,
                                                    const std::string& room_id,
                                                    const std::string& user_id) {
  return reader.GetState(room_id, kMemberType, user_id);
}

// Whether users who have nothing to do with a room may know of it, so that they can
// join it or knock on it.
absl::StatusOr<bool> IsOpen(RoomEdit& edit) {
  absl::StatusOr<Json> rules = edit.Content("m.room.join_rules");
  if (!rules.ok()) return rules.status();
  const std::string rule = StringOrEmpty(*rules, "join_rule");
  return rule == "public" || rule == "restricted" || rule == "knock" || rule == "knock_restricted";
}

// ROOM_NOT_FOUND if the requester may not know of the room.
absl::Status CheckVisible(RoomEdit& edit, const MembershipCommand& command) {
  absl::StatusOr<const rooms::StateEntry*> known = edit.State(kMemberType, command.requester);
  if (!known.ok()) return known.status();
  if (*known != nullptr) return absl::OkStatus();
  if (!TakesAlias(command.action)) return lifecycle::RoomNotFound(edit.room().room_id());
  absl::StatusOr<bool> open = IsOpen(edit);
  if (!open.ok()) return open.status();
  return *open ? absl::OkStatus() : lifecycle::RoomNotFound(edit.room().room_id());
}

// True if the requester may act upon others at all: what nobody in the room asks for
// is for the rules to refuse, even if it would change nothing.
absl::StatusOr<bool> MayAct(RoomEdit& edit, const MembershipCommand& command) {
  if (IsOwn(command.action)) return true;
  absl::StatusOr<Json> own = edit.Content(kMemberType, command.requester);
  if (!own.ok()) return own.status();
  return StringOrEmpty(*own, "membership") == "join";
}

bool KeepsProfile(const MembershipCommand& command, const Json& content) {
  return (command.displayname.empty() ||
          command.displayname == StringOrEmpty(content, "displayname")) &&
         (command.avatar_url.empty() || command.avatar_url == StringOrEmpty(content, "avatar_url"));
}

// True if the action finds the user, whose member event has `content`, where it would
// bring them.
bool ChangesNothing(const MembershipCommand& command, const Json& content) {
  std::string membership = StringOrEmpty(content, "membership");
  if (membership.empty()) membership = "leave";
  switch (command.action) {
    case Action::kJoin:
      return membership == "join" && KeepsProfile(command, content);
    case Action::kKick:
      return membership == "leave" || membership == "ban";
    case Action::kUnban:
      return membership != "ban";
    case Action::kInvite:
    case Action::kLeave:
    case Action::kBan:
    case Action::kKnock:
      return membership == TargetMembership(command.action);
  }
  return false;
}

// The content of the new member event of a user whose old one has `before`.
Json NewContent(const MembershipCommand& command, const Json& before) {
  Json content = {{"membership", std::string(TargetMembership(command.action))}};
  const auto set = [&](const char* key, const std::string& value) {
    if (!value.empty()) content[key] = value;
  };
  set("reason", command.reason);
  if (command.is_direct) content["is_direct"] = true;
  if (!TakesAlias(command.action)) return content;
  const bool keep = StringOrEmpty(before, "membership") == "join";
  set("displayname", command.displayname.empty() && keep ? StringOrEmpty(before, "displayname")
                                                         : command.displayname);
  set("avatar_url", command.avatar_url.empty() && keep ? StringOrEmpty(before, "avatar_url")
                                                       : command.avatar_url);
  return content;
}

v1::RoomMember Stranger(const std::string& user_id) {
  v1::RoomMember member;
  member.set_user_id(user_id);
  member.set_membership(v1::MEMBERSHIP_LEAVE);
  return member;
}

}  // namespace

absl::Status CheckCommand(const MembershipCommand& command, absl::string_view server_name) {
  FieldErrors errors;
  CheckRoom(command, errors);
  const absl::Status requester = rooms::CheckUserId(command.requester);
  errors.AddStatus("requester", requester);
  if (requester.ok() && !rooms::IsLocal(command.requester, server_name)) {
    errors.Add("requester", absl::StrCat("must be a user of this server, ", server_name));
  }
  if (!IsOwn(command.action)) {
    errors.AddStatus("user_id", rooms::CheckUserId(command.user_id));
    if (command.user_id == command.requester) {
      errors.Add("user_id", "must be another user; LeaveRoom is for the requester");
    }
  }
  CheckText("reason", command.reason, kMaxReasonBytes, errors);
  CheckText("displayname", command.displayname, kMaxProfileBytes, errors);
  CheckText("avatar_url", command.avatar_url, kMaxProfileBytes, errors);
  if (!command.avatar_url.empty() && !absl::StartsWith(command.avatar_url, "mxc://")) {
    errors.Add("avatar_url", "must be an mxc:// URI");
  }
  return errors.ToStatus();
}

std::string MembershipChanger::RoomOf(const MembershipCommand& command) const {
  if (!IsAlias(command.room)) return command.room;
  auto alias = RoomReader(engine_).GetAlias(command.room);
  return alias.ok() && alias->has_value() ? (*alias)->record.room_id() : "";
}

absl::StatusOr<MembershipChanger::Changed> MembershipChanger::Try(const MembershipCommand& command,
                                                                  const RoomReader& reader) const {
  std::string room_id = command.room;
  if (IsAlias(room_id)) {
    auto alias = reader.GetAlias(command.room);
    if (!alias.ok()) return alias.status();
    if (!alias->has_value()) return lifecycle::AliasNotFound(command.room);
    room_id = (*alias)->record.room_id();
  }
  auto room = reader.GetRoom(room_id);
  if (!room.ok()) return room.status();
  if (!room->has_value()) return lifecycle::RoomNotFound(room_id);
  RoomEdit edit(reader, **std::move(room), context_);
  absl::Status visible = CheckVisible(edit, command);
  if (!visible.ok()) return visible;

  auto standing = MemberOf(reader, room_id, command.user_id);
  if (!standing.ok()) return standing.status();
  absl::StatusOr<Json> before = edit.Content(kMemberType, command.user_id);
  if (!before.ok()) return before.status();
  absl::StatusOr<bool> may_act = MayAct(edit, command);
  if (!may_act.ok()) return may_act.status();
  if (*may_act && ChangesNothing(command, *before)) {
    if (!standing->has_value()) return Changed{room_id, Stranger(command.user_id), std::nullopt};
    absl::StatusOr<v1::RoomMember> member = ToRoomMember(command.user_id, **standing);
    if (!member.ok()) return member.status();
    return Changed{room_id, *std::move(member), std::nullopt};
  }

  absl::Status writable = lifecycle::CheckWritable(edit.room());
  if (!writable.ok()) return writable;
  Json content = NewContent(command, *before);
  const std::string membership = StringOrEmpty(*before, "membership");
  if (command.action == Action::kJoin && membership != "join" && membership != "invite") {
    auto authority = FindAuthorisingMember(edit, reader, command.user_id, context_.server_name);
    if (!authority.ok()) return authority.status();
    if (!authority->empty()) content["join_authorised_via_users_server"] = *authority;
  }
  absl::Status appended = edit.Append({.type = kMemberType,
                                       .state_key = command.user_id,
                                       .sender = command.requester,
                                       .content = std::move(content),
                                       .source_field = "reason"});
  if (!appended.ok()) return appended;

  absl::StatusOr<v1::RoomMember> member = ToRoomMember(
      command.user_id,
      lifecycle::ToStateRecord(edit.version(), edit.events().back(), edit.new_revision()));
  if (!member.ok()) return member.status();
  Changed changed{room_id, *std::move(member), storage::RoomCommit()};
  absl::Status staged = edit.Stage(*changed.commit);
  if (!staged.ok()) return staged;
  return changed;
}

}  // namespace innkeeper::membership
