#include "server/base/audience.h"

#include <algorithm>

#include "absl/strings/ascii.h"

namespace innkeeper {
namespace {

// True if `text` has 1 to kMaxAudienceBytes characters, letters, digits and those of
// `others`.
bool IsMadeOf(absl::string_view text, absl::string_view others) {
  return !text.empty() && text.size() <= kMaxAudienceBytes &&
         std::all_of(text.begin(), text.end(), [&](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
                  others.find(c) != absl::string_view::npos;
         });
}

}  // namespace

absl::Status CheckAudience(absl::string_view text) {
  if (IsMadeOf(text, "._:-")) return absl::OkStatus();
  return absl::InvalidArgumentError("must be 1 to 128 characters of A-Z a-z 0-9 . _ : -");
}

absl::Status CheckAudiencePattern(absl::string_view text) {
  if (IsMadeOf(text, "._:-*?")) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "must be an audience or a pattern, of 1 to 128 characters of A-Z a-z 0-9 . _ : - * ?");
}

}  // namespace innkeeper
