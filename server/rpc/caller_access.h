// File: server/rpc/caller_access.h
//
// What the caller of a stream may see, as the token file has it at any time.

#ifndef INNKEEPER_SERVER_RPC_CALLER_ACCESS_H_
#define INNKEEPER_SERVER_RPC_CALLER_ACCESS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/auth/authenticator.h"
#include "server/auth/principal.h"
#include "server/base/audience.h"
#include "server/feed/stream_access.h"

namespace innkeeper::rpc {

// Authenticates the caller again whenever the authenticator's credentials have changed.
// Keeps no token. For one thread at a time.
class CallerAccess final : public feed::StreamAccess {
 public:
  // `roles` are those that the reader needs, all of them. `authenticator` must outlive
  // the object.
  CallerAccess(const auth::Authenticator& authenticator, auth::Authenticator::Credential credential,
               std::vector<auth::Role> roles)
      : authenticator_(authenticator), credential_(credential), roles_(std::move(roles)) {}

  // Errors: CREDENTIALS_INVALID, ROLE_MISSING.
  absl::StatusOr<bool> Refresh() override;

  const AudienceScope& scope() const override { return principal_->audiences(); }

  // In full for who delivers invites.
  feed::EventDetail detail() const override;

  // Error: AUDIENCE_NOT_ALLOWED.
  absl::Status CheckAudience(absl::string_view audience) const override;

 private:
  const auth::Authenticator& authenticator_;
  const auth::Authenticator::Credential credential_;
  const std::vector<auth::Role> roles_;
  std::optional<uint64_t> generation_;                // that `principal_` is of
  std::shared_ptr<const auth::Principal> principal_;  // from the first Refresh() on
};

}  // namespace innkeeper::rpc

#endif  // INNKEEPER_SERVER_RPC_CALLER_ACCESS_H_
