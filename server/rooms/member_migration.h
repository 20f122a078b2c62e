// File: server/rooms/member_migration.h
//
// What becomes of each member of a room that is replaced. Pure functions.

#ifndef INNKEEPER_SERVER_ROOMS_MEMBER_MIGRATION_H_
#define INNKEEPER_SERVER_ROOMS_MEMBER_MIGRATION_H_

#include <string>

#include "absl/strings/string_view.h"
#include "server/rooms/json.h"
#include "server/rooms/upgrade_options.h"
#include "server/rooms/upgrade_report.h"

namespace innkeeper::rooms {

// A member event of the old room.
struct OldMember {
  std::string user_id;
  Json content = Json::object();
};

// What the new room is like for members.
struct MemberRules {
  MemberPolicy policy = MemberPolicy::kJoinLocal;
  std::string server_name;
  bool is_federated = true;
  bool takes_knocks = false;
};

struct MemberFate {
  enum class Kind { kNothing, kJoins, kIsInvited, kIsBanned, kKnocks, kLeftBehind, kUnmoved };

  Kind kind = Kind::kNothing;
  // How it is reported that the member could not be moved.
  Unmoved::Kind reported_as = Unmoved::Kind::kMember;
  Unmoved::Reason reason = Unmoved::Reason::kNotFederated;  // with kUnmoved
};

// Bans are carried over whatever the policy. Under kJoinLocal the joined users of
// this server join, the others and those with an open invite are invited; under
// kInviteAll all of these are invited; under kNone they are left behind. A knock is
// repeated for a user of this server if the new room takes it, and never turned into
// an invite, which is for the room's moderators to give. Users of other servers stay
// out of a room that is not federated.
MemberFate FateOf(const OldMember& member, const MemberRules& rules);

// The contents of member events of the new room, from that of the old one. They keep
// how users show themselves (displayname, avatar_url), an invite whether it is to a
// direct chat, a knock and a ban the reason. A ban leaves out how the banned user
// showed themselves, which may be what they were banned for.
Json JoinContent(const Json& old_content);
Json InviteContent(const Json& old_content);
Json KnockContent(const Json& old_content);
Json BanContent(const Json& old_content);

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_MEMBER_MIGRATION_H_
