#include "server/rpc/caller_access.h"

#include "server/auth/access.h"

namespace innkeeper::rpc {

absl::StatusOr<bool> CallerAccess::Refresh() {
  // Taken before the look, so that a change behind it is noticed the next time.
  const uint64_t generation = authenticator_.generation();
  if (generation == generation_) return false;
  auto principal = authenticator_.Authenticate(credential_);
  if (!principal.ok()) return principal.status();
  absl::Status allowed = permission_(**principal);
  if (!allowed.ok()) return allowed;
  generation_ = generation;
  principal_ = *std::move(principal);
  return true;
}

feed::EventDetail CallerAccess::detail() const {
  return principal_->Has(auth::Role::kFederate) ? feed::EventDetail::kInFull
                                                : feed::EventDetail::kAsLogged;
}

absl::Status CallerAccess::CheckAudience(absl::string_view audience) const {
  return auth::RequireAudience(*principal_, audience);
}

}  // namespace innkeeper::rpc
