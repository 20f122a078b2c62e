#include "server/rooms/server_acl.h"

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "server/base/glob.h"

namespace innkeeper::rooms {
namespace {

// True if `host` is an address. Those of IPv6 stand in brackets; a name whose last
// label is all digits can only be one of IPv4.
bool IsIpLiteral(absl::string_view host) {
  if (absl::StartsWith(host, "[")) return true;
  const absl::string_view last_label = host.substr(host.rfind('.') + 1);
  return !last_label.empty() &&
         std::all_of(last_label.begin(), last_label.end(), absl::ascii_isdigit);
}

absl::string_view WithoutPort(absl::string_view server_name) {
  const size_t bracket = server_name.find(']');
  const size_t host_end = bracket == absl::string_view::npos ? 0 : bracket;
  return server_name.substr(0, server_name.find(':', host_end));
}

// True if one of the patterns in the list `key` of `content` matches.
bool Lists(const Json& content, absl::string_view key, absl::string_view host) {
  const Json* const patterns = FindMember(content, key);
  if (patterns == nullptr || !patterns->is_array()) return false;
  return std::any_of(patterns->begin(), patterns->end(), [&](const Json& pattern) {
    return pattern.is_string() &&
           MatchesGlob(absl::AsciiStrToLower(pattern.get_ref<const std::string&>()), host);
  });
}

}  // namespace

bool AclAllows(const Json& content, absl::string_view server_name) {
  const std::string host = absl::AsciiStrToLower(WithoutPort(server_name));
  const Json* const literals = FindMember(content, "allow_ip_literals");
  if (literals != nullptr && *literals == false && IsIpLiteral(host)) return false;
  return !Lists(content, "deny", host) && Lists(content, "allow", host);
}

}  // namespace innkeeper::rooms
