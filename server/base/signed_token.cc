#include "server/base/signed_token.h"

#include <glog/logging.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace innkeeper {
namespace {

constexpr size_t kMacBytes = 16;

}  // namespace

TokenSigner::TokenSigner(std::string key) : key_(std::move(key)) {}

std::string TokenSigner::Sign(absl::string_view purpose, absl::string_view payload) const {
  return absl::WebSafeBase64Escape(absl::StrCat(Mac(purpose, payload), payload));
}

std::optional<std::string> TokenSigner::Verify(absl::string_view purpose,
                                               absl::string_view token) const {
  std::string bytes;
  if (!absl::WebSafeBase64Unescape(token, &bytes) || bytes.size() < kMacBytes) return std::nullopt;
  std::string payload = bytes.substr(kMacBytes);
  if (CRYPTO_memcmp(bytes.data(), Mac(purpose, payload).data(), kMacBytes) != 0) {
    return std::nullopt;
  }
  return payload;
}

std::string TokenSigner::Mac(absl::string_view purpose, absl::string_view payload) const {
  const std::string text = absl::StrCat(purpose, absl::string_view("\0", 1), payload);
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  CHECK(HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
             reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac, &size));
  return std::string(reinterpret_cast<const char*>(mac), kMacBytes);
}

}  // namespace innkeeper
