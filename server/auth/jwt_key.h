// File: server/auth/jwt_key.h
//
// Public keys that JSON Web Tokens are signed with, and the files that hold them (JSON Web
// Key Sets, RFC 7517).

#ifndef INNKEEPER_SERVER_AUTH_JWT_KEY_H_
#define INNKEEPER_SERVER_AUTH_JWT_KEY_H_

#include <openssl/types.h>

#include <memory>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace innkeeper::auth {

// How a token is signed (RFC 7518, RFC 8037).
enum class JwtAlgorithm {
  kEdDsa,  // Ed25519
  kEs256,  // ECDSA with P-256 and SHA-256
  kRs256,  // RSASSA-PKCS1-v1_5 with SHA-256
};

// Returns the algorithm that a token or key names: "EdDSA", "ES256" or "RS256".
std::optional<JwtAlgorithm> ParseJwtAlgorithm(absl::string_view name);

// Returns what `text` stands for in base64url without padding (RFC 7515, section 2).
// Nothing if it is not exactly that.
std::optional<std::string> DecodeBase64Url(absl::string_view text);

// A public key, good for one algorithm alone: what a token says of its own algorithm never
// decides how its signature is checked. Thread-safe.
class JwtKey {
 public:
  JwtKey(JwtAlgorithm algorithm, std::shared_ptr<EVP_PKEY> key)
      : algorithm_(algorithm), key_(std::move(key)) {}

  JwtAlgorithm algorithm() const { return algorithm_; }

  // True if `signature` is the key's signature of `text`. Takes some 100 microseconds.
  bool Verifies(absl::string_view text, absl::string_view signature) const;

 private:
  JwtAlgorithm algorithm_;
  std::shared_ptr<EVP_PKEY> key_;
};

// Keys by their ids.
using JwtKeys = absl::flat_hash_map<std::string, JwtKey>;

// Reads the text of a JSON Web Key Set. Keys of kinds that are not used here, and those
// for encryption, are left out. INVALID_ARGUMENT if the text is no such set, if a key has
// no id, or the id of another, is malformed, private or weak (RSA of less than 2,048
// bits), or if none is left. The message names the place ("keys[2].n") but never quotes
// the text. Pure.
absl::StatusOr<JwtKeys> ParseJwtKeys(absl::string_view text);

}  // namespace innkeeper::auth

#endif  // INNKEEPER_SERVER_AUTH_JWT_KEY_H_
