// File: server/auth/principal.h
//
// Who calls, and what they may do.

#ifndef INNKEEPER_SERVER_AUTH_PRINCIPAL_H_
#define INNKEEPER_SERVER_AUTH_PRINCIPAL_H_

#include <bitset>
#include <cstddef>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "server/base/audience.h"
#include "server/base/glob_set.h"

namespace innkeeper::auth {

// What a principal may do. Reading rooms as one of the users that it may act for
// takes no role.
enum class Role {
  kCreate,       // create rooms
  kUpgrade,      // upgrade rooms
  kParticipate,  // join rooms, leave them, send into them and the like
  kReadAll,      // read every room, as no particular user
  kWatch,        // read the event log
  kFederate,     // deliver invites to other servers
  kApprove,      // decide on what others asked for, where that is supervised
  kAudit,        // read the audit log
  kAdmin,        // everything: all other roles, and every user
};
inline constexpr size_t kRoleCount = 9;

// Matrix user ids are at most this long.
inline constexpr size_t kMaxUserIdBytes = 255;

// Returns the role's name in token files and error details: "create",
// "upgrade", "participate", "read-all", "watch", "federate", "approve", "audit", "admin".
absl::string_view RoleName(Role role);

// The names of all roles.
absl::Span<const absl::string_view> RoleNames();

// Returns the role of that name, if there is one.
std::optional<Role> ParseRole(absl::string_view name);

// A caller: a service, not a Matrix user. A value; thread-safe as long as it is
// not assigned to.
class Principal {
 public:
  // `users` are the users that the principal may act for: ids, or patterns in
  // which '*' stands for any bytes, also none, and '?' for any one byte. `audiences`
  // are those whose rooms and events it may see where it acts for nobody.
  Principal(std::string name, absl::Span<const Role> roles, absl::Span<const std::string> users,
            AudienceScope audiences = AudienceScope::All());

  // Tells principals apart, for people: not empty, unique in its token file.
  const std::string& name() const { return name_; }

  bool Has(Role role) const;

  // True if the principal may act for the user. Nothing longer than
  // kMaxUserIdBytes matches a pattern.
  bool MayActFor(absl::string_view user_id) const;

  // The audiences whose rooms and events the principal may see where it acts for no
  // user; all of them for an administrator. What else that takes is for roles to say.
  const AudienceScope& audiences() const { return audiences_; }

  // True if rooms and events of the audience are among these; "" stands for none.
  bool MaySeeAudience(absl::string_view audience) const { return audiences_.Includes(audience); }

 private:
  bool Is(Role role) const { return roles_.test(static_cast<size_t>(role)); }

  std::string name_;
  std::bitset<kRoleCount> roles_;
  GlobSet users_;
  AudienceScope audiences_;
};

}  // namespace innkeeper::auth

#endif  // INNKEEPER_SERVER_AUTH_PRINCIPAL_H_
