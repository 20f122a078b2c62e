// File: server/rooms/state_copy.h
//
// Which entries of a room's state its successor gets. Pure functions.
//
// Source: Matrix client-server API, "Room Upgrades", for what is recommended.

#ifndef INNKEEPER_SERVER_ROOMS_STATE_COPY_H_
#define INNKEEPER_SERVER_ROOMS_STATE_COPY_H_

#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "server/rooms/json.h"
#include "server/rooms/room_state.h"
#include "server/rooms/upgrade_options.h"

namespace innkeeper::rooms {

// What becomes of an entry of the state.
enum class StateFate {
  kOwnRule,           // create, members, power levels, join rules, canonical alias, tombstone
  kCopied,            // as it is
  kLeftBehind,        // by the copy policy
  kBelongsToOldRoom,  // means nothing elsewhere: m.room.aliases, m.room.third_party_invite
  kBelongsToUser,     // keyed by the id of a user who is not the sender
};

// Decides about one entry at a time.
//
// Whatever the policy, what guards the room is copied (m.room.server_acl,
// m.room.encryption, m.room.history_visibility, m.room.guest_access), so that an
// upgrade never opens it; and so are the links between spaces and rooms: m.space.parent,
// and in a space m.space.child, where they are not empty. Besides these:
//
//   kRecommended  m.room.name, m.room.avatar and m.room.topic
//   kEverything   all that can be right in another room
//   kListed       the types in options.copy_types, under any state key
//
// An entry with an empty content that is not copied is no loss and has kOwnRule. So have a
// name, avatar or topic with an empty content: none.
class StateCopyRule {
 public:
  // `create_content` is that of the old room; `sender` sends what is copied.
  StateCopyRule(const UpgradeOptions& options, const Json& create_content,
                absl::string_view sender);

  StateFate FateOf(const StateKey& key, const Json& content) const;

 private:
  bool IsCoveredByPolicy(const StateKey& key) const;

  const CopyPolicy policy_;
  const absl::flat_hash_set<std::string> listed_;
  const bool is_space_;
  const std::string sender_;
};

// True if there can be entries of this type that a policy has copied.
bool MayBeCopied(absl::string_view type);

// True for entries without which the new room would be more open than the old one.
bool GuardsRoom(const StateKey& key);

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_STATE_COPY_H_
