#include "server/auth/certificate_names.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace innkeeper::auth {
namespace {

constexpr size_t kMaxSpiffeIdBytes = 2048;
constexpr size_t kMaxDomainBytes = 255;
constexpr size_t kMaxDnsNameBytes = 253;
constexpr size_t kMaxLabelBytes = 63;

bool IsLowerOrDigit(char c) { return absl::ascii_islower(c) || absl::ascii_isdigit(c); }

bool IsTrustDomain(absl::string_view text) {
  return !text.empty() && text.size() <= kMaxDomainBytes &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return IsLowerOrDigit(c) || c == '.' || c == '-' || c == '_'; });
}

bool IsPathSegment(absl::string_view text) {
  return !text.empty() && text != "." && text != ".." &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isalnum(c) || c == '.' || c == '-' || c == '_';
         });
}

bool IsLabel(absl::string_view text) {
  return !text.empty() && text.size() <= kMaxLabelBytes && text.front() != '-' &&
         text.back() != '-' && std::all_of(text.begin(), text.end(), [](char c) {
           return IsLowerOrDigit(c) || c == '-' || c == '_';
         });
}

}  // namespace

bool IsSpiffeId(absl::string_view text) {
  if (text.size() > kMaxSpiffeIdBytes || !absl::ConsumePrefix(&text, "spiffe://")) return false;
  const std::vector<absl::string_view> parts = absl::StrSplit(text, '/');
  return parts.size() >= 2 && IsTrustDomain(parts.front()) &&
         std::all_of(parts.begin() + 1, parts.end(), IsPathSegment);
}

bool IsDnsName(absl::string_view text) {
  const std::vector<absl::string_view> labels = absl::StrSplit(text, '.');
  return text.size() <= kMaxDnsNameBytes && std::all_of(labels.begin(), labels.end(), IsLabel);
}

}  // namespace innkeeper::auth
