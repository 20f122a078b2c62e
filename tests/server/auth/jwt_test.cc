#include "server/auth/jwt.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/support/jwt_issuer.h"

namespace innkeeper::auth {
namespace {

using Json = nlohmann::json;

constexpr int64_t kNow = 1'700'000'000;

class JwtTest : public testing::Test {
 protected:
  JwtTest() { UseKeys(Json::array({issuer_.PublicKey()})); }

  void UseKeys(const Json& set) {
    auto keys = ParseJwtKeys(KeySet(set));
    ASSERT_TRUE(keys.ok()) << keys.status();
    keys_ = *std::move(keys);
  }

  static Json Claims() {
    return {{"iss", "https://issuer.example"},
            {"aud", "innkeeper"},
            {"sub", "calendar"},
            {"exp", kNow + 600},
            {"nbf", kNow - 600},
            {"iat", kNow - 600}};
  }

  static Json ClaimsWith(const char* name, const Json& value) {
    Json claims = Claims();
    claims[name] = value;
    return claims;
  }

  // The subject of a token at kNow; "" if it is refused.
  std::string SubjectOf(const std::string& token) const {
    const auto identity = VerifyJwt(token, keys_, {"https://issuer.example", "innkeeper"},
                                    absl::FromUnixSeconds(kNow));
    return identity ? identity->subject : "";
  }
  std::string SubjectOf(const Json& claims) const { return SubjectOf(issuer_.Token(claims)); }

