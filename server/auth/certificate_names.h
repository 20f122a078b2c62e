// File: server/auth/certificate_names.h
//
// The names in certificates by which callers are known.

#ifndef INNKEEPER_SERVER_AUTH_CERTIFICATE_NAMES_H_
#define INNKEEPER_SERVER_AUTH_CERTIFICATE_NAMES_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace innkeeper::auth {

// Names of either kind; one kind never stands for the other. DNS names are in lower case.
struct CertificateNames {
  std::vector<std::string> spiffe_ids;
  std::vector<std::string> dns_names;

  bool empty() const { return spiffe_ids.empty() && dns_names.empty(); }
};

// True if `text` is the SPIFFE id of a workload: spiffe://TRUST-DOMAIN/PATH, at most 2,048
// bytes, with the characters that the SPIFFE-ID standard (section 2) allows. Pure.
bool IsSpiffeId(absl::string_view text);

// True if `text` is a DNS name in lower case, without a dot at its end and without
// wildcards, at most 253 bytes. Pure.
bool IsDnsName(absl::string_view text);

}  // namespace innkeeper::auth

#endif  // INNKEEPER_SERVER_AUTH_CERTIFICATE_NAMES_H_
