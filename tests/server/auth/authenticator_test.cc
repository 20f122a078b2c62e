#include "server/auth/authenticator.h"

#include <glog/logging.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "server/errors/errors.h"
#include "tests/support/jwt_issuer.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temp_dir.h"

namespace innkeeper::auth {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

std::string HexHashOf(absl::string_view token) {
  const TokenHash hash = HashOf(token);
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(hash.data()), hash.size()));
}

Json PrincipalWith(const std::string& name, const std::vector<std::string>& tokens,
                   const std::vector<std::string>& roles = {}) {
  Json hashes = Json::array();
  for (const std::string& token : tokens) hashes.push_back(HexHashOf(token));
  return {{"name", name}, {"token_sha256", hashes}, {"roles", roles}};
}

// Keeps what is logged while it lives.
class LogKeeper : public google::LogSink {
 public:
  LogKeeper() { google::AddLogSink(this); }
  ~LogKeeper() override { google::RemoveLogSink(this); }

  void send(google::LogSeverity severity, const char*, const char*, int,
            const google::LogMessageTime&, const char* message, size_t length) override {
    absl::StrAppend(&text_, google::GetLogSeverityName(severity), " ",
                    absl::string_view(message, length), "\n");
  }

  std::string Take() { return std::exchange(text_, ""); }

 private:
  std::string text_;
};

class AuthenticatorTest : public testing::Test {
 protected:
  AuthenticatorTest() {
    Write({PrincipalWith("calendar", {"calendar-1", "calendar-2"}, {"create"}),
           PrincipalWith("auditor", {"auditor-1"}, {"watch"})});
    auto authenticator = Authenticator::Create({.tokens_file = path_, .jwt = {}});
    EXPECT_TRUE(authenticator.ok()) << authenticator.status();
    authenticator_ = *std::move(authenticator);
  }

  void Write(const std::vector<Json>& principals) {
    dir_.Write("tokens.json", Json{{"principals", principals}}.dump());
  }

  // The name of the token's principal; "" if it is refused.
  std::string CallerWith(absl::string_view token) {
    const auto principal = authenticator_->Authenticate(absl::StrCat("Bearer ", token));
    return principal.ok() ? (*principal)->name() : "";
  }

  TempDir dir_;
  const std::string path_ = dir_.File("tokens.json");
  std::unique_ptr<Authenticator> authenticator_;
};

TEST_F(AuthenticatorTest, KnowsEveryTokenOfEveryPrincipal) {
  EXPECT_EQ(CallerWith("calendar-1"), "calendar");
  EXPECT_EQ(CallerWith("calendar-2"), "calendar");
  EXPECT_EQ(CallerWith("auditor-1"), "auditor");
  const auto principal = authenticator_->Authenticate("Bearer auditor-1");
  ASSERT_TRUE(principal.ok());
  EXPECT_TRUE((*principal)->Has(Role::kWatch));
  EXPECT_FALSE((*principal)->Has(Role::kCreate));
}

TEST_F(AuthenticatorTest, TheSchemeIsOfAnyCase) {
  for (const char* scheme : {"Bearer ", "bearer ", "BEARER ", "Bearer   "}) {
    EXPECT_TRUE(authenticator_->Authenticate(absl::StrCat(scheme, "calendar-1")).ok()) << scheme;
  }
}