  const JwtIssuer issuer_{"key-1", "ES256"};
  JwtKeys keys_;
};

TEST_F(JwtTest, TakesWhatIsSignedWithAnyAlgorithm) {
  for (const char* algorithm : {"EdDSA", "ES256", "RS256"}) {
    const JwtIssuer issuer("k", algorithm);
    UseKeys({issuer_.PublicKey(), issuer.PublicKey()});
    EXPECT_EQ(SubjectOf(issuer.Token(Claims())), "calendar") << algorithm;
    EXPECT_EQ(SubjectOf(issuer_.Token(Claims())), "calendar") << algorithm;
    EXPECT_EQ(SubjectOf(JwtIssuer("k", algorithm).Token(Claims())), "") << "another key";
  }
}

TEST_F(JwtTest, TellsWhenTheTokenExpires) {
  const auto identity =
      VerifyJwt(issuer_.Token(Claims()), keys_, {"https://issuer.example", "innkeeper"},
                absl::FromUnixSeconds(kNow));
  ASSERT_TRUE(identity.has_value());
  EXPECT_EQ(identity->expire_time, absl::FromUnixSeconds(kNow + 600));
}

TEST_F(JwtTest, AChangedTokenIsRefused) {
  const std::string token = issuer_.Token(Claims());
  ASSERT_EQ(SubjectOf(token), "calendar");
  for (size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(SubjectOf(changed), "") << i;
    EXPECT_EQ(SubjectOf(token.substr(0, i)), "") << i;
  }
}

TEST_F(JwtTest, ClaimsOfOneTokenDoNotGoWithTheSignatureOfAnother) {
  const std::vector<std::string> mine = absl::StrSplit(issuer_.Token(Claims()), '.');
  const std::vector<std::string> admins =
      absl::StrSplit(issuer_.Token(ClaimsWith("sub", "admin")), '.');
  EXPECT_EQ(SubjectOf(absl::StrCat(mine[0], ".", admins[1], ".", mine[2])), "");
}

TEST_F(JwtTest, TheTokenDoesNotChooseItsAlgorithm) {
  for (const char* algorithm : {"none", "None", "HS256", "RS256", "EdDSA", "ES384", "es256", ""}) {
    Json header = issuer_.Header();
    header["alg"] = algorithm;
    EXPECT_EQ(SubjectOf(issuer_.Token(header, Claims())), "") << algorithm;
  }
  const std::vector<std::string> parts = absl::StrSplit(issuer_.Token(Claims()), '.');
  const std::string none = absl::WebSafeBase64Escape(R"({"alg":"none","kid":"key-1"})");
  EXPECT_EQ(SubjectOf(absl::StrCat(none, ".", parts[1], ".")), "");
}

TEST_F(JwtTest, TheKeyIsTheOneThatTheTokenNames) {
  const JwtIssuer other("key-2", "ES256");
  UseKeys({issuer_.PublicKey(), other.PublicKey()});
  Json header = issuer_.Header();
  header["kid"] = "key-2";
  EXPECT_EQ(SubjectOf(issuer_.Token(header, Claims())), "");
  header["kid"] = "key-3";
  EXPECT_EQ(SubjectOf(issuer_.Token(header, Claims())), "");
  header["kid"] = 1;
  EXPECT_EQ(SubjectOf(issuer_.Token(header, Claims())), "");
  header.erase("kid");
  EXPECT_EQ(SubjectOf(issuer_.Token(header, Claims())), "");
}

TEST_F(JwtTest, KeysInTheTokenAreNotUsed) {
  const JwtIssuer intruder("intruder", "ES256");
  Json header = intruder.Header();
  header["jwk"] = intruder.PublicKey();
  EXPECT_EQ(SubjectOf(intruder.Token(header, Claims())), "");
}

TEST_F(JwtTest, RefusesOtherKindsOfTokensAndCriticalExtensions) {
  Json header = issuer_.Header();
  for (const char* type : {"JWT", "jwt", "at+jwt"}) {
    header["typ"] = type;
    EXPECT_EQ(SubjectOf(issuer_.Token(header, Claims())), "calendar") << type;
  }
  for (const Json& type : {Json("JOSE"), Json("dpop+jwt"), Json(""), Json(1)}) {
    header["typ"] = type;
    EXPECT_EQ(SubjectOf(issuer_.Token(header, Claims())), "") << type;
  }
  header["typ"] = "JWT";
  header["crit"] = Json::array({"exp"});
  EXPECT_EQ(SubjectOf(issuer_.Token(header, Claims())), "");
}

TEST_F(JwtTest, ChecksTheIssuer) {
  for (const Json& value : {Json("https://other.example"), Json("https://issuer.example/"),
                            Json(""), Json(), Json::array({"https://issuer.example"})}) {
    EXPECT_EQ(SubjectOf(ClaimsWith("iss", value)), "") << value;
  }
}

TEST_F(JwtTest, ChecksTheAudience) {
  for (const Json& value : {Json("innkeeper"), Json::array({"other", "innkeeper"})}) {
    EXPECT_EQ(SubjectOf(ClaimsWith("aud", value)), "calendar") << value;
  }
  for (const Json& value :
       {Json("other"), Json(""), Json(), Json::array(), Json::array({"other"}),
        Json::parse(R"([["innkeeper"]])"), Json::object({{"innkeeper", "innkeeper"}})}) {
    EXPECT_EQ(SubjectOf(ClaimsWith("aud", value)), "") << value;
  }
}

TEST_F(JwtTest, ChecksWhenTheTokenIsGood) {
  for (const Json& value : {Json(kNow + 1), Json(kNow - 29), Json(kNow + 0.5)}) {
    EXPECT_EQ(SubjectOf(ClaimsWith("exp", value)), "calendar") << value;
  }
  for (const Json& value :
       {Json(kNow - 30), Json(0), Json(-1), Json(1e300), Json("1800000000"), Json(), Json(true)}) {
    EXPECT_EQ(SubjectOf(ClaimsWith("exp", value)), "") << value;
  }
  for (const Json& value : {Json(kNow), Json(kNow + 30), Json(0)}) {
    EXPECT_EQ(SubjectOf(ClaimsWith("nbf", value)), "calendar") << value;
  }
  for (const Json& value : {Json(kNow + 31), Json("0"), Json(-1), Json()}) {
    EXPECT_EQ(SubjectOf(ClaimsWith("nbf", value)), "") << value;
  }
}

TEST_F(JwtTest, NeedsEveryClaimButNotBefore) {
  for (const char* name : {"iss", "aud", "sub", "exp", "nbf", "iat"}) {
    Json claims = Claims();
    claims.erase(name);
    const bool optional = std::string(name) == "nbf" || std::string(name) == "iat";
    EXPECT_EQ(SubjectOf(claims), optional ? "calendar" : "") << name;
  }
  for (const Json& value : {Json(""), Json(7), Json::array({"calendar"})}) {
    EXPECT_EQ(SubjectOf(ClaimsWith("sub", value)), "") << value;
  }
}

TEST_F(JwtTest, RefusesWhatIsNotOneObjectWithEachKeyOnce) {
  const std::string header = issuer_.Header().dump();
  const std::string claims = Claims().dump();
  ASSERT_EQ(SubjectOf(issuer_.TokenOf(header, claims)), "calendar");
  for (const std::string& wrong :
       {std::string(), std::string("[]"), std::string("null"), claims + "x",
        absl::StrCat(claims.substr(0, claims.size() - 1), R"(,"sub":"admin"})")}) {
    EXPECT_EQ(SubjectOf(issuer_.TokenOf(header, wrong)), "") << wrong;
  }
  EXPECT_EQ(SubjectOf(issuer_.TokenOf(
                absl::StrCat(header.substr(0, header.size() - 1), R"(,"kid":"key-1"})"), claims)),
            "");
}

TEST_F(JwtTest, RefusesOtherFormsOfTheSameToken) {
  const std::string token = issuer_.Token(Claims());
  for (const std::string& other :
       {token + "=", token + ".", "." + token, token + "\n", absl::StrCat(token, ".", token),
        std::string(), std::string(".."), std::string("...")}) {
    EXPECT_EQ(SubjectOf(other), "") << other;
  }
}

}  // namespace
}  // namespace innkeeper::auth
