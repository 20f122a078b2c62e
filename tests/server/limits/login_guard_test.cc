#include "server/limits/login_guard.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "server/errors/errors.h"

namespace innkeeper::limits {
namespace {

constexpr char kHere[] = "ipv4:192.0.2.1:1000";
constexpr char kHereFromAnotherPort[] = "ipv4:192.0.2.1:2000";
constexpr char kElsewhere[] = "ipv4:192.0.2.2:1000";

Login WithToken(absl::string_view peer, absl::string_view token) {
  return {.peer = peer, .kind = Login::Kind::kToken, .credential = token};
}

class LoginGuardTest : public testing::Test {
 protected:
  static RateLimitOptions Options() {
    RateLimitOptions options;
    options[Bucket::kFailedLogins] = {.per_second = 0.5, .burst = 3};
    return options;
  }

  // Whether the credential, which is wrong, is looked at.
  bool Guess(const Login& login) {
    if (!guard_.Check(login).ok()) return false;
    guard_.NoteFailure(login);
    return true;
  }

  // Uses up what the address has.
  void UseUp(absl::string_view peer) {
    for (int i = 0; Guess(WithToken(peer, absl::StrCat("guess", i))); ++i) ASSERT_LT(i, 3);
  }

  absl::Time now_ = absl::FromUnixSeconds(1'700'000'000);
  const Clock clock_ = [this] { return now_; };
  metrics::LimitMetrics metrics_;
  RateLimits rates_{Options(), clock_, metrics_};
  LoginGuard guard_{rates_};
};

TEST_F(LoginGuardTest, GuessesAreFewAndSlow) {
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(Guess(WithToken(kHere, absl::StrCat("guess", i))));
  const absl::Status refused = guard_.Check(WithToken(kHereFromAnotherPort, "guess3"));
  EXPECT_EQ(ReasonOf(refused), v1::ERROR_REASON_RATE_LIMITED);
  EXPECT_EQ(MetadataOf(refused, "limit"), "failed_login_rate");
  EXPECT_TRUE(refused.GetPayload("type.googleapis.com/google.rpc.RetryInfo").has_value());
  now_ += absl::Seconds(2);
  EXPECT_TRUE(Guess(WithToken(kHere, "guess3")));
  EXPECT_FALSE(Guess(WithToken(kHere, "guess4")));
}

TEST_F(LoginGuardTest, OtherAddressesAndOtherKindsAreListenedTo) {
  UseUp(kHere);
  EXPECT_TRUE(guard_.Check(WithToken(kElsewhere, "guess")).ok());
  for (const Login::Kind kind :
       {Login::Kind::kNone, Login::Kind::kJwt, Login::Kind::kCertificate}) {
    EXPECT_TRUE(guard_.Check({.peer = kHere, .kind = kind, .credential = "guess"}).ok());
  }
}

TEST_F(LoginGuardTest, WhatWasGoodFromThereIsAlwaysListenedTo) {
  guard_.NoteSuccess(WithToken(kHere, "good"));
  guard_.NoteSuccess(WithToken(kElsewhere, "good elsewhere"));
  UseUp(kHere);
  EXPECT_TRUE(guard_.Check(WithToken(kHereFromAnotherPort, "good")).ok());
  EXPECT_FALSE(guard_.Check(WithToken(kHere, "good elsewhere")).ok());
  EXPECT_FALSE(
      guard_.Check({.peer = kHere, .kind = Login::Kind::kToken, .credential = "good "}).ok());
}

TEST_F(LoginGuardTest, WhatIsGoodNoLongerIsAGuess) {
  const Login expired = WithToken(kHere, "good once");
  guard_.NoteSuccess(expired);
  EXPECT_TRUE(Guess(expired));
  UseUp(kHere);
  EXPECT_FALSE(Guess(expired));
}

TEST_F(LoginGuardTest, SuccessesCostNothing) {
  for (int i = 0; i < 100; ++i) {
    const std::string token = absl::StrCat("token", i);
    ASSERT_TRUE(guard_.Check(WithToken(kHere, token)).ok());
    guard_.NoteSuccess(WithToken(kHere, token));
  }
}

TEST(NetworkOfTest, HasNoPortAndHalfOfAnIpv6Address) {
  EXPECT_EQ(NetworkOf("ipv4:192.0.2.1:4711"), "192.0.2.1");
  EXPECT_EQ(NetworkOf("ipv6:%5B2001:db8:1:2:3:4:5:6%5D:4711"), "2001:db8:1:2::/64");
  EXPECT_EQ(NetworkOf("ipv6:[2001:db8:1:2:ffff::1]:4711"), "2001:db8:1:2::/64");
  EXPECT_EQ(NetworkOf("ipv6:[::1]:4711"), "::/64");
  EXPECT_EQ(NetworkOf("ipv6:[fe80::1%25eth0]:4711"), "fe80::/64");
  EXPECT_EQ(NetworkOf("ipv6:[::ffff:192.0.2.1]:4711"), "192.0.2.1");
  EXPECT_EQ(NetworkOf("unix:/run/socket"), "unix:/run/socket");
  EXPECT_EQ(NetworkOf(""), "");
}

}  // namespace
}  // namespace innkeeper::limits
