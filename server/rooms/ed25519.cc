#include "server/rooms/ed25519.h"

#include <glog/logging.h>
#include <openssl/err.h>
#include <openssl/evp.h>

namespace innkeeper::rooms {
namespace {

using Key = std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)>;
using Context = std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)>;

const unsigned char* Bytes(absl::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

unsigned char* Bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

Context NewContext() {
  Context context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  CHECK(context != nullptr);
  return context;
}

std::string PublicKey(const EVP_PKEY* key) {
  std::string bytes(kEd25519PublicKeyBytes, '\0');
  size_t size = bytes.size();
  CHECK_EQ(EVP_PKEY_get_raw_public_key(key, Bytes(bytes), &size), 1);
  CHECK_EQ(size, kEd25519PublicKeyBytes);
  return bytes;
}

}  // namespace

bool VerifyEd25519(absl::string_view public_key, absl::string_view message,
                   absl::string_view signature) {
  if (public_key.size() != kEd25519PublicKeyBytes) return false;
  const Key key(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, Bytes(public_key), public_key.size()),
      EVP_PKEY_free);
  CHECK(key != nullptr);
  const Context context = NewContext();
  CHECK_EQ(EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()), 1);
  const bool good = EVP_DigestVerify(context.get(), Bytes(signature), signature.size(),
                                     Bytes(message), message.size()) == 1;
  // OpenSSL may have noted why it is not good; nobody asks.
  ERR_clear_error();
  return good;
}

Ed25519Key::Ed25519Key(absl::string_view seed) : key_(nullptr, EVP_PKEY_free) {
  CHECK_EQ(seed.size(), kEd25519SeedBytes);
  key_.reset(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, Bytes(seed), seed.size()));
  CHECK(key_ != nullptr);
  public_key_ = PublicKey(key_.get());
}

std::string Ed25519Key::Sign(absl::string_view message) const {
  const Context context = NewContext();
  CHECK_EQ(EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()), 1);
  std::string signature(kEd25519SignatureBytes, '\0');
  size_t size = signature.size();
  CHECK_EQ(EVP_DigestSign(context.get(), Bytes(signature), &size, Bytes(message), message.size()),
           1);
  CHECK_EQ(size, kEd25519SignatureBytes);
  return signature;
}

}  // namespace innkeeper::rooms
