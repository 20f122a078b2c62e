#include "server/base/numbered_token.h"

#include <glog/logging.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <bit>
#include <cstring>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace innkeeper {
namespace {

constexpr size_t kBlockBytes = 16;
constexpr size_t kNumberBytes = 8;

// What stands before the context. Base64 turns three bytes into four characters, so that it
// is the same characters whatever comes behind it.
constexpr size_t kHeadBytes = kBlockBytes + kNumberBytes;
static_assert(kHeadBytes % 3 == 0);
constexpr size_t kEscapedHeadBytes = kHeadBytes / 3 * 4;

std::unique_ptr<EVP_CIPHER_CTX, void (*)(EVP_CIPHER_CTX*)> NewCipher(absl::string_view key) {
  std::unique_ptr<EVP_CIPHER_CTX, void (*)(EVP_CIPHER_CTX*)> cipher(EVP_CIPHER_CTX_new(),
                                                                    EVP_CIPHER_CTX_free);
  CHECK(cipher != nullptr);
  CHECK(EVP_EncryptInit_ex(cipher.get(), EVP_aes_128_ecb(), nullptr,
                           reinterpret_cast<const unsigned char*>(key.data()), nullptr));
  CHECK(EVP_CIPHER_CTX_set_padding(cipher.get(), 0));
  return cipher;
}

void WriteNumber(uint64_t number, char* bytes) {
  static_assert(sizeof(number) == kNumberBytes);
  if constexpr (std::endian::native == std::endian::little) number = __builtin_bswap64(number);
  std::memcpy(bytes, &number, kNumberBytes);
}

uint64_t ReadNumber(absl::string_view bytes) {
  uint64_t number = 0;
  for (char byte : bytes) number = number << 8 | static_cast<unsigned char>(byte);
  return number;
}

}  // namespace

NumberedTokens::NumberedTokens(const TokenSigner& signer, absl::string_view purpose,
                               absl::string_view context)
    : escaped_context_(absl::WebSafeBase64Escape(context)),
      cipher_(NewCipher(signer.Mac(absl::StrCat(purpose, " key"), context))) {}

std::string NumberedTokens::Sign(absl::Span<const uint64_t> numbers) {
  std::string blocks(numbers.size() * kBlockBytes, '\0');
  for (size_t i = 0; i < numbers.size(); ++i) {
    WriteNumber(numbers[i], &blocks[(i + 1) * kBlockBytes - kNumberBytes]);
  }
  int size = 0;
  auto* const bytes = reinterpret_cast<unsigned char*>(blocks.data());
  CHECK(EVP_EncryptUpdate(cipher_.get(), bytes, &size, bytes, static_cast<int>(blocks.size())));
  CHECK_EQ(static_cast<size_t>(size), blocks.size());

  std::string heads(numbers.size() * kHeadBytes, '\0');
  for (size_t i = 0; i < numbers.size(); ++i) {
    char* const head = &heads[i * kHeadBytes];
    std::memcpy(head, &blocks[i * kBlockBytes], kBlockBytes);
    WriteNumber(numbers[i], head + kBlockBytes);
  }
  const std::string escaped_heads = absl::WebSafeBase64Escape(heads);
  std::string tokens;
  tokens.reserve(numbers.size() * (kEscapedHeadBytes + escaped_context_.size()));
  for (size_t i = 0; i < numbers.size(); ++i) {
    tokens.append(escaped_heads, i * kEscapedHeadBytes, kEscapedHeadBytes);
    tokens.append(escaped_context_);
  }
  return tokens;
}

std::optional<NumberedToken> VerifyNumberedToken(const TokenSigner& signer,
                                                 absl::string_view purpose,
                                                 absl::string_view token) {
  std::string bytes;
  if (!absl::WebSafeBase64Unescape(token, &bytes) || bytes.size() < kBlockBytes + kNumberBytes) {
    return std::nullopt;
  }
  NumberedToken said{ReadNumber(absl::string_view(bytes).substr(kBlockBytes, kNumberBytes)),
                     bytes.substr(kBlockBytes + kNumberBytes)};
  const std::string right = NumberedTokens(signer, purpose, said.context).Sign({said.number});
  if (right.size() != token.size() ||
      CRYPTO_memcmp(right.data(), token.data(), token.size()) != 0) {
    return std::nullopt;
  }
  return said;
}

}  // namespace innkeeper