TEST_F(AuthenticatorTest, RefusesEverythingElseInTheSameWay) {
  const absl::Status refusal = authenticator_->Authenticate("").status();
  EXPECT_EQ(refusal.code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(ReasonOf(refusal), v1::ERROR_REASON_CREDENTIALS_INVALID);
  EXPECT_THAT(std::string(refusal.message()), HasSubstr("authorization: Bearer TOKEN"));
  for (const std::string& header :
       {std::string("Bearer unknown"), std::string("Bearer"), std::string("Bearer "),
        std::string("Bearer calendar-1 calendar-1"), std::string("Bearer calendar-"),
        std::string("Bearer Calendar-1"), std::string("calendar-1"),
        std::string("Basic calendar-1"), std::string("Bearercalendar-1"),
        "Bearer " + HexHashOf("calendar-1"), std::string("Bearer calendar-1\0", 18)}) {
    EXPECT_EQ(authenticator_->Authenticate(header).status(), refusal) << header;
  }
}

TEST_F(AuthenticatorTest, DoesNotLookAtLongTokens) {
  const std::string longest(Authenticator::kMaxTokenBytes, 'x');
  const std::string longer = longest + "x";
  Write({PrincipalWith("p", {longest}), PrincipalWith("q", {longer})});
  ASSERT_TRUE(authenticator_->ReloadIfChanged().ok());
  EXPECT_EQ(CallerWith(longest), "p");
  EXPECT_EQ(CallerWith(longer), "");
}

TEST_F(AuthenticatorTest, ATokenIsRevokedOrAddedWithoutARestart) {
  Write({PrincipalWith("calendar", {"calendar-2", "calendar-3"}, {"upgrade"})});
  EXPECT_EQ(CallerWith("calendar-1"), "calendar") << "nothing changes before the reload";
  ASSERT_TRUE(authenticator_->ReloadIfChanged().ok());

  EXPECT_EQ(CallerWith("calendar-1"), "") << "this token was taken out";
  EXPECT_EQ(CallerWith("auditor-1"), "") << "this principal was taken out";
  EXPECT_EQ(CallerWith("calendar-2"), "calendar");
  EXPECT_EQ(CallerWith("calendar-3"), "calendar");
  const auto principal = authenticator_->Authenticate("Bearer calendar-2");
  EXPECT_TRUE((*principal)->Has(Role::kUpgrade));
  EXPECT_FALSE((*principal)->Has(Role::kCreate));
}

TEST_F(AuthenticatorTest, WhoKeepsACredentialLearnsOfItsEnd) {
  const auto credential = Authenticator::CredentialOf("Bearer auditor-1");
  EXPECT_EQ((*authenticator_->Authenticate(credential))->name(), "auditor");
  const uint64_t generation = authenticator_->generation();
  ASSERT_TRUE(authenticator_->ReloadIfChanged().ok());
  EXPECT_EQ(authenticator_->generation(), generation) << "nothing has changed";

  Write({PrincipalWith("calendar", {"calendar-1"})});
  ASSERT_TRUE(authenticator_->ReloadIfChanged().ok());
  EXPECT_NE(authenticator_->generation(), generation);
  EXPECT_EQ(ReasonOf(authenticator_->Authenticate(credential).status()),
            v1::ERROR_REASON_CREDENTIALS_INVALID);
  EXPECT_FALSE(authenticator_->Authenticate(Authenticator::CredentialOf("")).ok());
}

TEST_F(AuthenticatorTest, EveryChangeIsSeenHoweverQuicklyTheyFollow) {
  for (int i = 0; i < 100; ++i) {
    const std::string token = absl::StrCat("token-", i % 10);
    Write({PrincipalWith("p", {token})});
    ASSERT_TRUE(authenticator_->ReloadIfChanged().ok());
    EXPECT_EQ(CallerWith(token), "p");
  }
}

TEST_F(AuthenticatorTest, WhatACallerHoldsOutlivesAReload) {
  const auto principal = *authenticator_->Authenticate("Bearer calendar-1");
  Write({});
  ASSERT_TRUE(authenticator_->ReloadIfChanged().ok());
  EXPECT_EQ(principal->name(), "calendar");
  EXPECT_EQ(CallerWith("calendar-1"), "");
}

TEST_F(AuthenticatorTest, ABadFileIsRefusedAndTheOldOneStaysInForce) {
  dir_.Write("tokens.json", "{\"principals\": [{}]}");
  const absl::Status status = authenticator_->ReloadIfChanged();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), StartsWith(path_ + ": principals[0]: has no"));
  EXPECT_EQ(CallerWith("calendar-1"), "calendar");
  EXPECT_EQ(authenticator_->ReloadIfChanged(), status) << "still wrong";

  Write({PrincipalWith("calendar", {"calendar-4"})});
  EXPECT_TRUE(authenticator_->ReloadIfChanged().ok());
  EXPECT_EQ(CallerWith("calendar-1"), "");
  EXPECT_EQ(CallerWith("calendar-4"), "calendar");
}

