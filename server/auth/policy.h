// File: server/auth/policy.h
//
// Which principal a caller is, by what it has proved.

#ifndef INNKEEPER_SERVER_AUTH_POLICY_H_
#define INNKEEPER_SERVER_AUTH_POLICY_H_

#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "server/auth/certificate_names.h"
#include "server/auth/principal.h"
#include "server/auth/token_file.h"
#include "server/auth/token_hash.h"

namespace innkeeper::auth {

// The principals of a token file. Thread-safe.
class Policy {
 public:
  using PrincipalPtr = std::shared_ptr<const Principal>;

  explicit Policy(std::vector<TokenFileEntry> entries);

  // The principal with a token of this hash, or for which a JSON Web Token with this
  // subject stands; nullptr if there is none.
  PrincipalPtr FindByToken(const TokenHash& hash) const;
  PrincipalPtr FindByJwtSubject(absl::string_view subject) const;

  // The principal that a certificate with these names stands for: the one that has one of
  // them. nullptr if none has, or if several have: who that would be is a guess.
  PrincipalPtr FindByCertificate(const CertificateNames& names) const;

 private:
  // Hashes are evenly spread already.
  struct FirstBytes {
    size_t operator()(const TokenHash& hash) const {
      size_t value;
      std::memcpy(&value, hash.data(), sizeof(value));
      return value;
    }
  };
  struct Equal {
    bool operator()(const TokenHash& a, const TokenHash& b) const {
      return EqualInConstantTime(a, b);
    }
  };

  absl::flat_hash_map<TokenHash, PrincipalPtr, FirstBytes, Equal> by_token_;
  absl::flat_hash_map<std::string, PrincipalPtr> by_jwt_subject_;
  absl::flat_hash_map<std::string, PrincipalPtr> by_spiffe_id_;
  absl::flat_hash_map<std::string, PrincipalPtr> by_dns_name_;
};

}  // namespace innkeeper::auth

#endif  // INNKEEPER_SERVER_AUTH_POLICY_H_
