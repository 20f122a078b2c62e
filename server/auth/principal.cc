#include "server/auth/principal.h"

#include <algorithm>
#include <array>
#include <utility>

#include "server/base/glob.h"

namespace innkeeper::auth {
namespace {

// In the order of the enumerators.
constexpr std::array<absl::string_view, kRoleCount> kRoleNames = {
    "create", "upgrade", "participate", "read-all", "watch", "federate", "admin"};

}  // namespace

absl::string_view RoleName(Role role) { return kRoleNames[static_cast<size_t>(role)]; }

std::optional<Role> ParseRole(absl::string_view name) {
  const auto* found = std::find(kRoleNames.begin(), kRoleNames.end(), name);
  if (found == kRoleNames.end()) return std::nullopt;
  return static_cast<Role>(found - kRoleNames.begin());
}

Principal::Principal(std::string name, absl::Span<const Role> roles,
                     absl::Span<const std::string> users)
    : name_(std::move(name)) {
  for (const Role role : roles) roles_.set(static_cast<size_t>(role));
  for (const std::string& user : users) {
    if (HasWildcard(user)) {
      user_patterns_.push_back(user);
    } else {
      user_ids_.insert(user);
    }
  }
}

bool Principal::Has(Role role) const { return Is(role) || Is(Role::kAdmin); }

bool Principal::MayActFor(absl::string_view user_id) const {
  if (Is(Role::kAdmin)) return true;
  if (user_id.size() > kMaxUserIdBytes) return false;
  return user_ids_.contains(user_id) ||
         std::any_of(user_patterns_.begin(), user_patterns_.end(),
                     [&](const std::string& pattern) { return MatchesGlob(pattern, user_id); });
}

}  // namespace innkeeper::auth
