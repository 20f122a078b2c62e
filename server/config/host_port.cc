#include "server/config/host_port.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"

namespace innkeeper {
namespace {

constexpr size_t kMaxDnsNameBytes = 253;
constexpr int kMaxPort = 65'535;
constexpr int kLoopbackNet = 127;  // the first byte of an IPv4 address

std::optional<in_addr> ParseIpv4(absl::string_view text) {
  in_addr address;
  if (inet_pton(AF_INET, std::string(text).c_str(), &address) != 1) return std::nullopt;
  return address;
}

std::optional<in6_addr> ParseIpv6(absl::string_view text) {
  in6_addr address;
  if (inet_pton(AF_INET6, std::string(text).c_str(), &address) != 1) return std::nullopt;
  return address;
}

bool IsDnsNameOrIpv4(absl::string_view text) {
  return !text.empty() && text.size() <= kMaxDnsNameBytes &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return absl::ascii_isalnum(c) || c == '.' || c == '-'; });
}

std::optional<int> ParsePort(absl::string_view text) {
  int port;
  if (text.empty() || !std::all_of(text.begin(), text.end(), absl::ascii_isdigit) ||
      !absl::SimpleAtoi(text, &port) || port > kMaxPort) {
    return std::nullopt;
  }
  return port;
}

}  // namespace

std::optional<HostPort> ParseHostPort(absl::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos) return std::nullopt;
  const std::optional<int> port = ParsePort(text.substr(colon + 1));
  if (!port) return std::nullopt;

  absl::string_view host = text.substr(0, colon);
  if (absl::StartsWith(host, "[") && absl::EndsWith(host, "]")) {
    host = host.substr(1, host.size() - 2);
    if (!ParseIpv6(host)) return std::nullopt;
  } else if (!IsDnsNameOrIpv4(host)) {
    return std::nullopt;
  }
  return HostPort{.host = std::string(host), .port = *port};
}

bool IsLoopback(absl::string_view host) {
  if (absl::EqualsIgnoreCase(host, "localhost")) return true;
  if (const auto v4 = ParseIpv4(host)) return ntohl(v4->s_addr) >> 24 == kLoopbackNet;
  const auto v6 = ParseIpv6(host);
  if (!v6) return false;
  if (IN6_IS_ADDR_V4MAPPED(&*v6)) return v6->s6_addr[12] == kLoopbackNet;
  return IN6_IS_ADDR_LOOPBACK(&*v6);
}

}  // namespace innkeeper
