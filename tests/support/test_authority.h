// File: tests/support/test_authority.h
//
// Certificates made for a test.

#ifndef INNKEEPER_TESTS_SUPPORT_TEST_AUTHORITY_H_
#define INNKEEPER_TESTS_SUPPORT_TEST_AUTHORITY_H_

#include <openssl/types.h>

#include <memory>
#include <string>

namespace innkeeper {

// A certificate and its key, PEM.
struct TestCertificate {
  std::string certificate;
  std::string key;
};

// A certificate authority with a new key of its own. Thread-safe.
class TestAuthority {
 public:
  TestAuthority();

  // The authority's own certificate, PEM.
  const std::string& certificate() const { return certificate_; }

  // A new certificate, of a new key, good for an hour. `alternative_names` are written as for
  // OpenSSL, "DNS:a.example,URI:spiffe://example.org/a,IP:127.0.0.1"; none if empty.
  TestCertificate Issue(const std::string& alternative_names,
                        const std::string& common_name = "test") const;

 private:
  const std::shared_ptr<EVP_PKEY> key_;
  const std::shared_ptr<X509> own_;
  const std::string certificate_;
};

}  // namespace innkeeper

#endif  // INNKEEPER_TESTS_SUPPORT_TEST_AUTHORITY_H_
