// How callers' tokens and the server's health change while it runs.

#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/time/time.h"
#include "server/rooms/event.h"
#include "tests/e2e/e2e_test.h"
#include "tests/support/health_client.h"
#include "tests/support/people.h"

namespace innkeeper {
namespace {

TEST(TokenFileTest, AChangeTakesEffectWhileRunning) {
  TestServer server;
  const TestClient alice(server.address(), TestToken("alice"));
  const TestClient newcomer(server.address(), "newcomer-token");
  const v1::CreateRoomRequest request = RoomRequest(kAlice);
  ASSERT_TRUE(alice.CreateRoom(request).ok());
  ASSERT_EQ(newcomer.CreateRoom(request).status.error_code(), grpc::StatusCode::UNAUTHENTICATED);

  const nlohmann::json file = {
      {"principals",
       {{{"name", "newcomer"},
         {"token_sha256", {absl::BytesToHexString(rooms::Sha256("newcomer-token"))}},
         {"roles", {"create"}},
         {"users", {"@alice:*"}}}}}};
  server.dir().Write("tokens.json", file.dump());
  while (!newcomer.CreateRoom(request).ok()) {
  }
  EXPECT_THAT(alice.CreateRoom(request).status,
              IsError(grpc::StatusCode::UNAUTHENTICATED, "CREDENTIALS_INVALID"));

  // A file that is wrong changes nothing; one that comes after it counts.
  server.dir().Write("tokens.json", "{");
  EXPECT_TRUE(newcomer.CreateRoom(request).ok());
  server.dir().Write("tokens.json", TestTokenFile());
  while (!alice.CreateRoom(request).ok()) {
    EXPECT_TRUE(newcomer.CreateRoom(request).status.ok() ||
                newcomer.CreateRoom(request).status.error_code() ==
                    grpc::StatusCode::UNAUTHENTICATED);
  }
}

TEST(HealthTest, EndsBeforeTheServerDoes) {
  TestServer server([](ServerConfig& config) { config.drain_timeout = absl::Milliseconds(200); });
  HealthWatch watch(server.address(), "innkeeper.v1.RoomLifecycle");
  EXPECT_EQ(watch.Next(), "SERVING");
  ASSERT_TRUE(server.Stop().ok());
  EXPECT_EQ(watch.Next(), "NOT_SERVING");
}

}  // namespace
}  // namespace innkeeper
