#include "storage/sealing/secret.h"

#include <glog/logging.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <cstring>
#include <utility>

namespace innkeeper::storage {

Secret::~Secret() {
  if (bytes_) OPENSSL_cleanse(bytes_.get(), size_);
}

Secret::Secret(Secret&& other) noexcept
    : bytes_(std::move(other.bytes_)), size_(std::exchange(other.size_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  std::swap(size_, other.size_);
  return *this;
}

Secret Secret::Random(size_t size) {
  Secret secret(size);
  CHECK_EQ(RAND_priv_bytes(secret.data(), static_cast<int>(size)), 1)
      << "the system gives no random bytes";
  return secret;
}

Secret Secret::Copy(absl::string_view bytes) {
  Secret secret(bytes.size());
  if (!bytes.empty()) std::memcpy(secret.data(), bytes.data(), bytes.size());
  return secret;
}

void Wipe(std::string& text) {
  OPENSSL_cleanse(text.data(), text.size());
  text.clear();
}

}  // namespace innkeeper::storage
