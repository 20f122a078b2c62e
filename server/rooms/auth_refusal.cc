#include "server/rooms/auth_refusal.h"

#include <glog/logging.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "server/errors/errors.h"

namespace innkeeper::rooms {
namespace {

using enum AuthRule;

constexpr AuthRuleText kRules[] = {
    {kCreateStateKey, "create.state_key",
     "the event that creates a room must have an empty state key"},
    {kCreatePrevEvents, "create.prev_events", "the event that creates a room must be its first"},
    {kCreateRoomIdServer, "create.room_id.server",
     "the room id must be one of the creator's server"},
    {kCreateRoomIdHash, "create.room_id.hash",
     "the room id must be the hash of the event that creates the room"},
    {kCreateRoomVersion, "create.room_version",
     "the event that creates the room must name the room's version"},
    {kCreateCreator, "create.creator",
     "the event that creates the room must name the creator in this room version"},
    {kCreateAdditionalCreators, "create.additional_creators",
     "additional_creators must be a list of user ids"},
    {kAuthEventsDuplicate, "auth_events.duplicate",
     "the event names two auth events for one place in the state"},
    {kAuthEventsNotSelected, "auth_events.not_selected",
     "the event names an auth event that is none for it"},
    {kAuthEventsRejected, "auth_events.rejected",
     "the event names an auth event that was not allowed itself"},
    {kAuthEventsOtherRoom, "auth_events.other_room",
     "the event names an auth event of another room"},
    {kAuthEventsNoCreate, "auth_events.no_create",
     "the event does not name the event that created the room"},
    {kRoomNoCreate, "room.no_create", "the room was never created"},
    {kRoomId, "room.id", "the room id must be the hash of the event that created the room"},
    {kRoomNotFederated, "room.not_federated", "the room is open to users of its own server only"},
    {kAliasesStateKey, "aliases.state_key", "aliases can only be set for the sender's own server"},
    {kMemberStateKey, "member.state_key", "the event must name the user whose membership it sets"},
    {kMemberMembership, "member.membership",
     "the membership must be one that this room version knows"},
    {kMemberNotFederated, "member.not_federated",
     "the room is open to users of its own server only"},
    {kMemberAuthorisingServer, "member.authorising_server",
     "the join must be authorised by a user of the server that signs it"},
    {kJoinOtherUser, "member.join.other_user", "nobody can join on behalf of another user"},
    {kJoinBanned, "member.join.banned", "the user is banned from the room"},
    {kJoinNotInvited, "member.join.not_invited", "only invited users can join the room"},
    {kJoinNotAuthorised, "member.join.not_authorised",
     "the room can only be joined with an invite, or if a member of it authorises the join"},
    {kJoinAuthorisingPower, "member.join.authorising_power",
     "the member who authorises the join may not invite users"},
    {kJoinRule, "member.join.rule", "nobody can join the room"},
    {kInviteSenderNotJoined, "member.invite.sender_not_joined",
     "only members of the room can invite users"},
    {kInviteTargetJoined, "member.invite.target_joined", "the user is in the room already"},
    {kInviteTargetBanned, "member.invite.target_banned", "the user is banned from the room"},
    {kInvitePower, "member.invite.power",
     "the sender's power level does not suffice to invite users"},
    {kThirdPartyTargetBanned, "member.third_party_invite.target_banned",
     "the user is banned from the room"},
    {kThirdPartySigned, "member.third_party_invite.signed",
     "the invite must carry what an identity server signed: mxid and token"},
    {kThirdPartyTarget, "member.third_party_invite.target", "the invite is for another user"},
    {kThirdPartyToken, "member.third_party_invite.token",
     "the room has no pending invite for this token"},
    {kThirdPartySender, "member.third_party_invite.sender",
     "the pending invite for this token was sent by another user"},
    {kThirdPartySignature, "member.third_party_invite.signature",
     "the invite has no signature that matches one of the keys of the pending invite"},
    {kLeaveNotInRoom, "member.leave.not_in_room",
     "the user is not in the room and not invited to it"},
    {kKickSenderNotJoined, "member.kick.sender_not_joined",
     "only members of the room can remove users from it"},
    {kUnbanPower, "member.unban.power", "the sender's power level does not suffice to lift a ban"},
    {kKickPower, "member.kick.power", "the sender's power level does not suffice to remove users"},
    {kKickTargetPower, "member.kick.target_power",
     "a user can only be removed by users with more power"},
    {kBanSenderNotJoined, "member.ban.sender_not_joined",
     "only members of the room can ban users from it"},
    {kBanPower, "member.ban.power", "the sender's power level does not suffice to ban users"},
    {kBanTargetPower, "member.ban.target_power",
     "a user can only be banned by users with more power"},
    {kKnockRule, "member.knock.rule", "the room cannot be knocked on"},
    {kKnockOtherUser, "member.knock.other_user", "nobody can knock on behalf of another user"},
    {kKnockMembership, "member.knock.membership",
     "users who are in the room, invited or banned cannot knock on it"},
    {kEventSenderNotJoined, "event.sender_not_joined", "only members of the room can send to it"},
    {kEventPower, "event.power",
     "the sender's power level does not suffice for events of this type"},
    {kEventStateKey, "event.state_key",
     "state that belongs to a user can only be set by that user"},
    {kThirdPartyInvitePower, "third_party_invite.power",
     "the sender's power level does not suffice to invite users"},
    {kRedactionPower, "redaction.power",
     "the sender's power level does not suffice to redact events of other servers"},
    {kPowerLevelsLevel, "power_levels.level", "must be a power level as this room version has it"},
    {kPowerLevelsMap, "power_levels.map", "must be an object of power levels"},
    {kPowerLevelsUserId, "power_levels.user_id", "must be the power level of a user id"},
    {kPowerLevelsCreator, "power_levels.creator",
     "must not be there: creators have unbounded power"},
    {kPowerLevelsDefaults, "power_levels.defaults",
     "can only be changed by users whose power level is at least the old and the new value"},
    {kPowerLevelsEvents, "power_levels.events",
     "can only be changed by users whose power level is at least the old and the new value"},
    {kPowerLevelsNotifications, "power_levels.notifications",
     "can only be changed by users whose power level is at least the old and the new value"},
    {kPowerLevelsUsers, "power_levels.users",
     "can only be changed by the user or by users with more power, to no more than their own"},
};

constexpr bool IsInOrder() {
  for (size_t i = 0; i < std::size(kRules); ++i) {
    if (static_cast<size_t>(kRules[i].rule) != i) return false;
  }
  return true;
}
static_assert(IsInOrder());

const AuthRuleText& TextOf(AuthRule rule) { return kRules[static_cast<size_t>(rule)]; }

absl::Status MakeRefusal(v1::ErrorReason reason, AuthRule rule, absl::string_view place) {
  const AuthRuleText& text = TextOf(rule);
  const Metadata of_rule = {{"rule", text.name}};
  if (place.empty()) {
    return MakeError(absl::StatusCode::kPermissionDenied, reason, text.message, of_rule);
  }
  return WithMetadata(MakeError(absl::StatusCode::kPermissionDenied, reason,
                                absl::StrCat(place, ": ", text.message), of_rule),
                      {{"place", place}});
}

}  // namespace

absl::Span<const AuthRuleText> AllAuthRules() { return kRules; }

absl::Status Refuse(AuthRule rule, absl::string_view place) {
  return MakeRefusal(v1::ERROR_REASON_EVENT_NOT_AUTHORIZED, rule, place);
}

absl::Status RefusePower(AuthRule rule, int64_t required, int64_t actual, absl::string_view place) {
  return WithMetadata(MakeRefusal(v1::ERROR_REASON_INSUFFICIENT_POWER, rule, place),
                      {{"required", absl::StrCat(required)}, {"actual", absl::StrCat(actual)}});
}

absl::Status AsInvalidRequest(const absl::Status& refusal, absl::string_view field) {
  if (!absl::IsPermissionDenied(refusal)) return refusal;
  FieldErrors errors;
  errors.Add(std::string(field),
             absl::StrCat("makes an event that the room's rules refuse: ", refusal.message()));
  return WithMetadata(errors.ToStatus(), {{"rule", MetadataOf(refusal, "rule")}});
}

}  // namespace innkeeper::rooms
