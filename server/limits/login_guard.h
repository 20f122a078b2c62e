// File: server/limits/login_guard.h
//
// Slows down those who guess.

#ifndef INNKEEPER_SERVER_LIMITS_LOGIN_GUARD_H_
#define INNKEEPER_SERVER_LIMITS_LOGIN_GUARD_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/limits/rate_limits.h"

namespace innkeeper::limits {

// A credential that a caller shows.
struct Login {
  enum class Kind { kNone, kToken, kJwt, kCertificate };

  // Where it calls from, as gRPC has it: "ipv4:192.0.2.1:4711", "ipv6:%5B2001:db8::1%5D:4711".
  absl::string_view peer;
  Kind kind = Kind::kNone;
  absl::string_view credential;  // its text; not kept
};

// The address that a peer's failed logins are counted for: without the port, and of IPv6 the
// first 64 bits, which is what one subscriber of a network has at least. What is no address
// is returned as it is. Pure.
std::string NetworkOf(absl::string_view peer);

// Counts failed logins by address and kind of credential, with the tokens of
// Bucket::kFailedLogins. An address that has none left is not listened to for the time
// being, so that guesses are few and cost nothing but the refusal. A credential that was good
// from there before is listened to until it fails: whoever shares an address with somebody who
// guesses goes on working, but not with what has expired or was revoked. What was good is
// remembered as hashes, some thousands. Thread-safe; takes no lock for credentials that are
// remembered.
class LoginGuard {
 public:
  // `rates` must outlive the guard.
  explicit LoginGuard(RateLimits& rates) : rates_(rates) {}

  // OK if the credential is to be looked at; else RATE_LIMITED.
  absl::Status Check(const Login& login);

  // The credential was looked at, and was good or not.
  void NoteSuccess(const Login& login);
  void NoteFailure(const Login& login);

 private:
  std::atomic<uint64_t>& PlaceOf(uint64_t hash) { return good_[hash % good_.size()]; }

  RateLimits& rates_;
  // Hashes of logins that were good, each at the place that it leads to; 0 for none.
  std::array<std::atomic<uint64_t>, 8192> good_ = {};
};

}  // namespace innkeeper::limits

#endif  // INNKEEPER_SERVER_LIMITS_LOGIN_GUARD_H_
