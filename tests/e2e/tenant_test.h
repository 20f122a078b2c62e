// File: tests/e2e/tenant_test.h
//
// A principal that is kept to audiences, whose roles and audiences a test changes.

#ifndef INNKEEPER_TESTS_E2E_TENANT_TEST_H_
#define INNKEEPER_TESTS_E2E_TENANT_TEST_H_

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/test_client.h"
#include "tests/support/test_server.h"

namespace innkeeper {

inline constexpr char kTenantTestUser[] = "@alice:example.org";

// Each test has a log and a token file of its own.
class TenantTest : public testing::Test {
 protected:
  // Has the principal "tenant" be one with these roles and audiences.
  void SetTenant(const std::vector<std::string>& roles, const std::vector<std::string>& audiences) {
    auto file = nlohmann::json::parse(TestTokenFile());
    for (auto& principal : file["principals"]) {
      if (principal["name"] != "tenant") continue;
      principal["roles"] = roles;
      principal["audiences"] = audiences;
    }
    server_.dir().Write("tokens.json", file.dump());
  }

  void RevokeTenant() {
    auto file = nlohmann::json::parse(TestTokenFile());
    auto& principals = file["principals"];
    for (size_t i = 0; i < principals.size(); ++i) {
      if (principals[i]["name"] == "tenant") principals.erase(i);
    }
    server_.dir().Write("tokens.json", file.dump());
  }

  // Asks until the tenant may list the events of the audience.
  void AwaitAudience(const std::string& audience) {
    v1::ListRoomEventsRequest list;
    list.mutable_filter()->add_audiences(audience);
    while (!tenant_.ListRoomEvents(list).ok()) {
    }
  }

  std::string CreateFor(const std::string& audience) {
    v1::CreateRoomRequest request = RoomRequest(kTenantTestUser);
    request.set_audience(audience);
    return admin_.Create(request).room_id();
  }

  TestServer server_;
  const TestClient admin_{server_.address(), TestToken("admin")};
  const TestClient tenant_{server_.address(), TestToken("tenant")};
  const TestClient watcher_{server_.address(), TestToken("watcher")};
};

}  // namespace innkeeper

#endif  // INNKEEPER_TESTS_E2E_TENANT_TEST_H_
