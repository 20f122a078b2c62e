// File: server/rooms/ed25519.h
//
// Ed25519 signatures over bytes: what keys do, and nothing of what is signed.
// Keys and signatures are raw bytes here, as in the standard.
//
// Source: RFC 8032, section 5.1.

#ifndef INNKEEPER_SERVER_ROOMS_ED25519_H_
#define INNKEEPER_SERVER_ROOMS_ED25519_H_

#include <openssl/types.h>

#include <cstddef>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"

namespace innkeeper::rooms {

inline constexpr size_t kEd25519SeedBytes = 32;
inline constexpr size_t kEd25519PublicKeyBytes = 32;
inline constexpr size_t kEd25519SignatureBytes = 64;

// True if `signature` is one of `message` by the key whose public half is
// `public_key`. False for a key or a signature of another length, and for bytes
// that are no key. Takes about 0.1 ms. Thread-safe.
bool VerifyEd25519(absl::string_view public_key, absl::string_view message,
                   absl::string_view signature);

// A key that signs. Holds secrets: never printed, wiped when destroyed. Its const
// methods may run in several threads at once.
class Ed25519Key {
 public:
  // The key that `seed`, of kEd25519SeedBytes bytes, stands for.
  explicit Ed25519Key(absl::string_view seed);

  // The public half, of kEd25519PublicKeyBytes bytes.
  const std::string& public_key() const { return public_key_; }

  // Returns the signature of `message`, of kEd25519SignatureBytes bytes; the same
  // each time.
  std::string Sign(absl::string_view message) const;

 private:
  std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key_;
  std::string public_key_;
};

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_ED25519_H_
