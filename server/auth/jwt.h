// File: server/auth/jwt.h
//
// JSON Web Tokens (RFC 7519) as others issue them for callers of Innkeeper.

#ifndef INNKEEPER_SERVER_AUTH_JWT_H_
#define INNKEEPER_SERVER_AUTH_JWT_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/auth/jwt_key.h"

namespace innkeeper::auth {

// What a token must say.
struct JwtExpectations {
  std::string issuer;    // its `iss`
  std::string audience;  // in its `aud`
};

// What a good token says.
struct JwtIdentity {
  std::string subject;     // its `sub`: whom it stands for
  absl::Time expire_time;  // its `exp`
};

// The clocks of issuer and server may differ by this much.
inline constexpr absl::Duration kJwtLeeway = absl::Seconds(30);

// True if the text has the three parts of a token.
bool HasJwtForm(absl::string_view text);

// Returns whom the token stands for at `now`. Nothing unless it is signed, in compact form,
// by one of `keys`, which it names, with the algorithm of that key; is of the issuer, for
// the audience; has a subject and a time at which it expires; and that has not come yet,
// nor is `nbf` to come, but for kJwtLeeway. A token with critical extensions, or in which a
// key comes twice, is refused. Pure.
std::optional<JwtIdentity> VerifyJwt(absl::string_view token, const JwtKeys& keys,
                                     const JwtExpectations& expectations, absl::Time now);

}  // namespace innkeeper::auth

#endif  // INNKEEPER_SERVER_AUTH_JWT_H_
