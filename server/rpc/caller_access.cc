#include "server/rpc/caller_access.h"

#include "server/auth/access.h"
#include "server/errors/errors.h"

namespace innkeeper::rpc {
namespace {

absl::Status CheckCaller(const Call& call, const Method& method, const auth::Principal& now) {
  if (now.name() != call.principal->name()) {
    return MakeError(absl::StatusCode::kUnauthenticated, v1::ERROR_REASON_CREDENTIALS_INVALID,
                     "the call's credentials are another principal's now");
  }
  absl::Status allowed = CheckRole(method, now);
  if (allowed.ok() && call.permission) allowed = call.permission(now);
  return allowed;
}

}  // namespace

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

std::unique_ptr<CallerAccess> AccessFor(const Call& call, const Method& method,
                                        const CallEnvironment& environment,
                                        const grpc::CallbackServerContext& context) {
  return std::make_unique<CallerAccess>(
      environment.authenticator, CredentialOf(context),
      [&call, &method](const auth::Principal& now) { return CheckCaller(call, method, now); });
}

}  // namespace innkeeper::rpc
