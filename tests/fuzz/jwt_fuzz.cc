// JSON Web Tokens. An input is a token, or, for what lies behind the signature, three lines:
// "sign", a header, and claims.

#include <glog/logging.h>

#include <algorithm>
#include <optional>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "server/auth/jwt.h"
#include "server/auth/jwt_key.h"
#include "server/rooms/ed25519.h"
#include "server/rooms/json.h"
#include "tests/fuzz/fuzz_target.h"

namespace innkeeper::fuzz {
namespace {

using rooms::Json;

constexpr char kKeyId[] = "key-1";
constexpr char kIssuer[] = "https://issuer.example";
constexpr char kAudience[] = "innkeeper";
constexpr int64_t kNow = 1'700'000'000;

const rooms::Ed25519Key& PrivateKey() {
  static const rooms::Ed25519Key key(std::string(rooms::kEd25519SeedBytes, 's'));
  return key;
}

const auth::JwtKeys& Keys() {
  static const auth::JwtKeys keys = [] {
    const Json key = {{"kty", "OKP"},
                      {"crv", "Ed25519"},
                      {"kid", kKeyId},
                      {"x", absl::WebSafeBase64Escape(PrivateKey().public_key())}};
    return auth::ParseJwtKeys(Json{{"keys", {key}}}.dump()).value();
  }();
  return keys;
}

std::string SignedToken(absl::string_view header, absl::string_view claims) {
  const std::string text =
      absl::StrCat(absl::WebSafeBase64Escape(header), ".", absl::WebSafeBase64Escape(claims));
  return absl::StrCat(text, ".", absl::WebSafeBase64Escape(PrivateKey().Sign(text)));
}

std::optional<auth::JwtIdentity> Verify(const std::string& token, int64_t now) {
  return auth::VerifyJwt(token, Keys(), {kIssuer, kAudience}, absl::FromUnixSeconds(now));
}

// What is accepted says all that it must, by another reading than the product's.
void CheckClaims(const auth::JwtIdentity& identity, const std::string& header_text,
                 const std::string& claims_text) {
  const Json header = Json::parse(header_text);
  const Json claims = Json::parse(claims_text);
  CHECK(header.at("alg") == "EdDSA" && header.at("kid") == kKeyId) << header;
  CHECK(!header.contains("crit")) << header;
  CHECK(claims.at("iss") == kIssuer) << claims;
  const Json& audience = claims.at("aud");
  CHECK(audience == kAudience || (audience.is_array() && std::find(audience.begin(), audience.end(),
                                                                   kAudience) != audience.end()))
      << claims;
  CHECK(claims.at("sub") == identity.subject && !identity.subject.empty()) << claims;
  CHECK_GT(claims.at("exp").get<double>(), kNow - 31) << claims;
  if (claims.contains("nbf")) CHECK_LT(claims.at("nbf").get<double>(), kNow + 31) << claims;
}

void CheckToken(const std::string& token) {
  const auto identity = Verify(token, kNow);
  if (!identity) return;
  const std::vector<std::string> parts = absl::StrSplit(token, '.');
  const auto header = auth::DecodeBase64Url(parts.at(0));
  const auto claims = auth::DecodeBase64Url(parts.at(1));
  CHECK(header && claims && auth::HasJwtForm(token)) << token;
  // No two strings are the same token.
  CHECK_EQ(SignedToken(*header, *claims), token);
  CheckClaims(*identity, *header, *claims);
  CHECK(!Verify(token, absl::ToUnixSeconds(identity->expire_time) + 31)) << "expires never";
  CHECK(!auth::VerifyJwt(token, Keys(), {kIssuer, "another"}, absl::FromUnixSeconds(kNow)) ||
        Json::parse(*claims).at("aud").is_array())
      << *claims;
  CHECK(!auth::VerifyJwt(token, {}, {kIssuer, kAudience}, absl::FromUnixSeconds(kNow)));
}

}  // namespace

void TestOneInput(absl::string_view input) {
  if (!absl::ConsumePrefix(&input, "sign\n")) return CheckToken(std::string(input));
  const std::pair<std::string, std::string> parts = absl::StrSplit(input, absl::MaxSplits('\n', 1));
  CheckToken(SignedToken(parts.first, parts.second));
}

std::vector<std::string> MadeSeeds() {
  const Json header = {{"alg", "EdDSA"}, {"kid", kKeyId}, {"typ", "JWT"}};
  const Json claims = {
      {"iss", kIssuer}, {"aud", kAudience}, {"sub", "calendar"}, {"exp", kNow + 600}};
  const std::string token = SignedToken(header.dump(), claims.dump());
  CHECK(Verify(token, kNow));
  return {token, token + "=", token + "\n"};
}

}  // namespace innkeeper::fuzz
