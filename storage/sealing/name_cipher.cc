#include "storage/sealing/name_cipher.h"

#include <glog/logging.h>
#include <openssl/crypto.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/keys.h"
#include "storage/sealing/bytes.h"

namespace innkeeper::storage {
namespace {

constexpr size_t kHalfKeyBytes = NameCipher::kKeyBytes / 2;
constexpr size_t kStartBytes = 16;  // of a hidden name

using OwnedCipher = ContextPool<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>::Owned;

OwnedCipher NewCipher(const Secret& key) {
  CHECK_EQ(key.size(), NameCipher::kKeyBytes);
  OwnedCipher context(EVP_CIPHER_CTX_new());
  CHECK_EQ(EVP_EncryptInit_ex(context.get(), EVP_aes_256_ctr(), nullptr, key.data() + kHalfKeyBytes,
                              nullptr),
           1);
  return context;
}

EVP_CIPHER_CTX* CopyCipher(const EVP_CIPHER_CTX* context) {
  EVP_CIPHER_CTX* copy = EVP_CIPHER_CTX_new();
  CHECK_EQ(EVP_CIPHER_CTX_copy(copy, context), 1);
  return copy;
}

// Whether `key` ends like a bound that PrefixEnd() made of a prefix that ends with a
// component; a number may end like that, too.
bool EndsLikeAPrefixEnd(absl::string_view key) {
  return key.size() >= 2 && key[key.size() - 2] == '\0' && key.back() == '\x02';
}

}  // namespace

NameCipher::NameCipher(const Secret& key)
    : hmac_(key.Expose().substr(0, kHalfKeyBytes)), ciphers_(NewCipher(key), CopyCipher) {}

std::string NameCipher::SealKey(absl::string_view key) const {
  if (key.empty() || !HasPrivateComponents(static_cast<Table>(key[0]))) return std::string(key);
  if (EndsLikeAPrefixEnd(key)) {
    std::string inside(key);
    inside.back() = '\x01';
    std::string sealed = SealKey(inside);
    sealed.back() = '\x02';
    return sealed;
  }
  const auto table = static_cast<Table>(key[0]);
  KeyBuilder sealed(table);
  KeyReader reader(key);
  for (const Component component : ComponentsOf(table)) {
    if (component == Component::kPrivate) {
      const std::optional<std::string> name = reader.Str();
      if (!name) break;
      sealed.Str(SealName(key[0], *name));
    } else {
      const auto as_it_stands = reader.Raw(component == Component::kNumber);
      if (!as_it_stands) break;
      sealed.Raw(*as_it_stands);
    }
  }
  return absl::StrCat(sealed.Build(), reader.rest());
}

std::optional<std::string> NameCipher::OpenKey(absl::string_view sealed) const {
  if (sealed.empty()) return std::nullopt;
  const auto table = static_cast<Table>(sealed[0]);
  if (!HasPrivateComponents(table)) return std::string(sealed);
  KeyBuilder key(table);
  KeyReader reader(sealed);
  for (const Component component : ComponentsOf(table)) {
    if (component == Component::kPrivate) {
      std::optional<std::string> name = reader.Str();
      if (name) name = OpenName(sealed[0], *name);
      if (!name) return std::nullopt;
      key.Str(*name);
    } else {
      const auto as_it_stands = reader.Raw(component == Component::kNumber);
      if (!as_it_stands) return std::nullopt;
      key.Raw(*as_it_stands);
    }
  }
  if (!reader.rest().empty()) return std::nullopt;
  return key.Build();
}

std::string NameCipher::SealName(char domain, absl::string_view name) const {
  if (name.empty()) return std::string();
  std::string sealed = Mac(domain, name);
  sealed.resize(kStartBytes + name.size());
  Crypt(absl::string_view(sealed).substr(0, kStartBytes), name, sealed.data() + kStartBytes);
  return sealed;
}

std::optional<std::string> NameCipher::OpenName(char domain, absl::string_view sealed) const {
  if (sealed.empty()) return std::string();
  if (sealed.size() <= kStartBytes) return std::nullopt;
  const absl::string_view start = sealed.substr(0, kStartBytes);
  sealed.remove_prefix(kStartBytes);
  std::string name(sealed.size(), '\0');
  Crypt(start, sealed, name.data());
  if (CRYPTO_memcmp(Mac(domain, name).data(), start.data(), kStartBytes) != 0) return std::nullopt;
  return name;
}

std::string NameCipher::Mac(char domain, absl::string_view name) const {
  std::string mac(HmacSha256::kBytes, '\0');
  hmac_.Compute({&domain, 1}, name, reinterpret_cast<uint8_t*>(mac.data()));
  return mac;
}

void NameCipher::Crypt(absl::string_view start, absl::string_view text, char* out) const {
  const Ciphers::Lease context = ciphers_.Take();
  int length = 0;
  CHECK_EQ(EVP_EncryptInit_ex(context.get(), nullptr, nullptr, nullptr, Bytes(start)), 1);
  CHECK_EQ(EVP_EncryptUpdate(context.get(), reinterpret_cast<uint8_t*>(out), &length, Bytes(text),
                             static_cast<int>(text.size())),
           1);
}

}  // namespace innkeeper::storage
