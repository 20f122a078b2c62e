#include "server/auth/access.h"

#include "absl/strings/str_cat.h"
#include "server/base/audience.h"
#include "server/errors/errors.h"

namespace innkeeper::auth {

absl::Status RequireRole(const Principal& principal, Role role) {
  if (principal.Has(role)) return absl::OkStatus();
  return MakeError(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_ROLE_MISSING,
                   absl::StrCat("this call needs the role ", RoleName(role)),
                   {{"role", RoleName(role)}});
}

absl::Status RequireUser(const Principal& principal, absl::string_view user_id) {
  if (principal.MayActFor(user_id)) return absl::OkStatus();
  return MakeError(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_USER_NOT_ALLOWED,
                   "the caller may not act for this user",
                   {{"user", user_id.size() <= kMaxUserIdBytes ? user_id : ""}});
}

absl::Status RequireAudience(const Principal& principal, absl::string_view audience) {
  if (principal.MaySeeAudience(audience)) return absl::OkStatus();
  return MakeError(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_AUDIENCE_NOT_ALLOWED,
                   "the caller may not see this audience",
                   {{"audience", audience.size() <= kMaxAudienceBytes ? audience : ""}});
}

}  // namespace innkeeper::auth
