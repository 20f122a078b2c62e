#include "server/rooms/auth_rules_member.h"

#include "server/rooms/auth_rules_third_party_invite.h"
#include "server/rooms/identifiers.h"

namespace innkeeper::rooms {
namespace {

absl::Status AllowIf(bool condition, AuthRule rule) {
  return condition ? absl::OkStatus() : Refuse(rule);
}

// The creator joins with the room's second event, before there are any rules.
bool IsFirstJoin(const AuthContext& context) {
  const Event& event = context.event;
  return event.prev_events.size() == 1 &&
         event.prev_events[0].event_id == context.create.reference.event_id &&
         *event.state_key == ViewCreators(context.version, context.create).front();
}

absl::string_view JoinRule(const RoomState& state) {
  const Json& content = StateContent(state, "m.room.join_rules");
  return FindMember(content, "join_rule") == nullptr ? "invite"
                                                     : StringViewOrEmpty(content, "join_rule");
}

bool IsInviteRule(const RoomVersion& version, absl::string_view join_rule) {
  return join_rule == "invite" || (version.knocking && join_rule == "knock");
}

bool IsRestrictedRule(const RoomVersion& version, absl::string_view join_rule) {
  return (version.restricted_joins && join_rule == "restricted") ||
         (version.knock_restricted_joins && join_rule == "knock_restricted");
}

bool IsKnockRule(const RoomVersion& version, absl::string_view join_rule) {
  return join_rule == "knock" ||
         (version.knock_restricted_joins && join_rule == "knock_restricted");
}

// A member with the power to invite vouches for the user.
absl::Status CheckAuthorisedJoin(const AuthContext& context) {
  const absl::string_view authoriser =
      StringViewOrEmpty(context.event.content, "join_authorised_via_users_server");
  if (context.MembershipOf(authoriser) != "join") return Refuse(AuthRule::kJoinNotAuthorised);
  const int64_t required = context.levels.ForAction("invite");
  const int64_t actual = context.levels.OfUser(authoriser);
  return actual >= required ? absl::OkStatus()
                            : RefusePower(AuthRule::kJoinAuthorisingPower, required, actual);
}

absl::Status CheckJoin(const AuthContext& context) {
  if (IsFirstJoin(context)) return absl::OkStatus();
  if (context.event.sender != *context.event.state_key) return Refuse(AuthRule::kJoinOtherUser);
  const absl::string_view membership = context.MembershipOf(context.event.sender);
  if (membership == "ban") return Refuse(AuthRule::kJoinBanned);
  const absl::string_view join_rule = JoinRule(context.state);
  const bool asked_in = membership == "invite" || membership == "join";
  if (join_rule == "public") return absl::OkStatus();
  if (IsInviteRule(context.version, join_rule)) {
    return AllowIf(asked_in, AuthRule::kJoinNotInvited);
  }
  if (!IsRestrictedRule(context.version, join_rule)) return Refuse(AuthRule::kJoinRule);
  return asked_in ? absl::OkStatus() : CheckAuthorisedJoin(context);
}

absl::Status CheckInvite(const AuthContext& context) {
  if (const Json* const invite = FindMember(context.event.content, "third_party_invite")) {
    return CheckThirdPartyInvite(context, *invite);
  }
  if (context.MembershipOf(context.event.sender) != "join") {
    return Refuse(AuthRule::kInviteSenderNotJoined);
  }
  const absl::string_view membership = context.MembershipOf(*context.event.state_key);
  if (membership == "join") return Refuse(AuthRule::kInviteTargetJoined);
  if (membership == "ban") return Refuse(AuthRule::kInviteTargetBanned);
  return context.NeedLevel(context.levels.ForAction("invite"), AuthRule::kInvitePower);
}

// The sender must have more power than the target.
absl::Status CheckTargetPower(const AuthContext& context, AuthRule rule) {
  const int64_t target = context.levels.OfUser(*context.event.state_key);
  return target == kUnboundedPower ? Refuse(rule) : context.NeedLevel(target + 1, rule);
}

absl::Status CheckOwnLeave(const AuthContext& context) {
  const absl::string_view membership = context.MembershipOf(context.event.sender);
  return AllowIf(membership == "join" || membership == "invite" ||
                     (context.version.knocking && membership == "knock"),
                 AuthRule::kLeaveNotInRoom);
}

// Removes another user, or lifts their ban.
absl::Status CheckKick(const AuthContext& context) {
  if (context.MembershipOf(context.event.sender) != "join") {
    return Refuse(AuthRule::kKickSenderNotJoined);
  }
  if (context.MembershipOf(*context.event.state_key) == "ban") {
    absl::Status unban = context.NeedLevel(context.levels.ForAction("ban"), AuthRule::kUnbanPower);
    if (!unban.ok()) return unban;
  }
  absl::Status kick = context.NeedLevel(context.levels.ForAction("kick"), AuthRule::kKickPower);
  return kick.ok() ? CheckTargetPower(context, AuthRule::kKickTargetPower) : kick;
}

absl::Status CheckBan(const AuthContext& context) {
  if (context.MembershipOf(context.event.sender) != "join") {
    return Refuse(AuthRule::kBanSenderNotJoined);
  }
  absl::Status ban = context.NeedLevel(context.levels.ForAction("ban"), AuthRule::kBanPower);
  return ban.ok() ? CheckTargetPower(context, AuthRule::kBanTargetPower) : ban;
}

absl::Status CheckKnock(const AuthContext& context) {
  if (!IsKnockRule(context.version, JoinRule(context.state))) return Refuse(AuthRule::kKnockRule);
  if (context.event.sender != *context.event.state_key) return Refuse(AuthRule::kKnockOtherUser);
  const absl::string_view membership = context.MembershipOf(context.event.sender);
  return AllowIf(membership != "ban" && membership != "invite" && membership != "join",
                 AuthRule::kKnockMembership);
}

bool IsOpenToTarget(const AuthContext& context) {
  return ServerNameOf(*context.event.state_key) == ServerNameOf(context.create.sender) ||
         IsFederated(context.create.content);
}

}  // namespace

absl::Status CheckMember(const AuthContext& context) {
  const Event& event = context.event;
  if (!event.state_key) return Refuse(AuthRule::kMemberStateKey);
  if (!IsOpenToTarget(context)) return Refuse(AuthRule::kMemberNotFederated);
  const absl::string_view membership = StringViewOrEmpty(event.content, "membership");
  if (membership == "join") return CheckJoin(context);
  if (membership == "invite") return CheckInvite(context);
  if (membership == "leave") {
    return event.sender == *event.state_key ? CheckOwnLeave(context) : CheckKick(context);
  }
  if (membership == "ban") return CheckBan(context);
  if (membership == "knock" && context.version.knocking) return CheckKnock(context);
  return Refuse(AuthRule::kMemberMembership);
}

}  // namespace innkeeper::rooms
