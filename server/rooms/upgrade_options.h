// File: server/rooms/upgrade_options.h
//
// What may be chosen about an upgrade, and whether it can be had. Pure functions.

#ifndef INNKEEPER_SERVER_ROOMS_UPGRADE_OPTIONS_H_
#define INNKEEPER_SERVER_ROOMS_UPGRADE_OPTIONS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/rooms/room_version.h"

namespace innkeeper::rooms {

// What of the state the new room gets; see state_copy.h.
enum class CopyPolicy { kRecommended, kEverything, kListed };

// How members come to the new room; see member_migration.h.
enum class MemberPolicy { kJoinLocal, kInviteAll, kNone };

// Names and meanings are those of innkeeper.v1.UpgradeRoomRequest.
struct UpgradeOptions {
  CopyPolicy copy_policy = CopyPolicy::kRecommended;
  std::vector<std::string> copy_types;
  MemberPolicy member_policy = MemberPolicy::kJoinLocal;
  std::vector<std::string> additional_creators;
};

inline constexpr size_t kMaxCopyTypes = 1000;
inline constexpr size_t kMaxAdditionalCreators = 100;

// Returns OK, or INVALID_ARGUMENT with a BadRequest that names every wrong field of
// `options` by its name in the request ("copy_types[3]"): types that are none or
// that are never copied, types without the policy for them or the reverse,
// creators that are no user ids or that `new_version` does not know of.
absl::Status CheckUpgradeOptions(const UpgradeOptions& options, const RoomVersion& new_version);

// Returns the creators of a new room that `sender` creates: `sender`, then the
// additional ones, sorted, each once.
std::vector<std::string> NewCreators(absl::string_view sender, const UpgradeOptions& options);

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_UPGRADE_OPTIONS_H_
