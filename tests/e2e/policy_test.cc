// What the configuration and the clock have to say about CreateRoom: the rate
// limit, encryption unasked, the default version, the number of invites.

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "tests/e2e/e2e_test.h"
#include "tests/support/manual_clock.h"

namespace innkeeper {
namespace {

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

TEST(EncryptionPolicyTest, OffEncryptsNothingUnasked) {
  TestServer server(
      [](ServerConfig& config) { config.encryption_policy = EncryptionPolicy::kOff; });
  const TestClient client(server.address(), TestToken("backend"));
  v1::CreateRoomRequest request = RoomRequest("@alice:example.org");
  for (const v1::RoomPreset preset :
       {v1::ROOM_PRESET_PRIVATE_CHAT, v1::ROOM_PRESET_TRUSTED_PRIVATE_CHAT,
        v1::ROOM_PRESET_PUBLIC_CHAT}) {
    request.set_preset(preset);
    EXPECT_EQ(client.Create(request).encryption_algorithm(), "");
  }
}

TEST(EncryptionPolicyTest, InitialStateHasTheLastWord) {
  TestServer server(
      [](ServerConfig& config) { config.encryption_policy = EncryptionPolicy::kAll; });
  const TestClient client(server.address(), TestToken("admin"));
  auto request = FromJson<v1::CreateRoomRequest>(R"({"creator": "@alice:example.org",
      "initialState": [{"type": "m.room.encryption", "content": {"algorithm": "org.example.own"}}]})");
  EXPECT_EQ(client.Create(request).encryption_algorithm(), "org.example.own");
  // Another entry of that type is not what encrypts a room.
  request.mutable_initial_state(0)->set_state_key("x");
  EXPECT_EQ(client.Create(request).encryption_algorithm(), "m.megolm.v1.aes-sha2");
}

TEST(EncryptionPolicyTest, LevelsThatNobodyReachesAreRefusedBeforeAnythingIsWritten) {
  TestServer server(
      [](ServerConfig& config) { config.encryption_policy = EncryptionPolicy::kInvite; });
  const TestClient client(server.address(), TestToken("admin"));
  const std::pair<const char*, const char*> cases[] = {
      {R"({"events": {"m.room.encryption": 101}})", "events.m.room.encryption"},
      {R"({"state_default": 101})", "state_default"},
      {R"({"users": {"@alice:example.org": 99}})", "users.@alice:example.org"}};
  for (const auto& [levels, field] : cases) {
    SCOPED_TRACE(levels);
    v1::CreateRoomRequest request = RoomRequest("@alice:example.org");
    ParseJsonMessage(levels, request.mutable_power_level_content_override());
    EXPECT_THAT(client.CreateRoom(request).status,
                IsInvalid({absl::StrCat("power_level_content_override.", field)}));
    EXPECT_TRUE(client.AllEvents().empty());
  }
  // Within reach of the creator, who in version 12 reaches every level.
  v1::CreateRoomRequest request = RoomRequest("@alice:example.org");
  ParseJsonMessage(R"({"events": {"m.room.encryption": 100}})",
                   request.mutable_power_level_content_override());
  EXPECT_EQ(client.Create(request).encryption_algorithm(), "m.megolm.v1.aes-sha2");
  ParseJsonMessage(R"({"events": {"m.room.encryption": 101}})",
                   request.mutable_power_level_content_override());
  request.set_room_version("12");
  EXPECT_EQ(client.Create(request).encryption_algorithm(), "m.megolm.v1.aes-sha2");
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

TEST(RoomIdTest, RoomsOfOneCreatorInOneMillisecondAreTwo) {
  const ManualClock clock;
  TestServer server([](ServerConfig&) {},
                    [&] {
                      Server::Surroundings surroundings;
                      surroundings.clock = clock.clock();
                      return surroundings;
                    });
  const TestClient client(server.address(), TestToken("backend"));
  v1::CreateRoomRequest request = RoomRequest("@alice:example.org");
  for (const std::string version : {"11", "12"}) {
    request.set_room_version(version);
    const v1::Room first = client.Create(request), second = client.Create(request);
    EXPECT_EQ(first.create_time().DebugString(), second.create_time().DebugString());
    EXPECT_NE(first.room_id(), second.room_id());
  }
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
