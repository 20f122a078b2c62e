// File: server/auth/access.h
//
// The checks at the head of every call. Pure functions.

#ifndef INNKEEPER_SERVER_AUTH_ACCESS_H_
#define INNKEEPER_SERVER_AUTH_ACCESS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/auth/principal.h"

namespace innkeeper::auth {

// OK if the principal has the role, else PERMISSION_DENIED with reason
// ROLE_MISSING and the metadata `role`.
absl::Status RequireRole(const Principal& principal, Role role);

// OK if the principal may act for the user, else PERMISSION_DENIED with reason
// USER_NOT_ALLOWED and the metadata `user`. `user_id` may be any text; one that
// is too long for an id is named "" in the metadata.
absl::Status RequireUser(const Principal& principal, absl::string_view user_id);

// OK if the principal may see the audience, else PERMISSION_DENIED with reason
// AUDIENCE_NOT_ALLOWED and the metadata `audience`. `audience` may be any text; one that
// is too long for an audience is named "" in the metadata.
absl::Status RequireAudience(const Principal& principal, absl::string_view audience);

}  // namespace innkeeper::auth

#endif  // INNKEEPER_SERVER_AUTH_ACCESS_H_
