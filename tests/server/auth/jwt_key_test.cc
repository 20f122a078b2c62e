#include "server/auth/jwt_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/base/file.h"
#include "tests/support/jwt_issuer.h"

namespace innkeeper::auth {
namespace {

using Json = nlohmann::json;
using testing::StartsWith;
using testing::UnorderedElementsAre;

// The examples of RFC 7515, appendices A.2 and A.3, and RFC 8037, appendix A.
struct Example {
  Json key;
  std::string text;
  std::string signature;
};

constexpr char kClaims[] =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
    "fQ";

std::vector<Example> Examples() {
  return {
      {{{"kid", "rsa"},
        {"kty", "RSA"},
        {"n",
         "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0"
         "Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-"
         "bSf63kpaSHSXndS"
         "5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_"
         "I5IhlJH"
         "7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"},
        {"e", "AQAB"}},
       absl::StrCat("eyJhbGciOiJSUzI1NiJ9.", kClaims),
       "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp"
       "5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_"
       "nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHl"
       "b1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-"
       "eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9Q"
       "OYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"},
      {{{"kid", "ec"},
        {"kty", "EC"},
        {"crv", "P-256"},
        {"x", "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"},
        {"y", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}},
       absl::StrCat("eyJhbGciOiJFUzI1NiJ9.", kClaims),
       "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"},
      {{{"kid", "ed"},
        {"kty", "OKP"},
        {"crv", "Ed25519"},
        {"x", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}},
       "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
       "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"}};
}

std::string ComplaintAboutKeys(const Json& keys) {
  const absl::Status status = ParseJwtKeys(KeySet(keys)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << keys;
  return std::string(status.message());
}

// The complaint about the last of two keys of which the other is good.
std::string ComplaintAboutKey(const Json& key) {
  return ComplaintAboutKeys({JwtIssuer("other", "EdDSA").PublicKey(), key});
}

TEST(JwtKeyTest, VerifiesTheExamplesOfTheStandards) {
  for (const Example& example : Examples()) {
    SCOPED_TRACE(example.key);
    const auto keys = ParseJwtKeys(KeySet(Json::array({example.key})));
    ASSERT_TRUE(keys.ok()) << keys.status();
    const JwtKey& key = keys->begin()->second;
    const std::string signature = DecodeBase64Url(example.signature).value();
    EXPECT_TRUE(key.Verifies(example.text, signature));
    EXPECT_FALSE(key.Verifies(example.text + " ", signature));
    EXPECT_FALSE(key.Verifies(example.text, ""));
    EXPECT_FALSE(key.Verifies(example.text, signature + signature));
    for (size_t i = 0; i < signature.size(); ++i) {
      std::string changed = signature;
      changed[i] = static_cast<char>(changed[i] ^ 1);
      EXPECT_FALSE(key.Verifies(example.text, changed)) << i;
    }
  }
}

TEST(JwtKeyTest, AnEcdsaSignatureOfZerosIsRefused) {
  const auto keys = ParseJwtKeys(KeySet(Json::array({JwtIssuer("k", "ES256").PublicKey()})));
  EXPECT_FALSE(keys->at("k").Verifies("text", std::string(64, '\0')));
}

TEST(JwtKeyTest, EachKeyHasOneAlgorithm) {
  Json set;
  for (const Example& example : Examples()) set.push_back(example.key);
  const auto keys = ParseJwtKeys(KeySet(set));
  ASSERT_TRUE(keys.ok()) << keys.status();
  EXPECT_EQ(keys->at("rsa").algorithm(), JwtAlgorithm::kRs256);
  EXPECT_EQ(keys->at("ec").algorithm(), JwtAlgorithm::kEs256);
  EXPECT_EQ(keys->at("ed").algorithm(), JwtAlgorithm::kEdDsa);
}

TEST(JwtKeysTest, LeavesOutKeysForOtherPurposes) {
  const Json good = JwtIssuer("good", "ES256").PublicKey();
  Json encryption = good;
  encryption["use"] = "enc";
  Json other_algorithm = JwtIssuer("b", "RS256").PublicKey();
  other_algorithm["alg"] = "PS256";
  Json other_curve = good;
  other_curve["crv"] = "P-384";
  const Json unknown = {{"kty", "lattice"}};
  const auto keys = ParseJwtKeys(KeySet({encryption, other_algorithm, other_curve, unknown, good}));
  ASSERT_TRUE(keys.ok()) << keys.status();
  EXPECT_EQ(keys->size(), 1u);
  EXPECT_TRUE(keys->contains("good"));
  EXPECT_EQ(ComplaintAboutKeys(Json::array({unknown})),
            "keys: must have a key for EdDSA (Ed25519), ES256 or RS256");
}

TEST(JwtKeysTest, RefusesWhatIsNoKeySet) {
  for (const char* text : {"", "[]", "{}", R"({"keys": {}})", R"({"keys": [], "keys": []})"}) {
    EXPECT_EQ(ParseJwtKeys(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
  EXPECT_EQ(ComplaintAboutKey("key"), "keys[1]: must be an object");
}

TEST(JwtKeysTest, RefusesSecretKeys) {
  Json secret = JwtIssuer("k", "EdDSA").PublicKey();
  secret["d"] = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
  EXPECT_EQ(ComplaintAboutKey(secret),
            "keys[1]: is a secret key; the file must hold public keys only");
  EXPECT_EQ(ComplaintAboutKey({{"kty", "oct"}, {"kid", "k"}, {"k", "c2VjcmV0"}}),
            "keys[1]: is a secret key; the file must hold public keys only");
}

TEST(JwtKeysTest, RefusesKeysWithoutAnIdOrWithThatOfAnother) {
  Json key = JwtIssuer("other", "EdDSA").PublicKey();
  EXPECT_EQ(ComplaintAboutKey(key), "keys[1].kid: is the id of another key, too");
  key["kid"] = std::string(257, 'k');
  EXPECT_EQ(ComplaintAboutKey(key), "keys[1].kid: must be a text of 1 to 256 bytes");
  key["kid"] = 7;
  EXPECT_EQ(ComplaintAboutKey(key), "keys[1].kid: must be a string");
  key.erase("kid");
  EXPECT_EQ(ComplaintAboutKey(key), "keys[1].kid: must be a text of 1 to 256 bytes");
}

TEST(JwtKeysTest, RefusesMalformedAndWeakKeys) {
  for (const char* algorithm : {"EdDSA", "ES256", "RS256"}) {
    SCOPED_TRACE(algorithm);
    const Json good = JwtIssuer("k", algorithm).PublicKey();
    const char* const parameter = std::string(algorithm) == "RS256" ? "n" : "x";
    Json key = good;
    key.erase(parameter);
    EXPECT_THAT(ComplaintAboutKey(key),
                StartsWith(absl::StrCat("keys[1].", parameter, ": must be")));
    key[parameter] = good[parameter].get<std::string>() + "=";
    EXPECT_THAT(ComplaintAboutKey(key),
                StartsWith(absl::StrCat("keys[1].", parameter, ": must be")));
    key[parameter] = "AAAA";
    EXPECT_THAT(ComplaintAboutKey(key), StartsWith("keys[1]: is no key of its kind"));
  }
  Json off_the_curve = JwtIssuer("k", "ES256").PublicKey();
  off_the_curve["y"] = off_the_curve["x"];
  EXPECT_THAT(ComplaintAboutKey(off_the_curve), StartsWith("keys[1]: is no key of its kind"));
  EXPECT_THAT(ComplaintAboutKey(JwtIssuer("k", "RS256", 1024).PublicKey()),
              StartsWith("keys[1]: is no key of its kind"));
  Json exponent_one = JwtIssuer("k", "RS256").PublicKey();
  exponent_one["e"] = "AQ";
  EXPECT_THAT(ComplaintAboutKey(exponent_one), StartsWith("keys[1]: is no key of its kind"));
}

TEST(JwtKeysTest, NeverQuotesTheFile) {
  const std::string secret = "s3cret";
  for (const char* name : {"kty", "kid", "alg", "crv", "x", "use", "s3cret"}) {
    for (const Json& value : {Json(secret), Json({secret}), Json(7)}) {
      Json key = JwtIssuer("k", "EdDSA").PublicKey();
      key[name] = value;
      const auto keys = ParseJwtKeys(KeySet(Json::array({key})));
      EXPECT_FALSE(absl::StrContains(keys.status().message(), secret)) << name;
    }
  }
}

TEST(JwtKeysTest, TheExampleInTheDocumentIsGood) {
  const auto document = ReadFile(INNKEEPER_SOURCE_DIR "/docs/authentication.md", 1 << 20);
  ASSERT_TRUE(document.ok()) << document.status();
  const size_t start = document->bytes.find(R"({"keys")");
  const auto keys =
      ParseJwtKeys(document->bytes.substr(start, document->bytes.find("```", start) - start));
  EXPECT_TRUE(keys.ok()) << keys.status();
}

TEST(Base64UrlTest, TakesNothingButTheOneFormOfEachText) {
  EXPECT_EQ(DecodeBase64Url(""), "");
  EXPECT_EQ(DecodeBase64Url("-_8"), "\xfb\xff");
  for (const char* text : {"-_8=", "+/8", "-_9", "- _8", "-_8\n", "A", "*"}) {
    EXPECT_EQ(DecodeBase64Url(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace innkeeper::auth
