// File: server/auth/authenticator.h
//
// Finds out who calls.

#ifndef INNKEEPER_SERVER_AUTH_AUTHENTICATOR_H_
#define INNKEEPER_SERVER_AUTH_AUTHENTICATOR_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/auth/certificate_names.h"
#include "server/auth/followed_file.h"
#include "server/auth/jwt_verifier.h"
#include "server/auth/policy.h"
#include "server/auth/principal.h"
#include "server/auth/token_hash.h"
#include "server/base/clock.h"
#include "server/base/redacted.h"

namespace innkeeper::auth {

// Knows the principals of a token file (server/auth/token_file.h) by what they bring:
// tokens of their own, JSON Web Tokens, or certificates. Who brings nothing that it knows is
// nobody. Follows the files when they change. Thread-safe.
class Authenticator {
 public:
  // Longer tokens are not looked at.
  static constexpr size_t kMaxTokenBytes = 4096;

  struct Options {
    std::string tokens_file;
    std::optional<JwtVerifier::Options> jwt;  // not set: no JSON Web Token is good
  };

  // Reads the files. The errors of ReadGuardedFile, ParseTokenFile and ParseJwtKeys; the
  // message starts with the path.
  static absl::StatusOr<std::unique_ptr<Authenticator>> Create(Options options,
                                                               Clock clock = SystemClock());

  // Returns the principal that the value of the metadata `authorization`
  // ("Bearer TOKEN", RFC 6750) stands for; "" if there was none. UNAUTHENTICATED with
  // reason CREDENTIALS_INVALID, the same whatever is wrong. Does no I/O. Takes about a
  // microsecond; a JSON Web Token that it has not seen yet some 100.
  //
  // What it returns holds for the moment. Who works for a caller for long, such
  // as a stream, asks again when generation() has changed: a token may be revoked or
  // expire, and roles may change.
  absl::StatusOr<std::shared_ptr<const Principal>> Authenticate(
      absl::string_view authorization) const;

  // The same for who brings no such metadata but, on its connection, a certificate that
  // was verified and has these names.
  absl::StatusOr<std::shared_ptr<const Principal>> Authenticate(
      const CertificateNames& certificate) const;

  // What to keep of what a caller brought, to ask again. With the hash of a token of our
  // own nobody can call; a JSON Web Token has to be kept as it is.
  struct Credential {
    std::optional<TokenHash> token_hash;  // none if there is no token
    Redacted jwt;                         // the token, if it has the form of one
    CertificateNames certificate;         // those that count: none beside a token
  };
  static Credential CredentialOf(absl::string_view authorization);
  absl::StatusOr<std::shared_ptr<const Principal>> Authenticate(const Credential& credential) const;

  // Changes whenever what Authenticate() returns may have: right after each change of a
  // file, and where there are JSON Web Tokens, which expire, with every ReloadIfChanged().
  // Cheap.
  uint64_t generation() const { return generation_.load(std::memory_order_acquire); }

  // Puts the files in force as far as they have changed and are right. Returns OK if what
  // is in force is what they say, else why not. To be called every second or so, from a
  // thread that may do I/O; reading a file of a hundred principals takes some
  // microseconds.
  absl::Status ReloadIfChanged();

 private:
  Authenticator(Options options, Clock clock);

  absl::StatusOr<std::shared_ptr<const Principal>> Identify(const TokenHash& hash,
                                                            absl::string_view jwt) const;

  FollowedFile<Policy> policy_;
  const std::unique_ptr<JwtVerifier> jwt_verifier_;  // may be nullptr
  std::atomic<uint64_t> generation_ = 0;
};

}  // namespace innkeeper::auth

#endif  // INNKEEPER_SERVER_AUTH_AUTHENTICATOR_H_
