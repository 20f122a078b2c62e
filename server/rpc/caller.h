// File: server/rpc/caller.h
//
// For whom a caller may act and read.

#ifndef INNKEEPER_SERVER_RPC_CALLER_H_
#define INNKEEPER_SERVER_RPC_CALLER_H_

#include <string>

#include "absl/status/status.h"
#include "server/rpc/call.h"

namespace innkeeper::rpc {

// OK if the caller may act for `user_id`; else USER_NOT_ALLOWED. A missing one is for
// the checks of the request to complain of.
absl::Status MayActFor(const Call& call, const std::string& user_id);

// OK if the caller may see rooms of `audience`, or the request names none; else
// AUDIENCE_NOT_ALLOWED.
absl::Status MayUseAudience(const Call& call, const std::string& audience);

// OK if the caller may read as `requester`, or with none everything.
absl::Status MayReadAs(const Call& call, const std::string& requester);

}  // namespace innkeeper::rpc

#endif  // INNKEEPER_SERVER_RPC_CALLER_H_
