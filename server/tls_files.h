// File: server/tls_files.h
//
// The files that a server speaks TLS with.

#ifndef INNKEEPER_SERVER_TLS_FILES_H_
#define INNKEEPER_SERVER_TLS_FILES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/auth/token_hash.h"
#include "server/base/redacted.h"
#include "server/config/config.h"

namespace innkeeper {

// Their texts, PEM.
struct TlsFiles {
  std::string certificate_chain;   // the server's certificate comes first
  Redacted private_key;            // of that certificate
  std::string client_authorities;  // empty: clients are not asked for certificates
};

// Reads the files that the configuration names. An error names option and path: one that
// cannot be read, or authorities that others than their owner may write to, who could let
// themselves in.
absl::StatusOr<TlsFiles> ReadTlsFiles(const ServerConfig& config);

// OK if a server can speak TLS with these: there are certificates, a key without a
// passphrase that belongs to the first of them, and authorities if clients have to have any.
// Else INVALID_ARGUMENT; the message names the option and never quotes a file. Whether a
// certificate has expired is not looked at: that is for clients to say. Pure.
absl::Status CheckTlsFiles(const TlsFiles& files);

// A hash that tells contents apart.
auth::TokenHash HashOf(const TlsFiles& files);

// When the server's certificate expires, as "2026-11-27T12:00:00Z"; "" if that cannot be
// read. Pure.
std::string ExpiryOf(const TlsFiles& files);

}  // namespace innkeeper

#endif  // INNKEEPER_SERVER_TLS_FILES_H_
