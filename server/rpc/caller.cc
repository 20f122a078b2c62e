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

absl::StatusOr<AudienceScope> MayReadAs(const auth::Principal& caller,
                                        const std::string& requester) {
  const bool reads_all = requester.empty();
  absl::Status allowed = reads_all ? auth::RequireRole(caller, auth::Role::kReadAll)
                                   : auth::RequireUser(caller, requester);
  if (!allowed.ok()) return allowed;
  return reads_all ? caller.audiences() : AudienceScope::Nothing();
}

}  // namespace innkeeper::rpc
