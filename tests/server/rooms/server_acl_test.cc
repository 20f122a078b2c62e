#include "server/rooms/server_acl.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace innkeeper::rooms {
namespace {

struct AclCase {
  std::string acl;
  std::string server_name;
  bool admits;
};

TEST(ServerAclTest, DeniesBeforeItAllowsAndDeniesTheRest) {
  const std::vector<AclCase> cases = {
      {R"({})", "example.org", false},
      {R"({"allow": []})", "example.org", false},
      {R"({"allow": ["*"]})", "example.org", true},
      {R"({"allow": ["*"], "deny": ["example.org"]})", "example.org", false},
      {R"({"allow": ["*"], "deny": ["example.org"]})", "www.example.org", true},
      {R"({"allow": ["*"], "deny": ["*.example.org"]})", "www.example.org", false},
      {R"({"allow": ["exam?le.org"]})", "example.org", true},
      {R"({"allow": ["EXAMPLE.org"]})", "Example.ORG", true},
      {R"({"allow": ["example.org"]})", "example.org:8448", true},
      {R"({"allow": ["example.org:8448"]})", "example.org:8448", false},
      {R"({"allow": ["[2001:db8::1]"]})", "[2001:db8::1]", true},
      {R"({"allow": ["[2001:db8::1]"]})", "[2001:db8::1]:8448", true},
      {R"({"allow": ["example.org"], "deny": "*"})", "example.org", true},
      {R"({"allow": ["*", 5], "deny": [null]})", "example.org", true},
      {R"({"allow": "*"})", "example.org", false},
  };
  for (const AclCase& test : cases) {
    EXPECT_EQ(AdmitsServer(Json::parse(test.acl), test.server_name), test.admits)
        << test.acl << " " << test.server_name;
  }
}

TEST(ServerAclTest, MayShutOutServersWithoutAName) {
  const std::vector<AclCase> cases = {
      {R"({"allow": ["*"], "allow_ip_literals": false})", "192.0.2.1", false},
      {R"({"allow": ["*"], "allow_ip_literals": false})", "192.0.2.1:8448", false},
      {R"({"allow": ["*"], "allow_ip_literals": false})", "[2001:db8::1]:8448", false},
      {R"({"allow": ["*"], "allow_ip_literals": false})", "1.example.org", true},
      {R"({"allow": ["*"], "allow_ip_literals": true})", "192.0.2.1", true},
      {R"({"allow": ["*"], "allow_ip_literals": 0})", "192.0.2.1", true},
  };
  for (const AclCase& test : cases) {
    EXPECT_EQ(AdmitsServer(Json::parse(test.acl), test.server_name), test.admits)
        << test.acl << " " << test.server_name;
  }
}

}  // namespace
}  // namespace innkeeper::rooms
