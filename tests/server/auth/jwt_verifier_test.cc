#include "server/auth/jwt_verifier.h"

#include <gtest/gtest.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/support/jwt_issuer.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temp_dir.h"

namespace innkeeper::auth {
namespace {

using Json = nlohmann::json;

class JwtVerifierTest : public testing::Test {
 protected:
  JwtVerifierTest() {
    WriteKeys(Json::array({issuer_.PublicKey()}));
    EXPECT_TRUE(verifier_.ReloadIfChanged().ok());
  }

  void WriteKeys(const Json& keys) const { dir_.Write("keys.json", KeySet(keys)); }

  static JwtVerifier::Options Options(const std::string& path) {
    return {.keys_file = path,
            .expectations = {.issuer = "https://issuer.example", .audience = "innkeeper"},
            .max_remembered = 100};
  }

  // A token of `subject` that is good for so long.
  std::string Token(const std::string& subject, absl::Duration life) const {
    return issuer_.Token({{"iss", "https://issuer.example"},
                          {"aud", "innkeeper"},
                          {"sub", subject},
                          {"exp", absl::ToUnixSeconds(clock_.clock()() + life)}});
  }

  std::string SubjectOf(const std::string& token) {
    return verifier_.SubjectOf(token, HashOf(token)).value_or("");
  }

  const TempDir dir_;
  const ManualClock clock_;
  const JwtIssuer issuer_{"key-1", "EdDSA"};
  JwtVerifier verifier_{Options(dir_.File("keys.json")), clock_.clock()};
};

TEST_F(JwtVerifierTest, ATokenIsGoodUntilItExpiresAlsoWhenItIsRemembered) {
  const std::string token = Token("calendar", absl::Minutes(10));
  EXPECT_EQ(SubjectOf(token), "calendar");
  clock_.Advance(absl::Minutes(9));
  EXPECT_EQ(SubjectOf(token), "calendar");
  clock_.Advance(absl::Minutes(1) + kJwtLeeway);
  EXPECT_EQ(SubjectOf(token), "");
  EXPECT_EQ(SubjectOf(token), "");
}

TEST_F(JwtVerifierTest, ASignatureIsCheckedOnce) {
  const std::string token = Token("calendar", absl::Minutes(10));
  ASSERT_EQ(SubjectOf(token), "calendar");
  // Whoever is asked about another token under the hash of this one must have remembered.
  EXPECT_EQ(verifier_.SubjectOf("another", HashOf(token)), "calendar");
  EXPECT_EQ(verifier_.SubjectOf("another", HashOf("another")), std::nullopt);
}

TEST_F(JwtVerifierTest, AKeyThatIsTakenOutIsNoLongerGoodForTokensThatWereSeen) {
  const std::string token = Token("calendar", absl::Minutes(10));
  ASSERT_EQ(SubjectOf(token), "calendar");
  const JwtIssuer next("key-2", "ES256");
  WriteKeys({issuer_.PublicKey(), next.PublicKey()});
  ASSERT_TRUE(verifier_.ReloadIfChanged().ok());
  EXPECT_EQ(SubjectOf(token), "calendar");
  WriteKeys(Json::array({next.PublicKey()}));
  ASSERT_TRUE(verifier_.ReloadIfChanged().ok());
  EXPECT_EQ(SubjectOf(token), "");
}

TEST_F(JwtVerifierTest, AKeyOfTheSameIdIsAnotherKey) {
  const std::string token = Token("calendar", absl::Minutes(10));
  ASSERT_EQ(SubjectOf(token), "calendar");
  WriteKeys(Json::array({JwtIssuer("key-1", "EdDSA").PublicKey()}));
  ASSERT_TRUE(verifier_.ReloadIfChanged().ok());
  EXPECT_EQ(SubjectOf(token), "");
}

TEST_F(JwtVerifierTest, AWrongFileLeavesTheKeysInForce) {
  const std::string token = Token("calendar", absl::Minutes(10));
  dir_.Write("keys.json", "{}");
  const absl::Status status = verifier_.ReloadIfChanged();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(),
            dir_.File("keys.json") + ": must be an object with an array \"keys\"");
  EXPECT_EQ(SubjectOf(token), "calendar");
}

TEST_F(JwtVerifierTest, ManyTokensAreAllGoodWhetherRememberedOrNot) {
  std::vector<std::string> tokens;
  for (int i = 0; i < 250; ++i) {
    tokens.push_back(Token(absl::StrCat("caller-", i), absl::Minutes(i % 2 == 0 ? 1 : 10)));
  }
  for (int round = 0; round < 2; ++round) {
    for (size_t i = 0; i < tokens.size(); ++i) {
      const bool is_good = round == 0 || i % 2 == 1;
      EXPECT_EQ(SubjectOf(tokens[i]), is_good ? absl::StrCat("caller-", i) : "");
    }
    clock_.Advance(absl::Minutes(5));
  }
}

TEST_F(JwtVerifierTest, ManyThreadsAskWhileTheKeysChange) {
  const std::string token = Token("calendar", absl::Minutes(10));
  std::atomic<bool> done = false;
  std::atomic<int> refused = 0;
  std::vector<std::thread> callers;
  callers.reserve(4);
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      while (!done) {
        if (verifier_.SubjectOf(token, HashOf(token)) != "calendar") ++refused;
      }
    });
  }
  for (int i = 0; i < 50; ++i) {
    WriteKeys({issuer_.PublicKey(), JwtIssuer(absl::StrCat("other-", i), "EdDSA").PublicKey()});
    ASSERT_TRUE(verifier_.ReloadIfChanged().ok());
  }
  done = true;
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(refused, 0);
}

}  // namespace
}  // namespace innkeeper::auth
