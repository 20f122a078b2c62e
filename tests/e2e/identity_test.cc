// Callers prove who they are by JSON Web Tokens, too.

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/e2e/e2e_test.h"
#include "tests/support/jwt_issuer.h"
#include "tests/support/people.h"

namespace innkeeper {
namespace {

using grpc::StatusCode;
using Json = nlohmann::json;

class JwtTest : public testing::Test {
 protected:
  JwtTest()
      : server_([this](ServerConfig& config) {
          config.jwt_keys_file = keys_dir_.Write("keys.json", KeySet(Json::array({Key()})));
          config.jwt_issuer = "https://issuer.example";
          config.jwt_audience = "innkeeper";
          Json file = Json::parse(TestTokenFile());
          file["principals"].push_back({{"name", "calendar"},
                                        {"jwt_subjects", {"calendar@issuer.example"}},
                                        {"roles", {"create"}},
                                        {"users", {"@*:example.org"}}});
          config.tokens_file = keys_dir_.Write("principals.json", file.dump());
        }) {}

  Json Key() const { return issuer_.PublicKey(); }

  static Json Claims() {
    return {{"iss", "https://issuer.example"},
            {"aud", Json::array({"innkeeper"})},
            {"sub", "calendar@issuer.example"},
            {"exp", absl::ToUnixSeconds(absl::Now()) + 600}};
  }

  static Json ClaimsWith(const char* name, const Json& value) {
    Json claims = Claims();
    claims[name] = value;
    return claims;
  }

  grpc::Status CreateWith(const std::string& token) const {
    return TestClient(server_.address(), token).CreateRoom(RoomRequest(kAlice)).status;
  }

  const TempDir keys_dir_;
  const JwtIssuer issuer_{"key-1", "ES256"};
  TestServer server_;
};

TEST_F(JwtTest, AnIssuersTokenStandsForThePrincipalThatItNames) {
  const grpc::Status status = CreateWith(issuer_.Token(Claims()));
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_TRUE(CreateWith(TestToken("alice")).ok()) << "tokens of the file are as good as ever";
}

TEST_F(JwtTest, TheRolesAreThoseOfTheTokenFile) {
  Json claims = Claims();
  claims["roles"] = {"admin", "watch"};
  const TestClient calendar(server_.address(), issuer_.Token(claims));
  EXPECT_THAT(calendar.ListRoomEvents({}).status,
              IsError(StatusCode::PERMISSION_DENIED, "ROLE_MISSING"));
}

TEST_F(JwtTest, EveryOtherTokenIsRefusedInTheSameWords) {
  const grpc::Status refusal = CreateWith("unknown");
  ASSERT_THAT(refusal, IsError(StatusCode::UNAUTHENTICATED, "CREDENTIALS_INVALID"));
  const Json unsigned_header = {{"alg", "none"}, {"kid", "key-1"}};
  for (const std::string& token :
       {issuer_.Token(ClaimsWith("exp", absl::ToUnixSeconds(absl::Now()) - 60)),
        issuer_.Token(ClaimsWith("nbf", absl::ToUnixSeconds(absl::Now()) + 600)),
        issuer_.Token(ClaimsWith("aud", "other")),
        issuer_.Token(ClaimsWith("iss", "https://other.example")),
        issuer_.Token(ClaimsWith("sub", "stranger")), issuer_.Token(unsigned_header, Claims()),
        JwtIssuer("key-1", "ES256").Token(Claims())}) {
    const grpc::Status status = CreateWith(token);
    EXPECT_EQ(status.error_code(), refusal.error_code()) << token;
    EXPECT_EQ(status.error_message(), refusal.error_message());
    EXPECT_EQ(status.error_details(), refusal.error_details());
  }
}

TEST_F(JwtTest, KeysAreExchangedWhileTheServerRuns) {
  const JwtIssuer next("key-2", "EdDSA");
  ASSERT_TRUE(CreateWith(issuer_.Token(Claims())).ok());
  ASSERT_FALSE(CreateWith(next.Token(Claims())).ok());
  keys_dir_.Write("keys.json", KeySet(Json::array({next.PublicKey()})));
  while (!CreateWith(next.Token(Claims())).ok()) {
  }
  EXPECT_THAT(CreateWith(issuer_.Token(Claims())),
              IsError(StatusCode::UNAUTHENTICATED, "CREDENTIALS_INVALID"));
}

}  // namespace
}  // namespace innkeeper
