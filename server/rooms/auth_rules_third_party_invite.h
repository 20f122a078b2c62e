// File: server/rooms/auth_rules_third_party_invite.h
//
// The authorisation rules of invites that take the place of one by e-mail or
// telephone. A part of auth_rules.h.
//
// Source: Matrix client-server API, "Third-party invites"; server-server API,
// "Third-party invites".

#ifndef INNKEEPER_SERVER_ROOMS_AUTH_RULES_THIRD_PARTY_INVITE_H_
#define INNKEEPER_SERVER_ROOMS_AUTH_RULES_THIRD_PARTY_INVITE_H_

#include "absl/status/status.h"
#include "server/rooms/auth_context.h"
#include "server/rooms/json.h"

namespace innkeeper::rooms {

// Of the signatures in one invite, no more than so many are tried, each with each of
// the keys: one takes 0.1 ms, and no honest invite has more than a few.
inline constexpr int kMaxInviteSignatureChecks = 100;

// Judges an m.room.member with membership "invite" whose content has `invite` as
// third_party_invite. Neither the sender's membership nor their power matters: they
// needed both for the m.room.third_party_invite.
absl::Status CheckThirdPartyInvite(const AuthContext& context, const Json& invite);

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_AUTH_RULES_THIRD_PARTY_INVITE_H_
