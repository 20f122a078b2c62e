// Rooms belong to audiences, and their events tell to which.

#include <set>
#include <string>
#include <vector>

#include "tests/e2e/e2e_test.h"

namespace innkeeper {
namespace {

using grpc::StatusCode;
using testing::IsSupersetOf;

constexpr char kAudience[] = "tenant-7";

class AudienceTest : public E2eTest {
 protected:
  static const TestClient& tenant() {
    static const auto& client = *new TestClient(server().address(), TestToken("tenant"));
    return client;
  }

  static v1::CreateRoomRequest RoomOf(const std::string& audience) {
    v1::CreateRoomRequest request = RoomRequest(User("alice"));
    request.set_audience(audience);
    return request;
  }

  // The types of the events about a room, all of which must have its labels.
  static std::set<std::string> TypesOfLabelled(const std::string& room_id,
                                               const std::string& audience) {
    std::set<std::string> types;
    for (const v1::RoomEvent& event : EventsOf(watcher(), room_id)) {
      EXPECT_EQ(event.audience(), audience) << event.ShortDebugString();
      EXPECT_EQ(event.creator(), User("alice")) << event.ShortDebugString();
      types.insert(event.type());
    }
    return types;
  }
};

TEST_F(AudienceTest, ARoomShowsTheAudienceThatItWasCreatedFor) {
  const v1::Room room = backend().Create(RoomOf(kAudience));
  EXPECT_EQ(room.audience(), kAudience);
  EXPECT_EQ(reader().Room(room.room_id()).audience(), kAudience);
  EXPECT_EQ(reader().Room(backend().Create(RoomRequest(User("alice"))).room_id()).audience(), "");
}

TEST_F(AudienceTest, APreviewShowsTheAudience) {
  v1::CreateRoomRequest request = RoomOf(kAudience);
  request.set_validate_only(true);
  EXPECT_EQ(backend().Create(request).audience(), kAudience);

  const std::string room_id = backend().Create(RoomOf(kAudience)).room_id();
  v1::UpgradeRoomRequest upgrade = UpgradeRequest(room_id, User("alice"), "12");
  upgrade.set_validate_only(true);
  EXPECT_EQ(backend().UpgradeRoom(upgrade).response.room().audience(), kAudience);
}

TEST_F(AudienceTest, AWrongAudienceIsNamed) {
  for (const std::string& wrong :
       {std::string("two words"), std::string("a*"), std::string("a/b"), std::string(129, 'a')}) {
    EXPECT_THAT(backend().CreateRoom(RoomOf(wrong)).status, IsInvalid({"audience"})) << wrong;
  }
}

TEST_F(AudienceTest, TheAudienceIsPartOfWhatARequestIdStandsFor) {
  v1::CreateRoomRequest request = RoomOf(kAudience);
  request.set_request_id(User("request").substr(1, 20));
  backend().Create(request);
  EXPECT_EQ(backend().Create(request).audience(), kAudience);
  request.set_audience("tenant-8");
  EXPECT_THAT(backend().CreateRoom(request).status,
              IsError(StatusCode::INVALID_ARGUMENT, "REQUEST_ID_REUSED"));
}

TEST_F(AudienceTest, EveryEventCarriesTheLabelsOfItsRoom) {
  v1::CreateRoomRequest request = RoomOf(kAudience);
  request.add_invites("@zoe:elsewhere.example");
  const std::string room_id = backend().Create(request).room_id();
  const std::string alice = User("alice");
  const auto sent = backend().SendEvent(SendRequest(room_id, alice, "Hello"));
  ASSERT_TRUE(sent.ok());
  ASSERT_TRUE(
      backend().RedactEvent(RedactRequest(room_id, alice, sent.response.event().event_id())).ok());
  ASSERT_TRUE(backend()
                  .SetState(SetStateRequest(room_id, alice, "m.room.name", R"({"name": "Lobby"})"))
                  .ok());
  ASSERT_TRUE(backend().InviteUser(InviteRequest(room_id, alice, User("bob"))).ok());
  ASSERT_TRUE(backend().JoinRoom(JoinRequest(room_id, User("bob"))).ok());
  ASSERT_THAT(backend().UpgradeRoom(UpgradeRequest(room_id, User("bob"), "12")).status,
              IsError(StatusCode::PERMISSION_DENIED, "INSUFFICIENT_POWER"));
  const auto upgraded = backend().UpgradeRoom(UpgradeRequest(room_id, alice, "12"));
  ASSERT_TRUE(upgraded.ok()) << upgraded.status.error_message();

  EXPECT_THAT(TypesOfLabelled(room_id, kAudience),
              IsSupersetOf({"room.created", "room.invite.pending", "room.event.sent",
                            "room.event.redacted", "room.state.changed", "room.member.changed",
                            "room.upgrade.failed", "room.upgraded"}));
  const v1::Room& successor = upgraded.response.room();
  EXPECT_EQ(successor.audience(), kAudience);
  EXPECT_EQ(reader().Room(successor.room_id()).audience(), kAudience);
  EXPECT_THAT(TypesOfLabelled(successor.room_id(), kAudience),
              IsSupersetOf({"room.created", "room.invite.pending"}));
}

TEST_F(AudienceTest, EventsOfARoomWithoutAudienceSayWhoMadeIt) {
  const std::string room_id = backend().Create(RoomRequest(User("alice"))).room_id();
  EXPECT_THAT(TypesOfLabelled(room_id, ""), IsSupersetOf({"room.created"}));
}

TEST_F(AudienceTest, WhoIsKeptToAudiencesCreatesRoomsOfNoOther) {
  EXPECT_EQ(tenant().Create(RoomOf(kAudience)).audience(), kAudience);
  EXPECT_EQ(tenant().Create(RoomOf("")).audience(), "");
  const int64_t head = LogHead();
  const grpc::Status status = tenant().CreateRoom(RoomOf("other")).status;
  EXPECT_THAT(status, IsError(StatusCode::PERMISSION_DENIED, "AUDIENCE_NOT_ALLOWED"));
  EXPECT_EQ(MetadataOf(status)["audience"], "other");
  EXPECT_EQ(LogHead(), head);
}

}  // namespace
}  // namespace innkeeper
