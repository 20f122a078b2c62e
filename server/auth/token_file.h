// File: server/auth/token_file.h
//
// The file that says who may call: principals, what they are known by, and the roles, users
// and audiences that they have by themselves or through groups. docs/authentication.md
// describes it for operators:
//
//   {"groups": [{"name": "room-makers", "roles": ["create", "upgrade"]}],
//    "principals": [{"name": "calendar",
//                    "token_sha256": ["9f86d081..."],
//                    "certificate_names": ["spiffe://example.org/calendar"],
//                    "groups": ["room-makers"],
//                    "users": ["@calendar:example.org", "@room-*:example.org"],
//                    "audiences": ["tenant-7"]}]}

#ifndef INNKEEPER_SERVER_AUTH_TOKEN_FILE_H_
#define INNKEEPER_SERVER_AUTH_TOKEN_FILE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/auth/certificate_names.h"
#include "server/auth/principal.h"
#include "server/auth/token_hash.h"

namespace innkeeper::auth {

// A principal, with what its groups give it, and what stands for it, at least one thing.
struct TokenFileEntry {
  Principal principal;
  std::vector<TokenHash> token_hashes;
  std::vector<std::string> jwt_subjects;  // the `sub` of JSON Web Tokens
  CertificateNames certificate_names;
};

// Reads the text of a token file. INVALID_ARGUMENT if it is not JSON or has anything in it
// that the format does not know, an unknown role or group, a malformed or empty value, or a
// key, name, hash, subject or certificate name twice. The message names every wrong place
// ("principals[2].roles[0]") but never quotes the file: a misplaced token must not get into
// a log. Pure.
absl::StatusOr<std::vector<TokenFileEntry>> ParseTokenFile(absl::string_view text);

}  // namespace innkeeper::auth

#endif  // INNKEEPER_SERVER_AUTH_TOKEN_FILE_H_
