#include "server/limits/login_guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "absl/hash/hash.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "server/limits/limit_errors.h"

namespace innkeeper::limits {
namespace {

constexpr size_t kNetworkBytes = 8;  // of an IPv6 address

absl::string_view WithoutPort(absl::string_view peer) { return peer.substr(0, peer.rfind(':')); }

uint64_t HashOf(const Login& login) {
  return absl::HashOf(WithoutPort(login.peer), static_cast<int>(login.kind), login.credential);
}

std::string KeyOf(const Login& login) {
  return absl::StrCat(static_cast<int>(login.kind), " ", NetworkOf(login.peer));
}

}  // namespace

std::string NetworkOf(absl::string_view peer) {
  if (absl::ConsumePrefix(&peer, "ipv4:")) return std::string(WithoutPort(peer));
  if (!absl::ConsumePrefix(&peer, "ipv6:")) return std::string(peer);
  std::string host = absl::StrReplaceAll(
      WithoutPort(peer),
      {{"[", ""}, {"]", ""}, {"%5B", ""}, {"%5D", ""}, {"%5b", ""}, {"%5d", ""}});
  host = host.substr(0, host.find('%'));  // without a zone
  in6_addr address = {};
  if (inet_pton(AF_INET6, host.c_str(), &address) != 1) return host;
  if (IN6_IS_ADDR_V4MAPPED(&address)) return host.substr(host.rfind(':') + 1);
  for (size_t i = kNetworkBytes; i < sizeof(address.s6_addr); ++i) address.s6_addr[i] = 0;
  char text[INET6_ADDRSTRLEN] = {};
  return absl::StrCat(inet_ntop(AF_INET6, &address, text, sizeof(text)), "/64");
}

absl::Status LoginGuard::Check(const Login& login) {
  if (!rates_.IsLimited(Bucket::kFailedLogins)) return absl::OkStatus();
  const uint64_t hash = HashOf(login);
  if (PlaceOf(hash).load(std::memory_order_relaxed) == hash) return absl::OkStatus();
  const absl::Duration wait = rates_.WaitFor(Bucket::kFailedLogins, KeyOf(login));
  if (wait <= absl::ZeroDuration()) return absl::OkStatus();
  return RateLimited(NameOf(Bucket::kFailedLogins), "address", wait);
}

void LoginGuard::NoteSuccess(const Login& login) {
  if (!rates_.IsLimited(Bucket::kFailedLogins)) return;
  const uint64_t hash = HashOf(login);
  std::atomic<uint64_t>& place = PlaceOf(hash);
  if (place.load(std::memory_order_relaxed) != hash) place.store(hash, std::memory_order_relaxed);
}

void LoginGuard::NoteFailure(const Login& login) {
  if (!rates_.IsLimited(Bucket::kFailedLogins)) return;
  uint64_t hash = HashOf(login);
  PlaceOf(hash).compare_exchange_strong(hash, 0, std::memory_order_relaxed);
  rates_.Take(Bucket::kFailedLogins, KeyOf(login));
}

}  // namespace innkeeper::limits
