#include "storage/sealing/aead.h"

#include <glog/logging.h>

#include <algorithm>
#include <array>
#include <cstddef>

namespace innkeeper::storage {
namespace {

using OwnedContext = ContextPool<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>::Owned;

OwnedContext NewContext(const Secret& key, int sealing) {
  CHECK_EQ(key.size(), Aead::kKeyBytes);
  OwnedContext context(EVP_CIPHER_CTX_new());
  CHECK(context != nullptr);
  CHECK_EQ(
      EVP_CipherInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key.data(), nullptr, sealing),
      1);
  return context;
}

EVP_CIPHER_CTX* CopyContext(const EVP_CIPHER_CTX* context) {
  EVP_CIPHER_CTX* copy = EVP_CIPHER_CTX_new();
  CHECK(copy != nullptr);
  CHECK_EQ(EVP_CIPHER_CTX_copy(copy, context), 1);
  return copy;
}

const uint8_t* Bytes(absl::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

// Begins another text.
void Begin(EVP_CIPHER_CTX* context, const Aead::Nonce& nonce, const Aead::Place& place) {
  CHECK_EQ(EVP_CipherInit_ex(context, nullptr, nullptr, nullptr, nonce.data(), -1), 1);
  int length = 0;
  for (const absl::string_view part : {place.first, place.second}) {
    CHECK_EQ(
        EVP_CipherUpdate(context, nullptr, &length, Bytes(part), static_cast<int>(part.size())), 1);
  }
}

}  // namespace

Aead::Aead(const Secret& key)
    : sealing_(NewContext(key, 1), CopyContext), opening_(NewContext(key, 0), CopyContext) {}

void Aead::Seal(const Nonce& nonce, const Place& place, absl::string_view text,
                std::string& out) const {
  const Pool::Lease context = sealing_.Take();
  Begin(context.get(), nonce, place);
  const size_t start = out.size();
  out.resize(start + text.size() + kTagBytes);
  auto* sealed = reinterpret_cast<uint8_t*>(out.data()) + start;
  int length = 0;
  CHECK_EQ(
      EVP_CipherUpdate(context.get(), sealed, &length, Bytes(text), static_cast<int>(text.size())),
      1);
  CHECK_EQ(EVP_CipherFinal_ex(context.get(), sealed + text.size(), &length), 1);
  CHECK_EQ(
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, kTagBytes, sealed + text.size()),
      1);
}

bool Aead::Open(const Nonce& nonce, const Place& place, absl::string_view sealed,
                std::string& out) const {
  out.clear();
  if (sealed.size() < kTagBytes) return false;
  const absl::string_view text = sealed.substr(0, sealed.size() - kTagBytes);
  std::array<char, kTagBytes> tag;
  std::copy(sealed.begin() + static_cast<ptrdiff_t>(text.size()), sealed.end(), tag.begin());
  const Pool::Lease context = opening_.Take();
  Begin(context.get(), nonce, place);
  out.resize(text.size());
  auto* opened = reinterpret_cast<uint8_t*>(out.data());
  int length = 0;
  CHECK_EQ(
      EVP_CipherUpdate(context.get(), opened, &length, Bytes(text), static_cast<int>(text.size())),
      1);
  CHECK_EQ(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag.data()), 1);
  if (EVP_CipherFinal_ex(context.get(), opened + text.size(), &length) == 1) return true;
  out.clear();
  return false;
}

}  // namespace innkeeper::storage
