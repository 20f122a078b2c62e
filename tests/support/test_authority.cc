#include "tests/support/test_authority.h"

#include <glog/logging.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <atomic>

namespace innkeeper {
namespace {

constexpr int kValidSeconds = 3600;

std::shared_ptr<EVP_PKEY> NewKey() { return {EVP_EC_gen("P-256"), EVP_PKEY_free}; }

void AddExtension(X509* certificate, int kind, const std::string& value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str());
  CHECK(extension != nullptr) << value;
  CHECK_EQ(X509_add_ext(certificate, extension, -1), 1);
  X509_EXTENSION_free(extension);
}

// A certificate that is not signed yet.
std::shared_ptr<X509> NewCertificate(const std::string& common_name, EVP_PKEY* key) {
  static std::atomic<int> serial = 1;
  std::shared_ptr<X509> certificate(X509_new(), X509_free);
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kValidSeconds);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), kValidSeconds);
  CHECK_EQ(X509_set_pubkey(certificate.get(), key), 1);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1,
                             0);
  return certificate;
}

void Sign(X509* certificate, X509* issuer, EVP_PKEY* key) {
  CHECK_EQ(X509_set_issuer_name(certificate, X509_get_subject_name(issuer)), 1);
  CHECK_GT(X509_sign(certificate, key, EVP_sha256()), 0);
}

std::shared_ptr<X509> NewAuthority(EVP_PKEY* key) {
  static std::atomic<int> count = 0;
  std::shared_ptr<X509> certificate = NewCertificate("authority " + std::to_string(++count), key);
  AddExtension(certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
  Sign(certificate.get(), certificate.get(), key);
  return certificate;
}

std::string TextIn(BIO* bio) {
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<size_t>(size));
  BIO_free(bio);
  return text;
}

std::string PemOf(X509* certificate) {
  BIO* bio = BIO_new(BIO_s_mem());
  CHECK_EQ(PEM_write_bio_X509(bio, certificate), 1);
  return TextIn(bio);
}

std::string PemOf(EVP_PKEY* key) {
  BIO* bio = BIO_new(BIO_s_mem());
  CHECK_EQ(PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr), 1);
  return TextIn(bio);
}

}  // namespace

TestAuthority::TestAuthority()
    : key_(NewKey()), own_(NewAuthority(key_.get())), certificate_(PemOf(own_.get())) {}

TestCertificate TestAuthority::Issue(const std::string& alternative_names,
                                     const std::string& common_name) const {
  const std::shared_ptr<EVP_PKEY> key = NewKey();
  const std::shared_ptr<X509> certificate = NewCertificate(common_name, key.get());
  if (!alternative_names.empty()) {
    AddExtension(certificate.get(), NID_subject_alt_name, alternative_names);
  }
  Sign(certificate.get(), own_.get(), key_.get());
  return {PemOf(certificate.get()), PemOf(key.get())};
}

}  // namespace innkeeper
