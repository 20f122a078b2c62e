// File: server/lifecycle/paging.h
//
// What the methods that answer in pages share.

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

// The page size to use for what the request asks; 0 stands for `fallback`.
int PageSize(int requested, int fallback, int maximum);

// INVALID_ARGUMENT (CURSOR_INVALID) about the field page_token. `cause` is "damaged" or
// "other-request".
absl::Status PageTokenInvalid(absl::string_view cause);

// Returns the message in a page token that `signer` signed for `purpose`; nothing for
// any other string.
template <typename Token>
std::optional<Token> OpenPageToken(const TokenSigner& signer, absl::string_view purpose,
                                   const std::string& page_token) {
  std::optional<std::string> payload = signer.Verify(purpose, page_token);
  Token token;
  if (!payload || !token.ParseFromString(*payload)) return std::nullopt;
  return token;
}

}  // namespace innkeeper::lifecycle

#endif  // INNKEEPER_SERVER_LIFECYCLE_PAGING_H_
