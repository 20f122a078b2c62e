// A request_id makes a call safe to repeat.

#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/e2e/e2e_test.h"
#include "tests/support/manual_clock.h"

namespace innkeeper {
namespace {

using testing::ElementsAre;

class IdempotencyTest : public E2eTest {
 protected:
  static int RoomsOf(const std::string& user) {
    v1::ListRoomsRequest request;
    request.set_requester(user);
    return backend().ListRooms(request).response.rooms_size();
  }
};

TEST_F(IdempotencyTest, TheSameRequestGetsTheSameResponse) {
  v1::CreateRoomRequest request = RoomRequest(User("alice"));
  request.set_name("Lobby");
  request.set_alias(Alias("lobby"));
  request.set_request_id("same-request");
  const auto first = backend().CreateRoom(request);
  ASSERT_TRUE(first.ok());
  const int64_t head = LogHead();
  const auto second = backend().CreateRoom(request);
  ASSERT_TRUE(second.ok()) << second.status.error_message();
  EXPECT_EQ(second.response.SerializeAsString(), first.response.SerializeAsString());
  EXPECT_EQ(LogHead(), head);
  EXPECT_EQ(RoomsOf(User("alice")), 1);
}

TEST_F(IdempotencyTest, AnotherRequestWithTheSameIdIsRefused) {
  v1::CreateRoomRequest request = RoomRequest(User("alice"));
  request.set_request_id("reused");
  backend().Create(request);
  const int64_t head = LogHead();
  request.set_topic("other");
  const auto refused = backend().CreateRoom(request);
  EXPECT_THAT(refused.status, IsError(grpc::StatusCode::INVALID_ARGUMENT, "REQUEST_ID_REUSED"));
  EXPECT_THAT(FieldsOf(refused.status), ElementsAre("request_id"));
  EXPECT_EQ(LogHead(), head);

  v1::UpgradeRoomRequest upgrade = UpgradeRequest("!some:example.org", User("alice"), "11");
  upgrade.set_request_id("reused");
  EXPECT_THAT(backend().UpgradeRoom(upgrade).status,
              IsError(grpc::StatusCode::INVALID_ARGUMENT, "REQUEST_ID_REUSED"));
}

TEST_F(IdempotencyTest, EachCallerHasIdsOfTheirOwn) {
  v1::CreateRoomRequest request = RoomRequest(User("alice"));
  request.set_request_id("mine");
  const std::string first = backend().Create(request).room_id();
  EXPECT_NE(admin().Create(request).room_id(), first);
}

TEST_F(IdempotencyTest, OfManyAtOnceOneMakesTheRoomAndAllAreToldOfIt) {
  v1::CreateRoomRequest request = RoomRequest(User("alice"));
  request.set_alias(Alias("lobby"));
  request.set_request_id("at-once");
  const auto replies = AtOnce(16, [&](int) { return backend().CreateRoom(request); });
  std::set<std::string> responses;
  for (const auto& reply : replies) {
    EXPECT_TRUE(reply.ok()) << ReasonOf(reply.status) << ": " << reply.status.error_message();
    responses.insert(reply.response.SerializeAsString());
  }
  EXPECT_EQ(responses.size(), 1u);
  EXPECT_EQ(RoomsOf(User("alice")), 1);
}

TEST_F(IdempotencyTest, AFailedCallDoesNotUseUpItsId) {
  v1::CreateRoomRequest request = RoomRequest(User("alice"));
  request.set_alias(Alias("lobby"));
  backend().Create(request);
  request.set_request_id("second-try");
  EXPECT_FALSE(backend().CreateRoom(request).ok());
  request.clear_alias();
  EXPECT_TRUE(backend().CreateRoom(request).ok());
}

TEST_F(IdempotencyTest, ARepeatedUpgradeGetsTheSameResponse) {
  const v1::Room room = backend().Create(RoomRequest(User("alice")));
  v1::UpgradeRoomRequest request = UpgradeRequest(room.room_id(), User("alice"), "12");
  request.set_request_id("upgrade-once");
  const auto first = backend().UpgradeRoom(request);
  ASSERT_TRUE(first.ok()) << first.status.error_message();
  const int64_t head = LogHead();
  const auto second = backend().UpgradeRoom(request);
  ASSERT_TRUE(second.ok()) << second.status.error_message();
  EXPECT_EQ(second.response.SerializeAsString(), first.response.SerializeAsString());
  EXPECT_EQ(LogHead(), head);
}

TEST_F(IdempotencyTest, RepeatedUpgradesAtOnceAreToldOfTheOneOrToWait) {
  for (int round = 0; round < 10; ++round) {
    const std::string alice = User("alice");
    const v1::Room room = backend().Create(RoomRequest(alice));
    v1::UpgradeRoomRequest request = UpgradeRequest(room.room_id(), alice, "11");
    request.set_request_id(absl::StrCat("upgrade-at-once-", round));
    const auto replies = AtOnce(8, [&](int) { return backend().UpgradeRoom(request); });
    std::set<std::string> responses;
    for (const auto& reply : replies) {
      if (reply.ok()) {
        responses.insert(reply.response.SerializeAsString());
      } else {
        EXPECT_THAT(reply.status, IsError(grpc::StatusCode::ABORTED, "ROOM_UPGRADE_IN_PROGRESS"));
      }
    }
    EXPECT_EQ(responses.size(), 1u);
    EXPECT_TRUE(backend().UpgradeRoom(request).ok());
  }
}

// The clock stands for the time between the calls.
class RetentionTest : public testing::Test {
 protected:
  const ManualClock clock_;
  TestServer server_{[](ServerConfig&) {},
                     [this] {
                       Server::Surroundings surroundings;
                       surroundings.clock = clock_.clock();
                       return surroundings;
                     }};
};

TEST_F(RetentionTest, IdsAreKnownForADayAndAcrossRestarts) {
  v1::CreateRoomRequest request = RoomRequest("@alice:example.org");
  request.set_request_id("kept");
  const v1::Room room = TestClient(server_.address(), TestToken("backend")).Create(request);
  clock_.Advance(absl::Hours(24) - absl::Seconds(1));
  ASSERT_TRUE(server_.Stop().ok());
  server_.Start();
  const TestClient client(server_.address(), TestToken("backend"));
  EXPECT_EQ(client.Create(request).SerializeAsString(), room.SerializeAsString());
  request.set_name("other");
  EXPECT_THAT(client.CreateRoom(request).status,
              IsError(grpc::StatusCode::INVALID_ARGUMENT, "REQUEST_ID_REUSED"));
}

}  // namespace
}  // namespace innkeeper
