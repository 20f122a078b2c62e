// File: server/rooms/auth_rules_power_levels.h
//
// The authorisation rules of m.room.power_levels. A part of auth_rules.h.

#ifndef INNKEEPER_SERVER_ROOMS_AUTH_RULES_POWER_LEVELS_H_
#define INNKEEPER_SERVER_ROOMS_AUTH_RULES_POWER_LEVELS_H_

#include "absl/status/status.h"
#include "server/rooms/auth_context.h"

namespace innkeeper::rooms {

// Judges an m.room.power_levels whose sender may send events of that type: its form,
// and that no level is changed that is beyond the sender's own, before or after. In
// versions that take strings for levels, "50" and 50 are the same; a value that is no
// level counts as none where the rules do not refuse it.
absl::Status CheckPowerLevelsEvent(const AuthContext& context);

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_AUTH_RULES_POWER_LEVELS_H_
