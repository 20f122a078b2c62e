// File: storage/sealing/hmac.h
//
// HMAC-SHA-256 (RFC 2104), by OpenSSL.

#ifndef INNKEEPER_STORAGE_SEALING_HMAC_H_
#define INNKEEPER_STORAGE_SEALING_HMAC_H_

#include <openssl/evp.h>

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "storage/sealing/context_pool.h"

namespace innkeeper::storage {

// With one key. Thread-safe.
class HmacSha256 {
 public:
  static constexpr size_t kBytes = 32;

  // `key` is not kept: a digest of it is.
  explicit HmacSha256(absl::string_view key);

  // Puts the code of `first` and, behind it, `second` into `out`, which has room for kBytes.
  void Compute(absl::string_view first, absl::string_view second, uint8_t* out) const;

 private:
  using Pool = ContextPool<EVP_MAC_CTX, EVP_MAC_CTX_free>;

  mutable Pool contexts_;
};

}  // namespace innkeeper::storage

#endif  // INNKEEPER_STORAGE_SEALING_HMAC_H_
