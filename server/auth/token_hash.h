// File: server/auth/token_hash.h
//
// Tokens as they are kept: hashed, so that whoever reads them cannot use them.
// Tokens are long and random, so a fast hash without salt is enough.

#ifndef INNKEEPER_SERVER_AUTH_TOKEN_HASH_H_
#define INNKEEPER_SERVER_AUTH_TOKEN_HASH_H_

#include <array>
#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"

namespace innkeeper::auth {

// A SHA-256 hash. Not to be logged.
using TokenHash = std::array<uint8_t, 32>;

// Returns the hash of `bytes`. Thread-safe.
TokenHash HashOf(absl::string_view bytes);

// Reads 64 hexadecimal digits, of either case. Nothing if `text` is not that.
std::optional<TokenHash> ParseTokenHash(absl::string_view text);

// True if they are equal; takes the same time whatever they are.
bool EqualInConstantTime(const TokenHash& a, const TokenHash& b);

}  // namespace innkeeper::auth

#endif  // INNKEEPER_SERVER_AUTH_TOKEN_HASH_H_
