// GetRoom, GetRoomState and ListRooms do what their comments promise.

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "google/protobuf/util/message_differencer.h"
#include "tests/e2e/e2e_test.h"

namespace innkeeper {
namespace {

using google::protobuf::util::MessageDifferencer;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ReadTest : public E2eTest {
 protected:
  // A room with 20 entries of one type and three others of its own.
  static v1::Room RichRoom(const std::string& creator) {
    v1::CreateRoomRequest request = RoomRequest(creator);
    request.set_name("Lobby");
    for (int i = 0; i < 20; ++i) {
      v1::InitialStateEvent* event = request.add_initial_state();
      event->set_type("org.example.desk");
      event->set_state_key(absl::StrCat("desk", i / 10, i % 10));
      (*event->mutable_content()->mutable_fields())["number"].set_number_value(i);
    }
    return backend().Create(request);
  }

  static std::vector<std::string> RoomIds(const TestClient& client,
                                          const v1::ListRoomsRequest& first) {
    v1::ListRoomsRequest request = first;
    std::vector<std::string> ids;
    do {
      const auto reply = client.ListRooms(request);
      EXPECT_TRUE(reply.ok()) << reply.status.error_message();
      for (const v1::Room& room : reply.response.rooms()) ids.push_back(room.room_id());
      request.set_page_token(reply.response.next_page_token());
    } while (!request.page_token().empty());
    return ids;
  }
};

std::string AnyDetails(const grpc::Status& status, const std::string& room_id) {
  return absl::StrReplaceAll(
      absl::StrCat(status.error_code(), status.error_message(), status.error_details()),
      {{room_id, "ROOM"}});
}

// A page token or cursor with one character changed.
std::string Tampered(std::string token, size_t place) {
  token[place] = token[place] == 'A' ? 'B' : 'A';
  return token;
}

TEST_F(ReadTest, OnlyMembersAndReadersOfEverythingSeeARoom) {
  v1::CreateRoomRequest request = RoomRequest(User("alice"));
  request.add_invites(User("bob"));
  const std::string room_id = backend().Create(request).room_id();

  EXPECT_TRUE(backend().GetRoom(GetRequest(room_id, User("alice"))).ok());
  EXPECT_TRUE(backend().GetRoomState(StateRequest(room_id, User("alice"))).ok());
  EXPECT_TRUE(reader().GetRoom(GetRequest(room_id)).ok());
  EXPECT_TRUE(reader().GetRoomState(StateRequest(room_id)).ok());
  for (const std::string& stranger : {User("bob"), User("mallory")}) {
    EXPECT_THAT(backend().GetRoom(GetRequest(room_id, stranger)).status,
                IsError(grpc::StatusCode::NOT_FOUND, "ROOM_NOT_FOUND"));
    EXPECT_THAT(backend().GetRoomState(StateRequest(room_id, stranger)).status,
                IsError(grpc::StatusCode::NOT_FOUND, "ROOM_NOT_FOUND"));
  }
  EXPECT_THAT(backend().GetRoom(GetRequest(room_id)).status,
              IsError(grpc::StatusCode::PERMISSION_DENIED, "ROLE_MISSING"));
}

TEST_F(ReadTest, NotThereAndNotAllowedAreTheSame) {
  const std::string there = backend().Create(RoomRequest(User("alice"))).room_id();
  const std::string tombstoned = backend().Create(RoomRequest(User("alice"))).room_id();
  ASSERT_TRUE(backend().UpgradeRoom(UpgradeRequest(tombstoned, User("alice"), "12")).ok());
  std::string missing = there;
  std::reverse(missing.begin() + 1, missing.begin() + static_cast<ptrdiff_t>(missing.find(':')));
  const std::string mallory = User("mallory");

  const auto expect_same = [&](auto call) {
    const std::string expected = AnyDetails(call(missing), missing);
    EXPECT_THAT(expected, HasSubstr("ROOM_NOT_FOUND"));
    EXPECT_EQ(AnyDetails(call(there), there), expected);
    EXPECT_EQ(AnyDetails(call(tombstoned), tombstoned), expected);
  };
  expect_same([&](auto& id) { return backend().GetRoom(GetRequest(id, mallory)).status; });
  expect_same([&](auto& id) { return backend().GetRoomState(StateRequest(id, mallory)).status; });
  expect_same([&](auto& id) { return backend().ExportRoom(ExportRequest(id, mallory)).status; });
  expect_same([&](auto& id) {
    v1::GetRoomStateRequest request = StateRequest(id, mallory);
    request.set_revision(99);
    request.set_page_token("nonsense");
    return backend().GetRoomState(request).status;
  });
  expect_same(
      [&](auto& id) { return backend().UpgradeRoom(UpgradeRequest(id, mallory, "12")).status; });
}

TEST_F(ReadTest, StateByTypeAndByKey) {
  const std::string alice = User("alice");
  const std::string room_id = RichRoom(alice).room_id();
  const auto all = backend().GetRoomState(StateRequest(room_id, alice));
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(all.response.events_size(), 7 + 20);
  EXPECT_TRUE(std::is_sorted(all.response.events().begin(), all.response.events().end(),
                             [](const auto& a, const auto& b) { return a.type() < b.type(); }));
  EXPECT_EQ(all.response.revision(), 1);

  v1::GetRoomStateRequest request = StateRequest(room_id, alice);
  request.set_type("org.example.desk");
  EXPECT_EQ(backend().GetRoomState(request).response.events_size(), 20);
  request.set_state_key("desk07");
  const auto one = backend().GetRoomState(request);
  ASSERT_EQ(one.response.events_size(), 1);
  EXPECT_EQ(one.response.events(0).content().fields().at("number").number_value(), 7);
  request.set_type("m.room.name");
  request.set_state_key("");
  EXPECT_EQ(backend().GetRoomState(request).response.events_size(), 1);

  request.set_state_key("other");
  EXPECT_THAT(backend().GetRoomState(request).status,
              IsError(grpc::StatusCode::NOT_FOUND, "STATE_NOT_FOUND"));
  request.set_type("org.example.des");
  request.clear_state_key();
  EXPECT_THAT(backend().GetRoomState(request).response.events(), IsEmpty())
      << "a type is no prefix";
  request.clear_type();
  request.set_state_key("");
  EXPECT_THAT(backend().GetRoomState(request).status, IsInvalid({"state_key"}));
}

TEST_F(ReadTest, EarlierRevisionsStayReadable) {
  const std::string alice = User("alice");
  v1::CreateRoomRequest create = RoomRequest(alice);
  create.set_alias(Alias("lobby"));
  const v1::Room before = backend().Create(create);
  v1::GetRoomStateRequest request = StateRequest(before.room_id(), alice);
  const auto first = backend().GetRoomState(request);
  const auto upgraded = backend().UpgradeRoom(UpgradeRequest(before.room_id(), alice, "12"));
  ASSERT_TRUE(upgraded.ok());
  const int64_t revision = upgraded.response.old_room().revision();
  ASSERT_GT(revision, 1);

  const auto now = backend().GetRoomState(request);
  EXPECT_EQ(now.response.revision(), revision);
  EXPECT_EQ(now.response.events_size(), first.response.events_size() + 1);
  request.set_revision(1);
  const auto then = backend().GetRoomState(request);
  EXPECT_TRUE(MessageDifferencer::Equals(then.response, first.response));
  request.set_type("m.room.tombstone");
  request.set_state_key("");
  EXPECT_THAT(backend().GetRoomState(request).status,
              IsError(grpc::StatusCode::NOT_FOUND, "STATE_NOT_FOUND"));
  request.set_type("m.room.canonical_alias");
  EXPECT_THAT(ContentOf(backend().GetRoomState(request).response.events(0)),
              HasSubstr(Alias("lobby")));
  request.set_revision(revision);
  EXPECT_EQ(ContentOf(backend().GetRoomState(request).response.events(0)), "{}");

  request.set_revision(revision + 1);
  const auto ahead = backend().GetRoomState(request);
  EXPECT_THAT(ahead.status, IsError(grpc::StatusCode::OUT_OF_RANGE, "REVISION_OUT_OF_RANGE"));
  EXPECT_EQ(MetadataOf(ahead.status)["current_revision"], absl::StrCat(revision));
  request.set_revision(-1);
  EXPECT_THAT(backend().GetRoomState(request).status, IsInvalid({"revision"}));
}

TEST_F(ReadTest, PagesOfStateAgreeThoughTheRoomIsUpgradedBetweenThem) {
  const std::string alice = User("alice");
  const std::string room_id = RichRoom(alice).room_id();
  const auto whole = backend().GetRoomState(StateRequest(room_id, alice));
  v1::GetRoomStateRequest request = StateRequest(room_id, alice);
  request.set_page_size(5);
  v1::GetRoomStateResponse joined;
  int pages = 0;
  do {
    const auto page = backend().GetRoomState(request);
    ASSERT_TRUE(page.ok()) << page.status.error_message();
    EXPECT_LE(page.response.events_size(), 5);
    EXPECT_EQ(page.response.revision(), 1);
    for (const auto& event : page.response.events()) *joined.add_events() = event;
    if (++pages == 1) {
      ASSERT_TRUE(backend().UpgradeRoom(UpgradeRequest(room_id, alice, "12")).ok());
    }
    request.set_page_token(page.response.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(pages, 6);
  joined.set_revision(1);
  EXPECT_TRUE(MessageDifferencer::Equals(joined, whole.response));
}

TEST_F(ReadTest, APageOfStateEndsAtAboutOneMebibyte) {
  const std::string alice = User("alice");
  v1::CreateRoomRequest request = RoomRequest(alice);
  for (int i = 0; i < 40; ++i) {
    v1::InitialStateEvent* event = request.add_initial_state();
    event->set_type("org.example.page");
    event->set_state_key(absl::StrCat(i));
    (*event->mutable_content()->mutable_fields())["text"].set_string_value(
        std::string(60'000, 'x'));
  }
  const std::string room_id = backend().Create(request).room_id();
  const auto page = backend().GetRoomState(StateRequest(room_id, alice));
  ASSERT_TRUE(page.ok());
  EXPECT_LT(page.response.ByteSizeLong(), size_t{3} << 19);
  EXPECT_NE(page.response.next_page_token(), "");
  EXPECT_EQ(reader().State(room_id).size(), 6u + 40u);
}

TEST_F(ReadTest, TokensOfOthersAndDamagedOnesAreRefused) {
  const std::string alice = User("alice");
  const std::string room_id = RichRoom(alice).room_id();
  v1::GetRoomStateRequest request = StateRequest(room_id, alice);
  request.set_type("org.example.desk");
  request.set_page_size(5);
  const std::string token = backend().GetRoomState(request).response.next_page_token();
  ASSERT_NE(token, "");
  request.set_page_token(token);
  ASSERT_TRUE(backend().GetRoomState(request).ok());

  const auto expect_refused = [&](const v1::GetRoomStateRequest& bad, const TestClient& client) {
    const auto reply = client.GetRoomState(bad);
    EXPECT_THAT(reply.status, IsError(grpc::StatusCode::INVALID_ARGUMENT, "CURSOR_INVALID"));
    EXPECT_THAT(FieldsOf(reply.status), ElementsAre("page_token"));
    EXPECT_NE(MetadataOf(reply.status)["cause"], "");
  };
  for (const size_t place : {size_t{0}, token.size() / 2, token.size() - 2}) {
    v1::GetRoomStateRequest bad = request;
    bad.set_page_token(Tampered(token, place));
    expect_refused(bad, backend());
  }
  for (const std::string& garbage :
       {std::string("x"), token.substr(1), token + "A", std::string(100'000, 'A')}) {
    v1::GetRoomStateRequest bad = request;
    bad.set_page_token(garbage);
    expect_refused(bad, backend());
  }
  v1::GetRoomStateRequest other_room = request;
  other_room.set_room_id(RichRoom(alice).room_id());
  expect_refused(other_room, backend());
  v1::GetRoomStateRequest other_type = request;
  other_type.clear_type();
  expect_refused(other_type, backend());
  v1::GetRoomStateRequest other_requester = request;
  other_requester.clear_requester();
  expect_refused(other_requester, reader());
  v1::GetRoomStateRequest other_key = request;
  other_key.set_state_key("desk19");
  expect_refused(other_key, backend());

  v1::ListRoomsRequest rooms;
  rooms.set_requester(alice);
  rooms.set_page_token(token);
  EXPECT_THAT(backend().ListRooms(rooms).status,
              IsError(grpc::StatusCode::INVALID_ARGUMENT, "CURSOR_INVALID"));
}

TEST_F(ReadTest, UsersListTheRoomsThatTheyAreJoinedTo) {
  const std::string alice = User("alice");
  std::set<std::string> expected;
  for (int i = 0; i < 7; ++i) {
    v1::CreateRoomRequest request = RoomRequest(alice);
    request.add_invites(User("bob"));
    request.set_room_version(i % 2 == 0 ? "12" : "11");
    expected.insert(backend().Create(request).room_id());
  }
  v1::ListRoomsRequest request;
  request.set_requester(alice);
  for (const int page_size : {0, 1, 3, 7, 5000}) {
    request.set_page_size(page_size);
    EXPECT_EQ(RoomIds(backend(), request),
              std::vector<std::string>(expected.begin(), expected.end()));
  }
  request.set_requester(User("bob"));
  EXPECT_THAT(RoomIds(backend(), request), IsEmpty()) << "an invite is no membership";
  request.set_page_size(-1);
  EXPECT_THAT(backend().ListRooms(request).status, IsInvalid({"page_size"}));
}

TEST_F(ReadTest, RoomsByStatus) {
  const std::string alice = User("alice");
  const std::string old_id = backend().Create(RoomRequest(alice)).room_id();
  const std::string plain_id = backend().Create(RoomRequest(alice)).room_id();
  const auto upgraded = backend().UpgradeRoom(UpgradeRequest(old_id, alice, "12"));
  v1::ListRoomsRequest request;
  request.set_requester(alice);
  request.set_page_size(1);
  request.set_status(v1::ROOM_STATUS_TOMBSTONED);
  EXPECT_THAT(RoomIds(backend(), request), ElementsAre(old_id));
  request.set_status(v1::ROOM_STATUS_ACTIVE);
  EXPECT_THAT(RoomIds(backend(), request),
              testing::UnorderedElementsAre(plain_id, upgraded.response.room().room_id()));
  request.set_status(v1::ROOM_STATUS_UPGRADING);
  EXPECT_THAT(RoomIds(backend(), request), IsEmpty());
  request.set_status(static_cast<v1::RoomStatus>(99));
  EXPECT_THAT(backend().ListRooms(request).status, IsInvalid({"status"}));
}

TEST_F(ReadTest, AllRoomsAreListedOnceWhateverIsWrittenMeanwhile) {
  const std::string alice = User("alice");
  std::set<std::string> there;
  for (int i = 0; i < 10; ++i) there.insert(backend().Create(RoomRequest(alice)).room_id());
  v1::ListRoomsRequest request;
  request.set_page_size(3);
  std::vector<std::string> seen;
  do {
    const auto page = reader().ListRooms(request);
    ASSERT_TRUE(page.ok());
    for (const v1::Room& room : page.response.rooms()) seen.push_back(room.room_id());
    backend().Create(RoomRequest(alice));
    if (!page.response.rooms().empty() && there.count(page.response.rooms(0).room_id())) {
      backend().UpgradeRoom(UpgradeRequest(page.response.rooms(0).room_id(), alice, "11"));
    }
    request.set_page_token(page.response.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  EXPECT_EQ(std::adjacent_find(seen.begin(), seen.end()), seen.end());
  EXPECT_TRUE(std::includes(seen.begin(), seen.end(), there.begin(), there.end()));

  EXPECT_THAT(backend().ListRooms({}).status,
              IsError(grpc::StatusCode::PERMISSION_DENIED, "ROLE_MISSING"));
}

TEST_F(ReadTest, TokensOfRoomListsBelongToTheirRequest) {
  const std::string alice = User("alice");
  for (int i = 0; i < 3; ++i) backend().Create(RoomRequest(alice));
  v1::ListRoomsRequest request;
  request.set_requester(alice);
  request.set_page_size(1);
  const std::string token = backend().ListRooms(request).response.next_page_token();
  ASSERT_NE(token, "");
  request.set_page_token(Tampered(token, token.size() / 3));
  EXPECT_THAT(backend().ListRooms(request).status,
              IsError(grpc::StatusCode::INVALID_ARGUMENT, "CURSOR_INVALID"));
  request.set_page_token(token);
  request.set_status(v1::ROOM_STATUS_ACTIVE);
  EXPECT_THAT(backend().ListRooms(request).status,
              IsError(grpc::StatusCode::INVALID_ARGUMENT, "CURSOR_INVALID"));
  request.clear_status();
  request.set_requester(User("bob"));
  EXPECT_THAT(backend().ListRooms(request).status,
              IsError(grpc::StatusCode::INVALID_ARGUMENT, "CURSOR_INVALID"));
}

// Restarts the server: a suite of its own.
TEST(ReadAcrossRestartTest, RoomsAndTokensOutliveTheProcess) {
  TestServer server;
  auto client = std::make_unique<TestClient>(server.address(), TestToken("admin"));
  std::vector<std::string> rooms;
  rooms.reserve(3);
  for (int i = 0; i < 3; ++i) {
    rooms.push_back(client->Create(RoomRequest("@alice:example.org")).SerializeAsString());
  }
  v1::ListRoomsRequest request;
  request.set_page_size(2);
  const auto first = client->ListRooms(request);
  ASSERT_TRUE(server.Stop().ok());
  server.Start();
  client = std::make_unique<TestClient>(server.address(), TestToken("admin"));
  request.set_page_token(first.response.next_page_token());
  const auto second = client->ListRooms(request);
  ASSERT_TRUE(second.ok()) << second.status.error_message();
  std::vector<std::string> seen;
  for (const auto* page : {&first, &second}) {
    for (const v1::Room& room : page->response.rooms()) seen.push_back(room.SerializeAsString());
  }
  EXPECT_THAT(seen, testing::UnorderedElementsAreArray(rooms));
}

// Right behind a start nothing is in memory; what was read once is.
TEST(ReadAfterRestart, GetRoomFindsRoomsOnDiskAndInMemory) {
  TestServer server;
  auto client = std::make_unique<TestClient>(server.address(), TestToken("admin"));
  std::vector<v1::Room> rooms;
  for (int i = 0; i < 100; ++i) {
    v1::CreateRoomRequest request = RoomRequest("@alice:example.org");
    request.set_name(absl::StrCat("Room ", i));
    rooms.push_back(client->Create(request));
  }
  ASSERT_TRUE(server.Stop().ok());
  server.Start();
  client = std::make_unique<TestClient>(server.address(), TestToken("admin"));
  for (int round = 0; round < 2; ++round) {
    for (const v1::Room& room : rooms) {
      const auto reply = client->GetRoom(GetRequest(room.room_id(), "@alice:example.org"));
      ASSERT_TRUE(reply.ok()) << reply.status.error_message();
      EXPECT_TRUE(MessageDifferencer::Equals(reply.response.room(), room));
      const auto refused = client->GetRoom(GetRequest(room.room_id(), "@bob:example.org"));
      EXPECT_THAT(refused.status, IsError(grpc::StatusCode::NOT_FOUND, "ROOM_NOT_FOUND"));
    }
  }
}

}  // namespace
}  // namespace innkeeper
