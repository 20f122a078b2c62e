#include "storage/sealing/aead.h"

#include <glog/logging.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>

#include "storage/sealing/bytes.h"

namespace innkeeper::storage {
namespace {

using OwnedContext = ContextPool<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>::Owned;

// A context with the key `key`, or with one to be set for each text if that is null.
OwnedContext NewContext(const Secret* key, int sealing) {
  OwnedContext context(EVP_CIPHER_CTX_new());
  CHECK(context != nullptr);
  CHECK_EQ(EVP_CipherInit_ex(context.get(), EVP_aes_256_gcm(), nullptr,
                             key == nullptr ? nullptr : key->data(), nullptr, sealing),
           1);
  return context;
}

EVP_CIPHER_CTX* CopyContext(const EVP_CIPHER_CTX* context) {
  EVP_CIPHER_CTX* copy = EVP_CIPHER_CTX_new();
  CHECK(copy != nullptr);
  CHECK_EQ(EVP_CIPHER_CTX_copy(copy, context), 1);
  return copy;
}

// Begins another text, with another key if `key` is not null.
void Begin(EVP_CIPHER_CTX* context, const Secret* key, const Aead::Nonce& nonce,
           const Aead::Place& place) {
  const uint8_t* const key_bytes = key == nullptr ? nullptr : key->data();
  CHECK_EQ(EVP_CipherInit_ex(context, nullptr, nullptr, key_bytes, nonce.data(), -1), 1);
  int length = 0;
  for (const absl::string_view part : {place.first, place.second}) {
    CHECK_EQ(
        EVP_CipherUpdate(context, nullptr, &length, Bytes(part), static_cast<int>(part.size())), 1);
  }
}

// Seals a text that was begun.
void SealText(EVP_CIPHER_CTX* context, absl::string_view text, std::string& out) {
  const size_t start = out.size();
  out.resize(start + text.size() + Aead::kTagBytes);
  auto* sealed = reinterpret_cast<uint8_t*>(out.data()) + start;
  int length = 0;
  CHECK_EQ(EVP_CipherUpdate(context, sealed, &length, Bytes(text), static_cast<int>(text.size())),
           1);
  CHECK_EQ(EVP_CipherFinal_ex(context, sealed + text.size(), &length), 1);
  CHECK_EQ(
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Aead::kTagBytes, sealed + text.size()),
      1);
}

// Opens a text that was begun.
bool OpenText(EVP_CIPHER_CTX* context, absl::string_view sealed, std::string& out) {
  const absl::string_view text = sealed.substr(0, sealed.size() - Aead::kTagBytes);
  std::array<char, Aead::kTagBytes> tag;
  std::copy(sealed.begin() + static_cast<ptrdiff_t>(text.size()), sealed.end(), tag.begin());
  out.resize(text.size());  // no matter what is in there, which saves setting it to zero
  auto* opened = reinterpret_cast<uint8_t*>(out.data());
  int length = 0;
  CHECK_EQ(EVP_CipherUpdate(context, opened, &length, Bytes(text), static_cast<int>(text.size())),
           1);
  CHECK_EQ(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Aead::kTagBytes, tag.data()), 1);
  if (EVP_CipherFinal_ex(context, opened + text.size(), &length) == 1) return true;
  out.clear();
  return false;
}

}  // namespace

Aead::Aead(const Secret& key)
    : sealing_(NewContext(&key, 1), CopyContext), opening_(NewContext(&key, 0), CopyContext) {
  CHECK_EQ(key.size(), kKeyBytes);
}

void Aead::Seal(const Nonce& nonce, const Place& place, absl::string_view text,
                std::string& out) const {
  const Pool::Lease context = sealing_.Take();
  Begin(context.get(), /*key=*/nullptr, nonce, place);
  SealText(context.get(), text, out);
}

bool Aead::Open(const Nonce& nonce, const Place& place, absl::string_view sealed,
                std::string& out) const {
  if (sealed.size() < kTagBytes) {
    out.clear();
    return false;
  }
  const Pool::Lease context = opening_.Take();
  Begin(context.get(), /*key=*/nullptr, nonce, place);
  return OpenText(context.get(), sealed, out);
}

ManyKeyAead::ManyKeyAead()
    : sealing_(Pool::Owned(new Context{NewContext(nullptr, 1), std::nullopt}), Copy),
      opening_(Pool::Owned(new Context{NewContext(nullptr, 0), std::nullopt}), Copy) {}

ManyKeyAead::Context* ManyKeyAead::Copy(const Context* context) {
  return new Context{OwnedContext(CopyContext(context->cipher.get())), context->key_name};
}

void ManyKeyAead::Begin(Context& context, const Key& key, const Aead::Nonce& nonce,
                        const Aead::Place& place) {
  const bool is_set = context.key_name == key.name;
  storage::Begin(context.cipher.get(), is_set ? nullptr : &key.secret, nonce, place);
  context.key_name = key.name;
}

void ManyKeyAead::Seal(const Key& key, const Aead::Nonce& nonce, const Aead::Place& place,
                       absl::string_view text, std::string& out) const {
  CHECK_EQ(key.secret.size(), Aead::kKeyBytes);
  const Pool::Lease context = sealing_.Take();
  Begin(*context.get(), key, nonce, place);
  SealText(context.get()->cipher.get(), text, out);
}

bool ManyKeyAead::Open(const Key& key, const Aead::Nonce& nonce, const Aead::Place& place,
                       absl::string_view sealed, std::string& out) const {
  CHECK_EQ(key.secret.size(), Aead::kKeyBytes);
  if (sealed.size() < Aead::kTagBytes) {
    out.clear();
    return false;
  }
  const Pool::Lease context = opening_.Take();
  Begin(*context.get(), key, nonce, place);
  return OpenText(context.get()->cipher.get(), sealed, out);
}

}  // namespace innkeeper::storage
