#include "server/tls_files.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cstddef>
#include <ctime>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/auth/guarded_file.h"
#include "server/base/file.h"

namespace innkeeper {
namespace {

constexpr size_t kMaxPemBytes = size_t{1} << 20;

template <auto release>
struct Free {
  template <typename Object>
  void operator()(Object* object) const {
    release(object);
  }
};
using BioPtr = std::unique_ptr<BIO, Free<BIO_free>>;
using CertificatePtr = std::unique_ptr<X509, Free<X509_free>>;
using ContextPtr = std::unique_ptr<SSL_CTX, Free<SSL_CTX_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;

absl::Status WithOption(absl::string_view option, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(option, ": ", status.message()));
}

absl::Status Wrong(absl::string_view option, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(option, ": ", what));
}

absl::StatusOr<std::string> ReadPem(absl::string_view option, const std::string& path) {
  absl::StatusOr<FileContents> file = ReadFile(path, kMaxPemBytes);
  if (!file.ok()) return WithOption(option, file.status());
  return std::move(file->bytes);
}

BioPtr Open(const std::string& pem) {
  return BioPtr(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

// The certificates in `pem`; none if one of them is malformed.
std::vector<CertificatePtr> CertificatesIn(const std::string& pem) {
  ERR_clear_error();
  std::vector<CertificatePtr> certificates;
  const BioPtr text = Open(pem);
  while (X509* certificate = PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr)) {
    certificates.emplace_back(certificate);
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!at_end) certificates.clear();
  return certificates;
}

// The key in `pem`, if it is one that needs no passphrase.
KeyPtr KeyIn(const std::string& pem) {
  const auto no_passphrase = [](char*, int, int, void*) { return 0; };
  KeyPtr key(PEM_read_bio_PrivateKey(Open(pem).get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  return key;
}

}  // namespace

absl::StatusOr<TlsFiles> ReadTlsFiles(const ServerConfig& config) {
  TlsFiles files;
  auto certificate = ReadPem("tls_certificate_file", config.tls_certificate_file);
  if (!certificate.ok()) return certificate.status();
  files.certificate_chain = *std::move(certificate);
  auto key = ReadPem("tls_key_file", config.tls_key_file);
  if (!key.ok()) return key.status();
  files.private_key = Redacted(*std::move(key));
  if (config.tls_client_ca_file.empty()) return files;
  auto authorities = auth::ReadGuardedFile(config.tls_client_ca_file);
  if (!authorities.ok()) return WithOption("tls_client_ca_file", authorities.status());
  if (authorities->empty()) return Wrong("tls_client_ca_file", "is empty");
  files.client_authorities = *std::move(authorities);
  return files;
}

absl::Status CheckTlsFiles(const TlsFiles& files) {
  const std::vector<CertificatePtr> chain = CertificatesIn(files.certificate_chain);
  if (chain.empty()) return Wrong("tls_certificate_file", "has no certificates in PEM");
  const KeyPtr key = KeyIn(files.private_key.Expose());
  if (key == nullptr) {
    return Wrong("tls_key_file", "has no private key in PEM that needs no passphrase");
  }
  // gRPC asks the same library: a key may be too short for it.
  const ContextPtr context(SSL_CTX_new(TLS_server_method()));
  const bool is_strong = SSL_CTX_use_certificate(context.get(), chain.front().get()) == 1;
  const bool belongs = X509_check_private_key(chain.front().get(), key.get()) == 1;
  const bool is_usable = SSL_CTX_use_PrivateKey(context.get(), key.get()) == 1;
  ERR_clear_error();
  if (!is_strong) {
    return Wrong("tls_certificate_file", "the first certificate is too weak for TLS");
  }
  if (!belongs) return Wrong("tls_key_file", "is not the key of the first certificate");
  if (!is_usable) return Wrong("tls_key_file", "is a key that TLS has no use for");
  if (!files.client_authorities.empty() && CertificatesIn(files.client_authorities).empty()) {
    return Wrong("tls_client_ca_file", "has no certificates in PEM");
  }
  return absl::OkStatus();
}

auth::TokenHash HashOf(const TlsFiles& files) {
  std::string hashes;
  for (const std::string* text :
       {&files.certificate_chain, &files.private_key.Expose(), &files.client_authorities}) {
    const auth::TokenHash hash = auth::HashOf(*text);
    hashes.append(hash.begin(), hash.end());
  }
  return auth::HashOf(hashes);
}

std::string ExpiryOf(const TlsFiles& files) {
  const std::vector<CertificatePtr> chain = CertificatesIn(files.certificate_chain);
  std::tm expiry = {};
  if (chain.empty() || ASN1_TIME_to_tm(X509_get0_notAfter(chain.front().get()), &expiry) != 1) {
    return "";
  }
  return absl::FormatTime("%Y-%m-%d%ET%H:%M:%SZ", absl::FromTM(expiry, absl::UTCTimeZone()),
                          absl::UTCTimeZone());
}

}  // namespace innkeeper
