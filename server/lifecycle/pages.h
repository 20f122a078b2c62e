// File: server/lifecycle/pages.h
//
// What lists that come in pages have in common.

#ifndef INNKEEPER_SERVER_LIFECYCLE_PAGES_H_
#define INNKEEPER_SERVER_LIFECYCLE_PAGES_H_

#include <algorithm>
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

// How many records one call looks at, so that a filter that matches little does not
// make it long.
inline constexpr int kMaxScanned = 10'000;

// The page size to use for what the request asks; 0 stands for `fallback`.
inline int PageSize(int requested, int fallback, int maximum) {
  return requested == 0 ? fallback : std::min(requested, maximum);
}

// CURSOR_INVALID: the page token is "damaged", or of an "other-request".
absl::Status PageTokenInvalid(absl::string_view cause);

// What is inside a page token that was sealed for `purpose`; nothing if it was not.
template <typename Token>
std::optional<Token> OpenPageToken(const TokenSigner& signer, absl::string_view purpose,
                                   const std::string& sealed) {
  std::optional<std::string> payload = signer.Verify(purpose, sealed);
  Token token;
  if (!payload || !token.ParseFromString(*payload)) return std::nullopt;
  return token;
}

// The page token with `token` inside.
template <typename Token>
std::string SealPageToken(const TokenSigner& signer, absl::string_view purpose,
                          const Token& token) {
  return signer.Sign(purpose, token.SerializeAsString());
}

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_PAGES_H_
