#include "server/auth/principal.h"

#include <algorithm>
#include <array>
#include <utility>

namespace innkeeper::auth {
namespace {

// In the order of the enumerators.
constexpr std::array<absl::string_view, kRoleCount> kRoleNames = {
    "create",   "upgrade", "participate", "read-all", "watch",
    "federate", "approve", "audit",       "admin"};

}  // namespace

absl::string_view RoleName(Role role) { return kRoleNames[static_cast<size_t>(role)]; }

absl::Span<const absl::string_view> RoleNames() { return kRoleNames; }

std::optional<Role> ParseRole(absl::string_view name) {
  const auto* found = std::find(kRoleNames.begin(), kRoleNames.end(), name);
  if (found == kRoleNames.end()) return std::nullopt;
  return static_cast<Role>(found - kRoleNames.begin());
}

Principal::Principal(std::string name, absl::Span<const Role> roles,
                     absl::Span<const std::string> users, AudienceScope audiences)
    : name_(std::move(name)), users_(users), audiences_(std::move(audiences)) {
  for (const Role role : roles) roles_.set(static_cast<size_t>(role));
  if (Is(Role::kAdmin)) audiences_ = AudienceScope::All();
}

bool Principal::Has(Role role) const { return Is(role) || Is(Role::kAdmin); }

bool Principal::MayActFor(absl::string_view user_id) const {
  if (Is(Role::kAdmin)) return true;
  return user_id.size() <= kMaxUserIdBytes && users_.Contains(user_id);
}

}  // namespace innkeeper::auth
