#include "tests/support/jwt_issuer.h"

#include <glog/logging.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace innkeeper {
namespace {

std::shared_ptr<EVP_PKEY> NewKey(const std::string& algorithm, size_t rsa_bits) {
  EVP_PKEY* key = nullptr;
  if (algorithm == "EdDSA") key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  if (algorithm == "ES256") key = EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
  if (algorithm == "RS256") key = EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", rsa_bits);
  CHECK(key != nullptr) << algorithm;
  return {key, EVP_PKEY_free};
}

std::string Encode(absl::string_view bytes) { return absl::WebSafeBase64Escape(bytes); }

std::string BytesOf(const BIGNUM* number, size_t size) {
  std::string bytes(size, '\0');
  CHECK_EQ(BN_bn2binpad(number, reinterpret_cast<uint8_t*>(bytes.data()), static_cast<int>(size)),
           static_cast<int>(size));
  return bytes;
}

std::string NumberOf(const EVP_PKEY* key, const char* name, size_t size) {
  BIGNUM* number = nullptr;
  CHECK_EQ(EVP_PKEY_get_bn_param(key, name, &number), 1);
  std::string bytes = BytesOf(number, size);
  BN_free(number);
  return Encode(bytes);
}

// The two numbers of a signature in DER, one behind the other.
std::string FromDer(const std::string& der) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(der.data());
  ECDSA_SIG* signature = d2i_ECDSA_SIG(nullptr, &bytes, static_cast<long>(der.size()));
  CHECK(signature != nullptr);
  std::string numbers = absl::StrCat(BytesOf(ECDSA_SIG_get0_r(signature), 32),
                                     BytesOf(ECDSA_SIG_get0_s(signature), 32));
  ECDSA_SIG_free(signature);
  return numbers;
}

}  // namespace

JwtIssuer::JwtIssuer(std::string key_id, std::string algorithm, size_t rsa_bits)
    : key_id_(std::move(key_id)),
      algorithm_(std::move(algorithm)),
      rsa_bits_(rsa_bits),
      key_(NewKey(algorithm_, rsa_bits_)) {}

nlohmann::json JwtIssuer::PublicKey() const {
  nlohmann::json key = {{"kid", key_id_}, {"alg", algorithm_}, {"use", "sig"}};
  if (algorithm_ == "EdDSA") {
    std::string x(32, '\0');
    size_t size = x.size();
    CHECK_EQ(EVP_PKEY_get_raw_public_key(key_.get(), reinterpret_cast<uint8_t*>(x.data()), &size),
             1);
    key.update({{"kty", "OKP"}, {"crv", "Ed25519"}, {"x", Encode(x)}});
  } else if (algorithm_ == "ES256") {
    key.update({{"kty", "EC"},
                {"crv", "P-256"},
                {"x", NumberOf(key_.get(), OSSL_PKEY_PARAM_EC_PUB_X, 32)},
                {"y", NumberOf(key_.get(), OSSL_PKEY_PARAM_EC_PUB_Y, 32)}});
  } else {
    key.update({{"kty", "RSA"},
                {"n", NumberOf(key_.get(), OSSL_PKEY_PARAM_RSA_N, rsa_bits_ / 8)},
                {"e", NumberOf(key_.get(), OSSL_PKEY_PARAM_RSA_E, 3)}});
  }
  return key;
}

std::string JwtIssuer::Token(const nlohmann::json& claims) const { return Token(Header(), claims); }

std::string JwtIssuer::Token(const nlohmann::json& header, const nlohmann::json& claims) const {
  return TokenOf(header.dump(), claims.dump());
}

std::string JwtIssuer::TokenOf(absl::string_view header, absl::string_view claims) const {
  const std::string text = absl::StrCat(Encode(header), ".", Encode(claims));
  return absl::StrCat(text, ".", Encode(Sign(text)));
}

std::string JwtIssuer::Sign(const std::string& text) const {
  const EVP_MD* const hash = algorithm_ == "EdDSA" ? nullptr : EVP_sha256();
  EVP_MD_CTX* const digest = EVP_MD_CTX_new();
  CHECK_EQ(EVP_DigestSignInit(digest, nullptr, hash, nullptr, key_.get()), 1);
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  size_t size = 0;
  CHECK_EQ(EVP_DigestSign(digest, nullptr, &size, bytes, text.size()), 1);
  std::string signature(size, '\0');
  CHECK_EQ(EVP_DigestSign(digest, reinterpret_cast<uint8_t*>(signature.data()), &size, bytes,
                          text.size()),
           1);
  EVP_MD_CTX_free(digest);
  signature.resize(size);
  return algorithm_ == "ES256" ? FromDer(signature) : signature;
}

std::string KeySet(const nlohmann::json& keys) { return nlohmann::json{{"keys", keys}}.dump(); }

}  // namespace innkeeper
