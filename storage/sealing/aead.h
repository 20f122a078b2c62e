// File: storage/sealing/aead.h
//
// AES-256-GCM (NIST SP 800-38D), by OpenSSL.

#ifndef INNKEEPER_STORAGE_SEALING_AEAD_H_
#define INNKEEPER_STORAGE_SEALING_AEAD_H_

#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "storage/sealing/context_pool.h"
#include "storage/sealing/secret.h"

namespace innkeeper::storage {

// With one key. Thread-safe.
class Aead {
 public:
  static constexpr size_t kKeyBytes = 32;
  static constexpr size_t kNonceBytes = 12;
  static constexpr size_t kTagBytes = 16;
  using Nonce = std::array<uint8_t, kNonceBytes>;

  // `key` has kKeyBytes bytes.
  explicit Aead(const Secret& key);

  // What a sealed text is bound to beside its key: it opens only for the same. The parts
  // count as one text.
  struct Place {
    absl::string_view first;
    absl::string_view second;
  };

  // Appends `text`, sealed, to `out`: as many bytes, and a tag. No nonce may be used twice.
  void Seal(const Nonce& nonce, const Place& place, absl::string_view text, std::string& out) const;

  // Puts into `out` the text of which Seal() made `sealed`; false, and `out` empty, if that
  // was not made with this key, nonce and place.
  bool Open(const Nonce& nonce, const Place& place, absl::string_view sealed,
            std::string& out) const;

 private:
  friend class ManyKeyAead;
  using Pool = ContextPool<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;

  mutable Pool sealing_;
  mutable Pool opening_;
};

// With many keys, which takes a little longer where another one than the last is used.
// Thread-safe.
class ManyKeyAead {
 public:
  // A key of Aead::kKeyBytes bytes, and what no other key of this object is called.
  struct Key {
    std::pair<uint64_t, uint64_t> name;
    const Secret& secret;
  };

  ManyKeyAead();

  // As of Aead.
  void Seal(const Key& key, const Aead::Nonce& nonce, const Aead::Place& place,
            absl::string_view text, std::string& out) const;
  bool Open(const Key& key, const Aead::Nonce& nonce, const Aead::Place& place,
            absl::string_view sealed, std::string& out) const;

  // Forgets the keys that were used, other than those in use.
  void Forget() const {
    sealing_.Clear();
    opening_.Clear();
  }

 private:
  // A context, and the name of the key that it was used with last.
  struct Context {
    Aead::Pool::Owned cipher;
    std::optional<std::pair<uint64_t, uint64_t>> key_name;
  };
  static void Free(Context* context) { delete context; }
  static Context* Copy(const Context* context);
  static void Begin(Context& context, const Key& key, const Aead::Nonce& nonce,
                    const Aead::Place& place);
  using Pool = ContextPool<Context, Free>;

  mutable Pool sealing_;
  mutable Pool opening_;
};

}  // namespace innkeeper::storage

#endif  // INNKEEPER_STORAGE_SEALING_AEAD_H_
