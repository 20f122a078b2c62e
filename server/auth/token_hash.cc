#include "server/auth/token_hash.h"

#include <glog/logging.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"

namespace innkeeper::auth {
namespace {

// Looked up once: OpenSSL 3 would do it again for every hash.
const EVP_MD* Sha256() {
  static const EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return sha256;
}

}  // namespace

TokenHash HashOf(absl::string_view bytes) {
  TokenHash hash;
  CHECK_EQ(EVP_Digest(bytes.data(), bytes.size(), hash.data(), nullptr, Sha256(), nullptr), 1)
      << "OpenSSL has no SHA-256";
  return hash;
}

std::optional<TokenHash> ParseTokenHash(absl::string_view text) {
  TokenHash hash;
  if (text.size() != 2 * hash.size() ||
      !std::all_of(text.begin(), text.end(), absl::ascii_isxdigit)) {
    return std::nullopt;
  }
  const std::string bytes = absl::HexStringToBytes(text);
  std::copy(bytes.begin(), bytes.end(), hash.begin());
  return hash;
}

bool EqualInConstantTime(const TokenHash& a, const TokenHash& b) {
  return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace innkeeper::auth
