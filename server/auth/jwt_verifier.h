// File: server/auth/jwt_verifier.h
//
// Tells whom JSON Web Tokens stand for, with the keys of a file.

#ifndef INNKEEPER_SERVER_AUTH_JWT_VERIFIER_H_
#define INNKEEPER_SERVER_AUTH_JWT_VERIFIER_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "server/auth/followed_file.h"
#include "server/auth/jwt.h"
#include "server/auth/jwt_key.h"
#include "server/auth/token_hash.h"
#include "server/base/clock.h"

namespace innkeeper::auth {

// Remembers the tokens that it found good, until they expire or the keys change, so that
// a signature is checked once and not with every call. Thread-safe.
class JwtVerifier {
 public:
  struct Options {
    std::string keys_file;  // a JSON Web Key Set
    JwtExpectations expectations;
    size_t max_remembered = 10'000;  // tokens
  };

  // Call ReloadIfChanged before anything else.
  JwtVerifier(Options options, Clock clock);

  // Returns the subject of a good token (see VerifyJwt); nothing of any other.
  // `hash` is the token's.
  std::optional<std::string> SubjectOf(absl::string_view token, const TokenHash& hash);

  // As FollowedFile's, for the file with the keys.
  absl::Status ReloadIfChanged() { return keys_.ReloadIfChanged(); }

 private:
  std::optional<std::string> Recall(const std::shared_ptr<const JwtKeys>& keys,
                                    const TokenHash& hash, absl::Time now);
  void Remember(const std::shared_ptr<const JwtKeys>& keys, const TokenHash& hash,
                const JwtIdentity& identity, absl::Time now);

  const Options options_;
  const Clock clock_;
  FollowedFile<JwtKeys> keys_;

  absl::Mutex mutex_;
  // The keys that the remembered tokens were checked with.
  std::shared_ptr<const JwtKeys> remembered_for_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<TokenHash, JwtIdentity> remembered_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace innkeeper::auth

#endif  // INNKEEPER_SERVER_AUTH_JWT_VERIFIER_H_
