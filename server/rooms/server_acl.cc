#include "server/rooms/server_acl.h"

#include <arpa/inet.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "server/base/glob.h"

namespace innkeeper::rooms {
namespace {

// `server_name` without its port, in lower case.
std::string HostOf(const std::string& server_name) {
  const size_t port = server_name.find_last_of(":]");
  const bool has_port = port != std::string::npos && server_name[port] == ':';
  return absl::AsciiStrToLower(server_name.substr(0, has_port ? port : std::string::npos));
}

bool IsIpLiteral(const std::string& host) {
  in_addr address;
  return host.front() == '[' || inet_pton(AF_INET, host.c_str(), &address) == 1;
}

// True if one of the patterns in the list under `key` matches.
bool IsListed(const Json& acl, const char* key, const std::string& host) {
  const auto list = acl.find(key);
  if (list == acl.end() || !list->is_array()) return false;
  return std::any_of(list->begin(), list->end(), [&](const Json& pattern) {
    return pattern.is_string() &&
           MatchesGlob(absl::AsciiStrToLower(pattern.get_ref<const std::string&>()), host);
  });
}

}  // namespace

bool AdmitsServer(const Json& acl, const std::string& server_name) {
  const std::string host = HostOf(server_name);
  const auto ip_literals = acl.find("allow_ip_literals");
  const bool ip_literals_denied = ip_literals != acl.end() && *ip_literals == false;
  if (ip_literals_denied && IsIpLiteral(host)) return false;
  return !IsListed(acl, "deny", host) && IsListed(acl, "allow", host);
}

}  // namespace innkeeper::rooms
