#include "server/rooms/server_acl.h"

#include <gtest/gtest.h>

namespace innkeeper::rooms {
namespace {

bool Allows(absl::string_view content, absl::string_view server_name) {
  return AclAllows(ParseJson(content).value(), server_name);
}

TEST(ServerAclTest, OnlyWhatIsAllowedAndNotDenied) {
  EXPECT_TRUE(Allows(R"({"allow": ["*"]})", "example.org"));
  EXPECT_TRUE(Allows(R"({"allow": ["example.???"]})", "example.org"));
  EXPECT_FALSE(Allows(R"({"allow": ["*"], "deny": ["example.*"]})", "example.org"));
  EXPECT_FALSE(Allows(R"({"allow": ["elsewhere.net"]})", "example.org"));
  EXPECT_FALSE(Allows("{}", "example.org"));
  EXPECT_FALSE(Allows(R"({"allow": "*"})", "example.org"));
  EXPECT_FALSE(Allows(R"({"allow": [1, null]})", "example.org"));
}

TEST(ServerAclTest, NeitherPortNorCaseCounts) {
  EXPECT_TRUE(Allows(R"({"allow": ["EXAMPLE.org"]})", "Example.org:8448"));
  EXPECT_FALSE(Allows(R"({"allow": ["*"], "deny": ["example.ORG"]})", "example.org:1"));
  EXPECT_TRUE(Allows(R"({"allow": ["[2001:db8::1]"]})", "[2001:db8::1]:8448"));
}

TEST(ServerAclTest, AddressesCanBeShutOut) {
  for (const auto* name : {"127.0.0.1", "10.0.0.1:8448", "[::1]", "[::1]:8448"}) {
    EXPECT_FALSE(Allows(R"({"allow": ["*"], "allow_ip_literals": false})", name)) << name;
    EXPECT_TRUE(Allows(R"({"allow": ["*"], "allow_ip_literals": true})", name)) << name;
    EXPECT_TRUE(Allows(R"({"allow": ["*"]})", name)) << name;
  }
  for (const auto* name : {"example.org", "1.example.org:8448", "localhost"}) {
    EXPECT_TRUE(Allows(R"({"allow": ["*"], "allow_ip_literals": false})", name)) << name;
  }
}

}  // namespace
}  // namespace innkeeper::rooms
