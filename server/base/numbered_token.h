// File: server/base/numbered_token.h
//
// Opaque strings as those of signed_token.h, for the case that very many are made which differ
// in a number only.

#ifndef INNKEEPER_SERVER_BASE_NUMBERED_TOKEN_H_
#define INNKEEPER_SERVER_BASE_NUMBERED_TOKEN_H_

#include <openssl/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "server/base/signed_token.h"

namespace innkeeper {

// Signs tokens of one context: what they have in common. A token is URL-safe base64 of
//
//   mac (16 bytes)  number (8 bytes, big-endian)  context
//
// where mac is the number, with zeros in front, encrypted as one block of AES-128 under a
// key for the context: the first 16 bytes of HMAC-SHA-256(key, purpose 0x00 context). An
// AES block costs a hundredth of an HMAC, and nobody can tell the block of a number without
// the key. For one thread at a time.
class NumberedTokens {
 public:
  // A token signed for one `purpose` does not pass for another, nor one of signed_token.h.
  NumberedTokens(const TokenSigner& signer, absl::string_view purpose, absl::string_view context);

  // Returns the tokens for `numbers`, one behind the other, all of the same length.
  std::string Sign(absl::Span<const uint64_t> numbers);

 private:
  const std::string escaped_context_;
  const std::unique_ptr<EVP_CIPHER_CTX, void (*)(EVP_CIPHER_CTX*)> cipher_;
};

// What a token says.
struct NumberedToken {
  uint64_t number = 0;
  std::string context;
};

// Returns what is in a token that NumberedTokens made with the same signer and purpose;
// nothing for any other string.
std::optional<NumberedToken> VerifyNumberedToken(const TokenSigner& signer,
                                                 absl::string_view purpose,
                                                 absl::string_view token);

}  // namespace innkeeper

#endif  // INNKEEPER_SERVER_BASE_NUMBERED_TOKEN_H_