TEST_F(AuthenticatorTest, AFileThatIsGoneLeavesTheOldOneInForceUntilItIsBack) {
  std::filesystem::remove(path_);
  EXPECT_EQ(authenticator_->ReloadIfChanged().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(CallerWith("calendar-1"), "calendar");

  Write({PrincipalWith("calendar", {"calendar-4"})});
  EXPECT_TRUE(authenticator_->ReloadIfChanged().ok());
  EXPECT_EQ(CallerWith("calendar-1"), "");
}

TEST_F(AuthenticatorTest, AFileThatOthersMayWriteToIsNotPutInForce) {
  Write({PrincipalWith("intruder", {"intruder-1"}, {"admin"})});
  ASSERT_EQ(chmod(path_.c_str(), 0666), 0);
  EXPECT_EQ(authenticator_->ReloadIfChanged().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(CallerWith("intruder-1"), "");
  EXPECT_EQ(CallerWith("calendar-1"), "calendar");
}

TEST_F(AuthenticatorTest, LogsEachChangeOnceAndNoHashes) {
  LogKeeper log;
  ASSERT_TRUE(authenticator_->ReloadIfChanged().ok());
  EXPECT_EQ(log.Take(), "");

  const std::string hash = HexHashOf("calendar-1");
  dir_.Write("tokens.json", "{\"" + hash + "\"");
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(authenticator_->ReloadIfChanged().ok());
  EXPECT_EQ(log.Take(), "ERROR " + path_ +
                            ": is not JSON: error at line 1, column 68 (what was in force before "
                            "stays so)\n");

  std::filesystem::remove(path_);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(authenticator_->ReloadIfChanged().ok());
  EXPECT_EQ(log.Take(),
            "ERROR " + path_ + ": No such file or directory (what was in force before stays so)\n");

  Write({PrincipalWith("calendar", {"calendar-1", "calendar-2"})});
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(authenticator_->ReloadIfChanged().ok());
  EXPECT_EQ(log.Take(), "INFO " + path_ + ": now in force\n");
}

TEST_F(AuthenticatorTest, IsNotMadeFromABadFile) {
  EXPECT_EQ(Authenticator::Create({.tokens_file = dir_.File("none"), .jwt = {}}).status().code(),
            absl::StatusCode::kNotFound);
  dir_.Write("tokens.json", "[]");
  const absl::Status status = Authenticator::Create({.tokens_file = path_, .jwt = {}}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), path_ + ": the file: must be an object");
}

// With JSON Web Tokens beside tokens.
class JwtAuthenticatorTest : public AuthenticatorTest {
 protected:
  JwtAuthenticatorTest() {
    WritePrincipals();
    WriteKeys({issuer_.PublicKey()});
    auto authenticator = Authenticator::Create(
        {.tokens_file = path_,
         .jwt = JwtVerifier::Options{.keys_file = dir_.File("keys.json"),
                                     .expectations = {.issuer = "https://issuer.example",
                                                      .audience = "innkeeper"}}},
        clock_.clock());
    EXPECT_TRUE(authenticator.ok()) << authenticator.status();
    authenticator_ = *std::move(authenticator);
  }

  void WritePrincipals() {
    Json both = PrincipalWith("calendar", {"calendar-1"}, {"create"});
    both["jwt_subjects"] = {"calendar@issuer.example"};
    Write({both, {{"name", "auditor"}, {"jwt_subjects", {"auditor@issuer.example"}}}});
  }

  void WriteKeys(const std::vector<Json>& keys) { dir_.Write("keys.json", KeySet(keys)); }

  std::string TokenOf(const std::string& subject) const {
    return issuer_.Token({{"iss", "https://issuer.example"},
                          {"aud", "innkeeper"},
                          {"sub", subject},
                          {"exp", absl::ToUnixSeconds(clock_.clock()()) + 600}});
  }

  const ManualClock clock_;
  const JwtIssuer issuer_{"key-1", "ES256"};
};

TEST_F(JwtAuthenticatorTest, APrincipalIsKnownByEitherKindOfToken) {
  EXPECT_EQ(CallerWith("calendar-1"), "calendar");
  EXPECT_EQ(CallerWith(TokenOf("calendar@issuer.example")), "calendar");
  EXPECT_EQ(CallerWith(TokenOf("auditor@issuer.example")), "auditor");
}

TEST_F(JwtAuthenticatorTest, AGoodTokenOfNobodyIsRefusedLikeABadOne) {
  const absl::Status refusal = authenticator_->Authenticate("").status();
  for (const std::string& token :
       {TokenOf("stranger"), TokenOf("calendar"), TokenOf("calendar-1"),
        JwtIssuer("key-1", "ES256").Token({{"sub", "calendar@issuer.example"}}),
        std::string("a.b.c"), std::string("..")}) {
    EXPECT_EQ(authenticator_->Authenticate("Bearer " + token).status(), refusal) << token;
  }
}

TEST_F(JwtAuthenticatorTest, ATokenEndsWithItsTimeItsPrincipalOrItsKey) {
  const std::string token = TokenOf("auditor@issuer.example");
  ASSERT_EQ(CallerWith(token), "auditor");

  Write({PrincipalWith("calendar", {"calendar-1"})});
  ASSERT_TRUE(authenticator_->ReloadIfChanged().ok());
  EXPECT_EQ(CallerWith(token), "") << "the principal was taken out";
  WritePrincipals();
  ASSERT_TRUE(authenticator_->ReloadIfChanged().ok());
  EXPECT_EQ(CallerWith(token), "auditor");

  WriteKeys({JwtIssuer("key-2", "EdDSA").PublicKey()});
  ASSERT_TRUE(authenticator_->ReloadIfChanged().ok());
  EXPECT_EQ(CallerWith(token), "") << "the key was taken out";
  WriteKeys({issuer_.PublicKey()});
  ASSERT_TRUE(authenticator_->ReloadIfChanged().ok());
  EXPECT_EQ(CallerWith(token), "auditor");

  clock_.Advance(absl::Seconds(600) + kJwtLeeway);
  EXPECT_EQ(CallerWith(token), "") << "it expired";
}

TEST_F(JwtAuthenticatorTest, WhoHasKeptACredentialIsToldWhenItEnds) {
  const auto credential =
      Authenticator::CredentialOf("Bearer " + TokenOf("auditor@issuer.example"));
  ASSERT_TRUE(authenticator_->Authenticate(credential).ok());
  const uint64_t generation = authenticator_->generation();
  clock_.Advance(absl::Seconds(600) + kJwtLeeway);
  ASSERT_TRUE(authenticator_->ReloadIfChanged().ok());
  EXPECT_NE(authenticator_->generation(), generation);
  EXPECT_FALSE(authenticator_->Authenticate(credential).ok());
}

TEST_F(JwtAuthenticatorTest, EitherFileIsReadAgainWhateverIsWrongWithTheOther) {
  dir_.Write("tokens.json", "{");
  const JwtIssuer next("key-2", "EdDSA");
  WriteKeys({next.PublicKey()});
  EXPECT_FALSE(authenticator_->ReloadIfChanged().ok());
  EXPECT_EQ(CallerWith(TokenOf("auditor@issuer.example")), "") << "the new keys are in force";
  EXPECT_EQ(CallerWith("calendar-1"), "calendar");

  dir_.Write("keys.json", "{");
  Write({PrincipalWith("newcomer", {"newcomer-1"})});
  EXPECT_FALSE(authenticator_->ReloadIfChanged().ok());
  EXPECT_EQ(CallerWith("newcomer-1"), "newcomer");
}

TEST_F(JwtAuthenticatorTest, IsNotMadeWithoutKeys) {
  const absl::Status status =
      Authenticator::Create(
          {.tokens_file = path_,
           .jwt = JwtVerifier::Options{.keys_file = dir_.File("none"), .expectations = {}}})
          .status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
}

TEST_F(AuthenticatorTest, ACredentialIsAsGoodAsItsTokenAndIsNone) {
  const auto credential = Authenticator::CredentialOf("Bearer auditor-1");
  EXPECT_TRUE(credential.jwt.empty());
  EXPECT_EQ((*authenticator_->Authenticate(credential))->name(), "auditor");
  const uint64_t generation = authenticator_->generation();
  ASSERT_TRUE(authenticator_->ReloadIfChanged().ok());
  EXPECT_EQ(authenticator_->generation(), generation) << "nothing has changed";

  Write({PrincipalWith("calendar", {"calendar-1"})});
  ASSERT_TRUE(authenticator_->ReloadIfChanged().ok());
  EXPECT_NE(authenticator_->generation(), generation);
  EXPECT_FALSE(authenticator_->Authenticate(credential).ok());
  EXPECT_FALSE(authenticator_->Authenticate(Authenticator::CredentialOf("")).ok());
}

TEST_F(AuthenticatorTest, WithoutKeysNoJsonWebTokenIsGood) {
  Write({{{"name", "auditor"}, {"jwt_subjects", {"auditor"}}}});
  ASSERT_TRUE(authenticator_->ReloadIfChanged().ok());
  EXPECT_EQ(CallerWith(JwtIssuer("k", "EdDSA").Token({{"sub", "auditor"}})), "");
}

TEST_F(AuthenticatorTest, ACertificateStandsForTheOnePrincipalThatHasItsNames) {
  Json calendar = PrincipalWith("calendar", {"calendar-1"});
  calendar["certificate_names"] = {"spiffe://example.org/calendar", "calendar.example.org"};
  const Json auditor = {{"name", "auditor"}, {"certificate_names", {"auditor.example.org"}}};
  Write({calendar, auditor});
  ASSERT_TRUE(authenticator_->ReloadIfChanged().ok());
  const auto caller_with = [&](const CertificateNames& names) {
    const auto principal = authenticator_->Authenticate(names);
    if (principal.ok()) return (*principal)->name();
    EXPECT_EQ(principal.status(), authenticator_->Authenticate("").status());
    return std::string();
  };
  EXPECT_EQ(caller_with({{"spiffe://example.org/calendar"}, {}}), "calendar");
  EXPECT_EQ(caller_with({{}, {"other.example.org", "auditor.example.org"}}), "auditor");
  EXPECT_EQ(caller_with({{"spiffe://example.org/calendar"}, {"calendar.example.org"}}), "calendar");
  EXPECT_EQ(caller_with({{"spiffe://example.org/other"}, {"auditor.example.org"}}), "auditor");
  EXPECT_EQ(caller_with({}), "");
  EXPECT_EQ(caller_with({{}, {"other.example.org"}}), "");
  EXPECT_EQ(caller_with({{}, {"calendar.example.org", "auditor.example.org"}}), "")
      << "it could be either";
  EXPECT_EQ(caller_with({{"spiffe://example.org/calendar"}, {"auditor.example.org"}}), "");
  EXPECT_EQ(caller_with({{}, {"spiffe://example.org/calendar"}}), "") << "of the wrong kind";
  EXPECT_EQ(caller_with({{"calendar.example.org"}, {}}), "") << "of the wrong kind";
}

TEST_F(AuthenticatorTest, WhoKeepsTheNamesOfACertificateLearnsOfTheirEnd) {
  Write({{{"name", "auditor"}, {"certificate_names", {"auditor.example.org"}}}});
  ASSERT_TRUE(authenticator_->ReloadIfChanged().ok());
  const Authenticator::Credential credential = {.certificate = {{}, {"auditor.example.org"}}};
  EXPECT_EQ((*authenticator_->Authenticate(credential))->name(), "auditor");
  const uint64_t generation = authenticator_->generation();
  Write({{{"name", "auditor"}, {"certificate_names", {"other.example.org"}}}});
  ASSERT_TRUE(authenticator_->ReloadIfChanged().ok());
  EXPECT_NE(authenticator_->generation(), generation);
  EXPECT_EQ(ReasonOf(authenticator_->Authenticate(credential).status()),
            v1::ERROR_REASON_CREDENTIALS_INVALID);
}

TEST_F(AuthenticatorTest, CallersAreKnownThroughoutReloads) {
  std::atomic<bool> done = false;
  std::atomic<int> refused = 0;
  std::vector<std::thread> callers;
  callers.reserve(4);
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      while (!done) {
        const auto principal = authenticator_->Authenticate("Bearer calendar-1");
        if (!principal.ok() || (*principal)->name() != "calendar") ++refused;
      }
    });
  }
  for (int i = 0; i < 200; ++i) {
    Write({PrincipalWith("calendar", {"calendar-1", absl::StrCat("other-", i)})});
    ASSERT_TRUE(authenticator_->ReloadIfChanged().ok());
    EXPECT_EQ(CallerWith(absl::StrCat("other-", i)), "calendar");
  }
  done = true;
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(refused, 0);
}

}  // namespace
}  // namespace innkeeper::auth
