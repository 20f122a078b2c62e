// File: server/rooms/join_rules.h
//
// m.room.join_rules when a room is replaced: what the new room's version can hold
// of it, and how members get in before it stands. Pure functions.

#ifndef INNKEEPER_SERVER_ROOMS_JOIN_RULES_H_
#define INNKEEPER_SERVER_ROOMS_JOIN_RULES_H_

#include "absl/strings/string_view.h"
#include "server/rooms/json.h"
#include "server/rooms/room_version.h"

namespace innkeeper::rooms {

// Returns `content` for a room of `version`: as it is where the version knows the
// rule or no version does, else with the closest stricter rule in its place:
//
//   knock_restricted   restricted in 8 and 9, knock in 7, invite before
//   restricted         invite
//   knock              invite
Json JoinRulesFor(const RoomVersion& version, Json content);

// How members of the old room join the new one, all of them in events of their
// own that the rules of the room allow.
//
// Where the version permits, each takes one event only: a join for which the sender
// vouches (join_authorised_via_users_server) under a rule that lets in the members
// of the old room. It is no less safe than to invite them first: either way nobody
// joins without an event that the sender's server has signed for them by name, now
// or in a branch of the room's history that somebody else makes up later. A rule that
// were public for the time being would not have that. In version 8 redacting such a
// join spoils it, so that it is not used there.
struct JoinPlan {
  enum class Way {
    kAsAnybody,  // the rule is public
    kVouched,
    kInvited,  // by the sender, one event more
  };

  Way way = Way::kInvited;
  // What m.room.join_rules holds while members are moved. Null: no such event,
  // which counts as "invite".
  Json content;
  // `content` is what the room is to end up with.
  bool is_final = false;
  // Under `content`, users may knock.
  bool takes_knocks = false;
};

// Plans for a room of `version` that replaces `old_room_id` and is to end up with
// `final_content`, which comes from JoinRulesFor, or with no m.room.join_rules if it
// is null.
JoinPlan PlanJoins(const RoomVersion& version, const Json& final_content,
                   absl::string_view old_room_id);

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_JOIN_RULES_H_
