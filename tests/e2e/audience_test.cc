// Rooms belong to audiences, and their events tell to which.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/e2e/e2e_test.h"

namespace innkeeper {
namespace {

using grpc::StatusCode;
using testing::Contains;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Not;
using testing::SizeIs;

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

// What a caller who reads for no user learns of a room, by each way to read one.
std::map<std::string, grpc::Status> ReadsOf(const TestClient& client, const std::string& room_id,
                                            const std::string& event_id) {
  v1::ListMembersRequest members;
  members.set_room_id(room_id);
  v1::ListAliasesRequest aliases;
  aliases.set_room_id(room_id);
  return {{"GetRoom", client.GetRoom(GetRequest(room_id)).status},
          {"GetRoomState", client.GetRoomState(StateRequest(room_id)).status},
          {"ExportRoom", client.ExportRoom(ExportRequest(room_id)).status},
          {"ListMembers", client.ListMembers(members).status},
          {"GetEvent", client.GetEvent(EventRequest(room_id, event_id)).status},
          {"ListEvents", client.ListEvents(ListRequest(room_id)).status},
          {"ListAliases", client.ListAliases(aliases).status}};
}

TEST_F(AudienceTest, WhoIsKeptToAudiencesReadsRoomsOfNoOther) {
  for (const std::string& audience :
       {std::string(kAudience), std::string("other"), std::string()}) {
    const std::string room_id = backend().Create(RoomOf(audience)).room_id();
    const std::string event_id = reader().State(room_id).at({"m.room.create", ""}).event_id();
    for (const auto& [method, status] : ReadsOf(reader(), room_id, event_id)) {
      EXPECT_TRUE(status.ok()) << method << ": " << status.error_message();
    }
    for (const auto& [method, status] : ReadsOf(tenant(), room_id, event_id)) {
      SCOPED_TRACE(method);
      if (audience == kAudience) {
        EXPECT_TRUE(status.ok()) << status.error_message();
      } else {
        EXPECT_THAT(status, IsError(StatusCode::NOT_FOUND, "ROOM_NOT_FOUND"));
      }
    }
  }
}

TEST_F(AudienceTest, ForAMemberTheAudienceDoesNotMatter) {
  const std::string room_id = backend().Create(RoomOf("other")).room_id();
  EXPECT_TRUE(tenant().GetRoom(GetRequest(room_id, User("alice"))).ok());
  EXPECT_THAT(tenant().GetRoom(GetRequest(room_id, User("bob"))).status,
              IsError(StatusCode::NOT_FOUND, "ROOM_NOT_FOUND"));
  EXPECT_THAT(RoomsOf(tenant(), User("alice")), Contains(room_id));
}

TEST_F(AudienceTest, ListRoomsLeavesOutOtherAudiences) {
  const std::string seen = backend().Create(RoomOf(kAudience)).room_id();
  const std::string other = backend().Create(RoomOf("other")).room_id();
  const std::string none = backend().Create(RoomOf("")).room_id();
  const auto list_with = [](const TestClient& client) {
    std::set<std::string> rooms;
    v1::ListRoomsRequest request;
    request.set_page_size(1);
    do {
      const auto page = client.ListRooms(request);
      EXPECT_TRUE(page.ok()) << page.status.error_message();
      for (const v1::Room& room : page.response.rooms()) rooms.insert(room.room_id());
      request.set_page_token(page.response.next_page_token());
    } while (!request.page_token().empty());
    return rooms;
  };
  EXPECT_THAT(list_with(reader()), IsSupersetOf({seen, other, none}));
  const std::set<std::string> rooms = list_with(tenant());
  EXPECT_THAT(rooms, Contains(seen));
  EXPECT_THAT(rooms, Not(Contains(other)));
  EXPECT_THAT(rooms, Not(Contains(none)));
}

TEST_F(AudienceTest, RoomsOfForeignUsersAreThoseOfTheAudiences) {
  const std::string zoe = "@zoe" + User("x").substr(2, 10) + ":elsewhere.example";
  std::map<std::string, std::string> rooms;
  for (const std::string& audience : {std::string(kAudience), std::string("other")}) {
    v1::CreateRoomRequest request = RoomOf(audience);
    request.add_invites(zoe);
    rooms[audience] = backend().Create(request).room_id();
  }
  v1::ListUserRoomsRequest request;
  request.set_user_id(zoe);
  EXPECT_EQ(reader().ListUserRooms(request).response.rooms_size(), 2);
  const auto listed = tenant().ListUserRooms(request);
  ASSERT_EQ(listed.response.rooms_size(), 1);
  EXPECT_EQ(listed.response.rooms(0).room().room_id(), rooms[kAudience]);
}

TEST_F(AudienceTest, InvitesToOtherAudiencesAreNotDeliveredByOthers) {
  const TestClient sender(server().address(), TestToken("sender"));
  const std::string zoe = "@zoe" + User("x").substr(2, 10) + ":elsewhere.example";
  v1::CreateRoomRequest request = RoomOf("other");
  request.add_invites(zoe);
  const std::string room_id = backend().Create(request).room_id();
  const auto invites_with = [&](const TestClient& client) {
    std::vector<v1::PendingInvite> invites;
    v1::ListPendingInvitesRequest list;
    list.set_page_size(1000);
    const auto page = client.ListPendingInvites(list);
    EXPECT_TRUE(page.ok()) << page.status.error_message();
    for (const v1::PendingInvite& invite : page.response.invites()) {
      if (invite.room_id() == room_id) invites.push_back(invite);
    }
    return invites;
  };
  ASSERT_THAT(invites_with(sender), SizeIs(1));
  EXPECT_THAT(invites_with(tenant()), IsEmpty());
  v1::AckInviteRequest ack;
  ack.set_room_id(room_id);
  ack.set_user_id(zoe);
  ack.set_event_id(invites_with(sender).front().event_id());
  EXPECT_TRUE(tenant().AckInvite(ack).ok());
  EXPECT_THAT(invites_with(sender), SizeIs(1)) << "it is not for this one to acknowledge";
  EXPECT_TRUE(sender.AckInvite(ack).ok());
  EXPECT_THAT(invites_with(sender), IsEmpty());
}

TEST_F(AudienceTest, UpgradesOfOtherAudiencesAreNotKnownOf) {
  for (const std::string& audience : {std::string(kAudience), std::string("other")}) {
    const std::string room_id = backend().Create(RoomOf(audience)).room_id();
    const grpc::Status status =
        tenant().UpgradeRoom(UpgradeRequest(room_id, User("bob"), "12")).status;
    if (audience == kAudience) {
      EXPECT_THAT(status, IsError(StatusCode::PERMISSION_DENIED, "INSUFFICIENT_POWER"));
    } else {
      EXPECT_THAT(status, IsError(StatusCode::NOT_FOUND, "ROOM_NOT_FOUND"));
    }
  }
}

}  // namespace
}  // namespace innkeeper
