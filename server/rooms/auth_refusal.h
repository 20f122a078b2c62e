// File: server/rooms/auth_refusal.h
//
// What the authorisation rules answer when they refuse an event.

#ifndef INNKEEPER_SERVER_ROOMS_AUTH_REFUSAL_H_
#define INNKEEPER_SERVER_ROOMS_AUTH_REFUSAL_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace innkeeper::rooms {

// The lines of the rules that refuse events. What each stands for is said by its
// message in auth_refusal.cc and in docs/authorisation-rules.md.
enum class AuthRule {
  kCreateStateKey,
  kCreatePrevEvents,
  kCreateRoomIdServer,
  kCreateRoomIdHash,
  kCreateRoomVersion,
  kCreateCreator,
  kCreateAdditionalCreators,
  kAuthEventsDuplicate,
  kAuthEventsNotSelected,
  kAuthEventsRejected,
  kAuthEventsOtherRoom,
  kAuthEventsNoCreate,
  kRoomNoCreate,
  kRoomId,
  kRoomNotFederated,
  kAliasesStateKey,
  kMemberStateKey,
  kMemberMembership,
  kMemberNotFederated,
  kMemberAuthorisingServer,
  kJoinOtherUser,
  kJoinBanned,
  kJoinNotInvited,
  kJoinNotAuthorised,
  kJoinAuthorisingPower,
  kJoinRule,
  kInviteSenderNotJoined,
  kInviteTargetJoined,
  kInviteTargetBanned,
  kInvitePower,
  kThirdPartyTargetBanned,
  kThirdPartySigned,
  kThirdPartyTarget,
  kThirdPartyToken,
  kThirdPartySender,
  kThirdPartySignature,
  kLeaveNotInRoom,
  kKickSenderNotJoined,
  kUnbanPower,
  kKickPower,
  kKickTargetPower,
  kBanSenderNotJoined,
  kBanPower,
  kBanTargetPower,
  kKnockRule,
  kKnockOtherUser,
  kKnockMembership,
  kEventSenderNotJoined,
  kEventPower,
  kEventStateKey,
  kThirdPartyInvitePower,
  kRedactionPower,
  kPowerLevelsLevel,
  kPowerLevelsMap,
  kPowerLevelsUserId,
  kPowerLevelsCreator,
  kPowerLevelsDefaults,
  kPowerLevelsEvents,
  kPowerLevelsNotifications,
  kPowerLevelsUsers,
};

// How callers see a rule.
struct AuthRuleText {
  AuthRule rule;
  absl::string_view name;  // in the metadata of an error, under "rule"; never changes
  absl::string_view message;
};

// All rules, in the order above.
absl::Span<const AuthRuleText> AllAuthRules();

// PERMISSION_DENIED by `rule`, with reason EVENT_NOT_AUTHORIZED. `place` is the path
// of what is refused within the event's content, where the rule speaks of single
// places; it is in the message and in the metadata, under "place".
absl::Status Refuse(AuthRule rule, absl::string_view place = "");

// PERMISSION_DENIED by `rule`, with reason INSUFFICIENT_POWER: for want of the level
// `required` by a sender of level `actual`.
absl::Status RefusePower(AuthRule rule, int64_t required, int64_t actual,
                         absl::string_view place = "");

// Returns an error for a request to make a room whose `field` leads to an event that
// was refused by `refusal`: the request contradicts itself, so INVALID_ARGUMENT with a
// BadRequest, and with the rule in the metadata. Any other error stays as it is.
absl::Status AsInvalidRequest(const absl::Status& refusal, absl::string_view field);

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_AUTH_REFUSAL_H_
