// File: storage/sealing/name_cipher.h
//
// Hides the names in keys. Where the grammar of keys.h has a private component, there
// stands instead what a cipher makes of it: always the same for the same component, so
// that it is found again, and nothing that can be read or guessed without the key.
//
// The cipher is the construction SIV (Rogaway and Shrimpton, "Deterministic
// Authenticated-Encryption"): the first 16 bytes of an HMAC-SHA-256 of the name, and the
// name in AES-256-CTR with those as the counter's start. Names of different tables have
// nothing in common. An empty name stays empty.
//
// So a scan meets private components in an order that means nothing, but is always
// the same.

#ifndef INNKEEPER_STORAGE_SEALING_NAME_CIPHER_H_
#define INNKEEPER_STORAGE_SEALING_NAME_CIPHER_H_

#include <openssl/evp.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "storage/sealing/context_pool.h"
#include "storage/sealing/hmac.h"
#include "storage/sealing/secret.h"

namespace innkeeper::storage {

// Thread-safe.
class NameCipher {
 public:
  static constexpr size_t kKeyBytes = 64;

  // `key` has kKeyBytes bytes.
  explicit NameCipher(const Secret& key);

  // Returns `key`, with its private components hidden. `key` may also be the bound of a
  // scan: the start of a key up to some component, PrefixEnd() of that, or KeyAfter() of a key.
  std::string SealKey(absl::string_view key) const;

  // Returns the key that SealKey() made `sealed` of; nothing if it made none such.
  std::optional<std::string> OpenKey(absl::string_view sealed) const;

 private:
  using Ciphers = ContextPool<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;

  // `domain` tells components of different tables apart.
  std::string SealName(char domain, absl::string_view name) const;
  std::optional<std::string> OpenName(char domain, absl::string_view sealed) const;

  std::string Mac(char domain, absl::string_view name) const;
  void Crypt(absl::string_view start, absl::string_view text, char* out) const;

  const HmacSha256 hmac_;
  mutable Ciphers ciphers_;
};

}  // namespace innkeeper::storage

#endif  // INNKEEPER_STORAGE_SEALING_NAME_CIPHER_H_
