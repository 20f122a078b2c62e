// File: server/lifecycle/paging.h
//
// What the methods that give lists page by page have in common.

#ifndef INNKEEPER_SERVER_LIFECYCLE_PAGING_H_
#define INNKEEPER_SERVER_LIFECYCLE_PAGING_H_

#include <cstddef>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/base/signed_token.h"

namespace innkeeper::lifecycle {

// Pages end once they are about this large, well below what clients take by
// default.
inline constexpr size_t kMaxPageBytes = size_t{1} << 20;

// How many records a page has if the request does not say, and at most, in lists that
// have no reason for other bounds.
inline constexpr int kDefaultPage = 100;
inline constexpr int kMaxPage = 1000;

// How many records one call looks at, so that a filter that matches little does not
// make it long.
inline constexpr int kMaxScanned = 10'000;

// INVALID_ARGUMENT (CURSOR_INVALID) about the field page_token. `cause` is for the
// metadata.
absl::Status PageTokenInvalid(absl::string_view cause);

// The page size to use for what the request asks; 0 stands for `fallback`.
int PageSize(int requested, int fallback, int maximum);

// Returns the message that was signed for `purpose`, or nothing if `sealed` is no such
// token.
template <typename Token>
std::optional<Token> OpenPageToken(const TokenSigner& signer, absl::string_view purpose,
                                   const std::string& sealed) {
  std::optional<std::string> payload = signer.Verify(purpose, sealed);
  Token token;
  if (!payload || !token.ParseFromString(*payload)) return std::nullopt;
  return token;
}

// Returns the page token with `token` inside.
template <typename Token>
std::string SealPageToken(const TokenSigner& signer, absl::string_view purpose,
                          const Token& token) {
  return signer.Sign(purpose, token.SerializeAsString());
}

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_PAGING_H_
