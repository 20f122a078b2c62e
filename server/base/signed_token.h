// File: server/base/signed_token.h
//
// Opaque strings that we hand out and get back: cursors and page tokens. They
// can be read by whoever cares to, but not made up or altered.

#ifndef INNKEEPER_SERVER_BASE_SIGNED_TOKEN_H_
#define INNKEEPER_SERVER_BASE_SIGNED_TOKEN_H_

#include <openssl/types.h>

#include <memory>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace innkeeper {

// Signs and checks tokens. A token is URL-safe base64 of `mac payload`, where mac
// is the first 16 bytes of HMAC-SHA-256(key, purpose 0x00 payload). Thread-safe.
class TokenSigner {
 public:
  // `key` is secret; 32 random bytes are right.
  explicit TokenSigner(absl::string_view key);

  // Returns the token for `payload`. A token signed for one `purpose` does not
  // pass for another.
  std::string Sign(absl::string_view purpose, absl::string_view payload) const;

  // Returns the payload of a token that Sign made with the same key and
  // purpose; nothing for any other string.
  std::optional<std::string> Verify(absl::string_view purpose, absl::string_view token) const;

  // Returns the mac of `payload`, 16 bytes, which may also serve as a key for it.
  std::string Mac(absl::string_view purpose, absl::string_view payload) const;

 private:
  // Has the key; only ever copied.
  const std::unique_ptr<EVP_MAC_CTX, void (*)(EVP_MAC_CTX*)> keyed_;
};

}  // namespace innkeeper

#endif  // INNKEEPER_SERVER_BASE_SIGNED_TOKEN_H_
