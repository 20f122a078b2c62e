// File: server/rooms/event_types.h
//
// Types of events that the parts of the server speak of.

#ifndef INNKEEPER_SERVER_ROOMS_EVENT_TYPES_H_
#define INNKEEPER_SERVER_ROOMS_EVENT_TYPES_H_

namespace innkeeper::rooms {

inline constexpr char kJoinRulesType[] = "m.room.join_rules";
inline constexpr char kMemberType[] = "m.room.member";
inline constexpr char kPowerLevelsType[] = "m.room.power_levels";

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_EVENT_TYPES_H_
