// What the configuration and the clock have to say about CreateRoom: the rate
// limit, encryption unasked, the default version, the number of invites.

#include <memory>
#include <string>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "google/rpc/error_details.pb.h"
#include "tests/e2e/e2e_test.h"
#include "tests/support/manual_clock.h"

namespace innkeeper {
namespace {

absl::Duration RetryDelayOf(const grpc::Status& status) {
  google::rpc::RetryInfo info;
  EXPECT_TRUE(info.ParseFromString(DetailOf(status, "google.rpc.RetryInfo")));
  return absl::Seconds(info.retry_delay().seconds()) +
         absl::Nanoseconds(info.retry_delay().nanos());
}

class RateLimitTest : public testing::Test {
 protected:
  const ManualClock clock_;
  TestServer server_{[](ServerConfig& config) {
                       config.room_creation_rate = 0.5;
                       config.room_creation_burst = 3;
                     },
                     [this] {
                       Server::Surroundings surroundings;
                       surroundings.clock = clock_.clock();
                       return surroundings;
                     }};
  const TestClient client_{server_.address(), TestToken("backend")};
};

TEST_F(RateLimitTest, ACreatorWhoMakesTooManyIsToldWhenToTryAgain) {
  const v1::CreateRoomRequest request = RoomRequest("@alice:example.org");
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(client_.CreateRoom(request).ok());
  const auto refused = client_.CreateRoom(request);
  EXPECT_THAT(refused.status,
              IsError(grpc::StatusCode::RESOURCE_EXHAUSTED, "ROOM_CREATION_RATE_LIMITED"));
  const absl::Duration delay = RetryDelayOf(refused.status);
  EXPECT_EQ(delay, absl::Seconds(2));
  EXPECT_TRUE(client_.CreateRoom(RoomRequest("@bob:example.org")).ok()) << "each has their own";

  clock_.Advance(delay - absl::Milliseconds(1));
  EXPECT_FALSE(client_.CreateRoom(request).ok());
  clock_.Advance(absl::Milliseconds(1));
  EXPECT_TRUE(client_.CreateRoom(request).ok());
  EXPECT_FALSE(client_.CreateRoom(request).ok());
}

TEST_F(RateLimitTest, WhatMakesNoRoomTakesNothing) {
  const std::string alice = "@alice:example.org";
  v1::CreateRoomRequest taken = RoomRequest("@bob:example.org");
  taken.set_alias("#taken:example.org");
  EXPECT_TRUE(client_.CreateRoom(taken).ok());

  taken.set_creator(alice);
  v1::CreateRoomRequest wrong = RoomRequest(alice);
  wrong.set_name("  ");
  v1::CreateRoomRequest dry = RoomRequest(alice);
  dry.set_validate_only(true);
  v1::CreateRoomRequest first = RoomRequest(alice);
  first.set_request_id("first");
  EXPECT_TRUE(client_.CreateRoom(first).ok());
  for (int i = 0; i < 5; ++i) {
    EXPECT_THAT(client_.CreateRoom(taken).status,
                IsError(grpc::StatusCode::ALREADY_EXISTS, "ALIAS_IN_USE"));
    EXPECT_THAT(client_.CreateRoom(wrong).status, IsInvalid({"name"}));
    EXPECT_TRUE(client_.CreateRoom(dry).ok());
    EXPECT_TRUE(client_.CreateRoom(first).ok()) << "a repeated request makes no second room";
  }
  EXPECT_TRUE(client_.CreateRoom(RoomRequest(alice)).ok());
  EXPECT_TRUE(client_.CreateRoom(RoomRequest(alice)).ok());
  EXPECT_FALSE(client_.CreateRoom(RoomRequest(alice)).ok());
}

TEST(EncryptionPolicyTest, PrivateRoomsAreEncryptedUnasked) {
  TestServer server([](ServerConfig& config) {
    config.encryption_policy = EncryptionPolicy::kInvite;
    config.encryption_algorithm = "org.example.cipher";
  });
  const TestClient client(server.address(), TestToken("backend"));
  v1::CreateRoomRequest request = RoomRequest("@alice:example.org");
  EXPECT_EQ(client.Create(request).encryption_algorithm(), "org.example.cipher");
  request.set_preset(v1::ROOM_PRESET_TRUSTED_PRIVATE_CHAT);
  EXPECT_EQ(client.Create(request).encryption_algorithm(), "org.example.cipher");
  request.set_preset(v1::ROOM_PRESET_PUBLIC_CHAT);
  EXPECT_EQ(client.Create(request).encryption_algorithm(), "");
  request.set_preset(v1::ROOM_PRESET_PRIVATE_CHAT);
  request.set_encryption_algorithm("org.example.other");
  EXPECT_EQ(client.Create(request).encryption_algorithm(), "org.example.other")
      << "who asks for an algorithm gets it";
}

TEST(EncryptionPolicyTest, AllRoomsAreEncryptedUnasked) {
  TestServer server(
      [](ServerConfig& config) { config.encryption_policy = EncryptionPolicy::kAll; });
  const TestClient client(server.address(), TestToken("backend"));
  v1::CreateRoomRequest request = RoomRequest("@alice:example.org");
  request.set_is_public(true);
  const v1::Room room = client.Create(request);
  EXPECT_EQ(room.encryption_algorithm(), "m.megolm.v1.aes-sha2");
  const TestClient reader(server.address(), TestToken("reader"));
  EXPECT_EQ(ContentOf(reader.State(room.room_id()).at({"m.room.encryption", ""})),
            R"({"algorithm":"m.megolm.v1.aes-sha2"})");
}

TEST(CreationDefaultsTest, VersionAndInvitesAreTheOperators) {
  TestServer server([](ServerConfig& config) {
    config.default_room_version = "12";
    config.max_invites = 1;
  });
  const TestClient client(server.address(), TestToken("backend"));
  v1::CreateRoomRequest request = RoomRequest("@alice:example.org");
  request.add_invites("@bob:example.org");
  EXPECT_EQ(client.Create(request).room_version(), "12");
  request.add_invites("@carol:example.org");
  EXPECT_THAT(client.CreateRoom(request).status, IsInvalid({"invites"}));
}

}  // namespace
}  // namespace innkeeper
