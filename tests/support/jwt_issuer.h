// File: tests/support/jwt_issuer.h
//
// Issues JSON Web Tokens, good ones and others.

#ifndef INNKEEPER_TESTS_SUPPORT_JWT_ISSUER_H_
#define INNKEEPER_TESTS_SUPPORT_JWT_ISSUER_H_

#include <openssl/types.h>

#include <cstddef>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/string_view.h"

namespace innkeeper {

// Has a new key of its own. Thread-safe.
class JwtIssuer {
 public:
  // `algorithm` is "EdDSA", "ES256" or "RS256"; `rsa_bits` is for the latter.
  JwtIssuer(std::string key_id, std::string algorithm, size_t rsa_bits = 2048);

  // The public key, as a JSON Web Key.
  nlohmann::json PublicKey() const;

  // A token with the header {"alg", "kid"} and these claims.
  std::string Token(const nlohmann::json& claims) const;

  // As above, with another header, or whatever text in the place of either.
  std::string Token(const nlohmann::json& header, const nlohmann::json& claims) const;
  std::string TokenOf(absl::string_view header, absl::string_view claims) const;

  // The header of Token(claims).
  nlohmann::json Header() const { return {{"alg", algorithm_}, {"kid", key_id_}}; }

 private:
  std::string Sign(const std::string& text) const;

  const std::string key_id_;
  const std::string algorithm_;
  const size_t rsa_bits_;
  const std::shared_ptr<EVP_PKEY> key_;
};

// The text of a JSON Web Key Set.
std::string KeySet(const nlohmann::json& keys);

}  // namespace innkeeper

#endif  // INNKEEPER_TESTS_SUPPORT_JWT_ISSUER_H_
