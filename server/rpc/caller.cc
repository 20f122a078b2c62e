#include "server/rpc/caller.h"

#include "server/auth/access.h"
#include "server/auth/principal.h"

namespace innkeeper::rpc {

absl::Status MayActFor(const Call& call, const std::string& user_id) {
  if (user_id.empty()) return absl::OkStatus();
  return auth::RequireUser(*call.principal, user_id);
}

absl::Status MayUseAudience(const Call& call, const std::string& audience) {
  if (audience.empty()) return absl::OkStatus();
  return auth::RequireAudience(*call.principal, audience);
}

absl::Status MayReadAs(const Call& call, const std::string& requester) {
  if (requester.empty()) return auth::RequireRole(*call.principal, auth::Role::kReadAll);
  return auth::RequireUser(*call.principal, requester);
}

}  // namespace innkeeper::rpc
