// File: server/rooms/auth_rules_member.h
//
// The authorisation rules of m.room.member. A part of auth_rules.h.

#ifndef INNKEEPER_SERVER_ROOMS_AUTH_RULES_MEMBER_H_
#define INNKEEPER_SERVER_ROOMS_AUTH_RULES_MEMBER_H_

#include "absl/status/status.h"
#include "server/rooms/auth_context.h"

namespace innkeeper::rooms {

// Judges an m.room.member.
absl::Status CheckMember(const AuthContext& context);

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_AUTH_RULES_MEMBER_H_
