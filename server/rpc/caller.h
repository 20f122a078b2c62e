// File: server/rpc/caller.h
//
// For whom a caller may act and read.

#ifndef INNKEEPER_SERVER_RPC_CALLER_H_
#define INNKEEPER_SERVER_RPC_CALLER_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/auth/principal.h"
#include "server/base/audience.h"
#include "server/rpc/admission.h"

namespace innkeeper::rpc {

// OK if the caller may act for `user_id`; else USER_NOT_ALLOWED. A missing one is for
// the checks of the request to complain of.
absl::Status MayActFor(const Call& call, const std::string& user_id);

// OK if the caller may see rooms of `audience`, or the request names none; else
// AUDIENCE_NOT_ALLOWED.
absl::Status MayUseAudience(const Call& call, const std::string& audience);

// What the caller may read as `requester`, if it may at all. With none it needs the role
// `read-all`, and gets the audiences that it is kept to; a requester sees rooms as their
// member, and none for its audience. The readers of rooms demand it.
absl::StatusOr<AudienceScope> MayReadAs(const auth::Principal& caller,
                                        const std::string& requester);
inline absl::StatusOr<AudienceScope> MayReadAs(const Call& call, const std::string& requester) {
  return MayReadAs(*call.principal, requester);
}

}  // namespace innkeeper::rpc

#endif  // INNKEEPER_SERVER_RPC_CALLER_H_
