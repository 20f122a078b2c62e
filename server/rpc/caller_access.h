// File: server/rpc/caller_access.h
//
// Who the caller of a stream is and what it may see, as the credentials have it at any time.

#ifndef INNKEEPER_SERVER_RPC_CALLER_ACCESS_H_
#define INNKEEPER_SERVER_RPC_CALLER_ACCESS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "grpcpp/server_context.h"
#include "server/auth/authenticator.h"
#include "server/auth/principal.h"
#include "server/base/audience.h"
#include "server/feed/stream_access.h"
#include "server/rpc/admission.h"

namespace innkeeper::rpc {

// Authenticates the caller again whenever the authenticator's credentials have changed.
// Keeps no token. For one thread at a time.
class CallerAccess final : public feed::StreamAccess {
 public:
  // Tells whether a caller may have the stream. Must not block.
  using Permission = std::function<absl::Status(const auth::Principal& principal)>;

  // `authenticator` must outlive the object.
  CallerAccess(const auth::Authenticator& authenticator, auth::Authenticator::Credential credential,
               Permission permission)
      : authenticator_(authenticator),
        credential_(std::move(credential)),
        permission_(std::move(permission)) {}

  // Errors: CREDENTIALS_INVALID; those of the permission.
  absl::StatusOr<bool> Refresh() override;

  const AudienceScope& scope() const override { return principal_->audiences(); }

  // In full for who delivers invites.
  feed::EventDetail detail() const override;

  // Error: AUDIENCE_NOT_ALLOWED.
  absl::Status CheckAudience(absl::string_view audience) const override;

 private:
  const auth::Authenticator& authenticator_;
  const auth::Authenticator::Credential credential_;
  const Permission permission_;
  std::optional<uint64_t> generation_;                // that `principal_` is of
  std::shared_ptr<const auth::Principal> principal_;  // from the first Refresh() on
};

// The access of who makes `call`, with `context`, as long as that is the same principal and may
// make the call. What is given must outlive it.
std::unique_ptr<CallerAccess> AccessFor(const Call& call, const Method& method,
                                        const CallEnvironment& environment,
                                        const grpc::CallbackServerContext& context);

}  // namespace innkeeper::rpc

#endif  // INNKEEPER_SERVER_RPC_CALLER_ACCESS_H_
