#include "server/membership/read_members.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "tests/server/membership/membership_fixture.h"

namespace innkeeper::membership {
namespace {

using storage::RoomCommit;
using testing::ElementsAre;
using testing::SizeIs;
using testing::UnorderedElementsAre;

// How many records one call looks at.
constexpr int kBound = 10'000;

class ReadMembersTest : public MembershipFixture {
 protected:
  void Write(RoomCommit commit) {
    const storage::CommitResult result = CommitAndWait(*store_, commit.Take());
    ASSERT_TRUE(result.status.ok()) << result.status;
  }

  // The users on the page; `request` then asks for the next one.
  std::vector<std::string> Page(v1::ListMembersRequest& request) {
    auto response = browser_.ListMembers(request, AudienceScope::All());
    EXPECT_TRUE(response.ok()) << response.status();
    std::vector<std::string> users;
    for (const auto& member : response->members()) users.push_back(member.user_id());
    request.set_page_token(response->next_page_token());
    return users;
  }
  std::vector<std::string> Page(v1::ListUserRoomsRequest& request) {
    auto response = browser_.ListUserRooms(request, AudienceScope::All());
    EXPECT_TRUE(response.ok()) << response.status();
    std::vector<std::string> rooms;
    for (const auto& room : response->rooms()) rooms.push_back(room.room().room_id());
    request.set_page_token(response->next_page_token());
    return rooms;
  }
};

TEST_F(ReadMembersTest, OneCallLooksAtABoundedNumberOfMembers) {
  const std::string room_id = NewRoom();
  const auto user = [](int i) { return absl::StrFormat("@%05d:example.org", i); };
  storage::StateRecord left;
  left.set_content(R"({"membership":"leave"})");
  left.set_revision(1);
  storage::StateRecord joined = left;
  joined.set_content(R"({"membership":"join"})");
  RoomCommit commit;
  for (int i = 0; i <= kBound; ++i) {
    commit.PutState(room_id, {"m.room.member", user(i)}, i < kBound - 1 ? left : joined,
                    std::nullopt);
  }
  Write(std::move(commit));
  v1::ListMembersRequest request;
  request.set_room_id(room_id);
  request.set_membership(v1::MEMBERSHIP_JOIN);
  std::vector<std::string> found = Page(request);
  EXPECT_NE(request.page_token(), "");
  for (std::string& next : Page(request)) found.push_back(std::move(next));
  EXPECT_THAT(found, UnorderedElementsAre(user(kBound - 1), user(kBound), kAlice));
  EXPECT_EQ(request.page_token(), "");

  request.clear_membership();
  for (const int page_size : {0, 5000}) {
    request.set_page_size(page_size);
    EXPECT_THAT(Page(request), SizeIs(1000));
    request.clear_page_token();
  }
}

TEST_F(ReadMembersTest, OneCallLooksAtABoundedNumberOfRooms) {
  const auto room = [](int i) { return absl::StrFormat("!%05d:example.org", i); };
  RoomCommit commit;
  for (int i = 0; i <= kBound; ++i) {
    storage::RoomRecord record;
    record.set_room_id(room(i));
    commit.CreateRoom(record);
    commit.SetUserRoom(kBob, room(i), i < kBound - 1 ? "invite" : "join");
  }
  Write(std::move(commit));
  v1::ListUserRoomsRequest request;
  request.set_user_id(kBob);
  request.set_membership(v1::MEMBERSHIP_JOIN);
  EXPECT_THAT(Page(request), ElementsAre(room(kBound - 1)));
  EXPECT_THAT(Page(request), ElementsAre(room(kBound)));
  EXPECT_EQ(request.page_token(), "");

  request.clear_membership();
  EXPECT_THAT(Page(request), SizeIs(100));
  request.clear_page_token();
  request.set_page_size(5000);
  EXPECT_THAT(Page(request), SizeIs(1000));
}

TEST_F(ReadMembersTest, PagesEndBeforeTheyGetTooLarge) {
  RoomCommit commit;
  for (int i = 0; i < 40; ++i) {
    storage::RoomRecord room;
    room.set_room_id(absl::StrFormat("!%02d:example.org", i));
    room.set_topic(std::string(60'000, 't'));
    commit.CreateRoom(room);
    commit.SetUserRoom(kBob, room.room_id(), "join");
  }
  Write(std::move(commit));
  v1::ListUserRoomsRequest request;
  request.set_user_id(kBob);
  size_t count = 0;
  do {
    const std::vector<std::string> page = Page(request);
    EXPECT_LE(page.size(), 18u);
    count += page.size();
  } while (!request.page_token().empty());
  EXPECT_EQ(count, 40u);
}

TEST_F(ReadMembersTest, PagesOfMembersEndBeforeTheyGetTooLarge) {
  const std::string room_id = NewRoom();
  storage::StateRecord member;
  member.set_content(
      absl::StrFormat(R"({"membership":"join","reason":"%s"})", std::string(60'000, 'r')));
  member.set_revision(1);
  RoomCommit commit;
  for (int i = 0; i < 40; ++i) {
    commit.PutState(room_id, {"m.room.member", absl::StrFormat("@%02d:example.org", i)}, member,
                    std::nullopt);
  }
  Write(std::move(commit));
  v1::ListMembersRequest request;
  request.set_room_id(room_id);
  size_t count = 0;
  do {
    const std::vector<std::string> page = Page(request);
    EXPECT_LE(page.size(), 19u);
    count += page.size();
  } while (!request.page_token().empty());
  EXPECT_EQ(count, 41u) << "the creator too";
}

TEST_F(ReadMembersTest, PagesOfPendingInvitesEndBeforeTheyGetTooLarge) {
  // The topic is in the stripped state of each invite.
  NewRoom([](rooms::RoomSpec& spec) {
    spec.topic = std::string(30'000, 't');
    for (int i = 0; i < 40; ++i) spec.invites.push_back(absl::StrFormat("@%02d:elsewhere.net", i));
  });
  v1::ListPendingInvitesRequest request;
  std::vector<std::string> users;
  do {
    auto page = browser_.ListPendingInvites(request, AudienceScope::All());
    ASSERT_TRUE(page.ok()) << page.status();
    EXPECT_LE(page->ByteSizeLong(), (1u << 20) + 100'000);
    for (const auto& invite : page->invites()) users.push_back(invite.user_id());
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(users, SizeIs(40));
  EXPECT_THAT(std::set<std::string>(users.begin(), users.end()), SizeIs(40));
}

TEST_F(ReadMembersTest, APendingInviteComesWithWhatTheInvitedMaySee) {
  const std::string room_id = NewRoom([](rooms::RoomSpec& spec) {
    spec.name = "Lobby";
    spec.topic = "t";
    spec.alias = "#lobby:example.org";
    spec.encryption_algorithm = "m.megolm.v1.aes-sha2";
    spec.initial_state = {{"m.room.avatar", "", {{"url", "mxc://example.org/a"}}},
                          {"org.example.secret", "", {{"x", 1}}}};
    spec.invites = {kZoe, kBob};
  });
  Must(Action::kJoin, room_id, kBob);
  auto page = browser_.ListPendingInvites({}, AudienceScope::All());
  ASSERT_TRUE(page.ok()) << page.status();
  ASSERT_THAT(page->invites(), SizeIs(1));
  const v1::PendingInvite& invite = page->invites(0);
  EXPECT_EQ(invite.room_version(), "11");
  std::vector<std::string> shown;
  for (const std::string& text : invite.stripped_state()) {
    const rooms::Json event = rooms::ParseJson(text).value();
    EXPECT_EQ(rooms::CanonicalJson(event), text);
    EXPECT_THAT(event, SizeIs(4)) << text;
    EXPECT_EQ(event["sender"], kAlice);
    EXPECT_TRUE(event.contains("content"));
    shown.push_back(event["type"].get<std::string>() + "|" + event["state_key"].get<std::string>());
  }
  EXPECT_THAT(shown, testing::UnorderedElementsAre(
                         "m.room.create|", "m.room.name|", "m.room.avatar|", "m.room.topic|",
                         "m.room.join_rules|", "m.room.canonical_alias|", "m.room.encryption|",
                         "m.room.member|" + std::string(kAlice)));
  const rooms::Json pdu = rooms::ParseJson(invite.pdu()).value();
  EXPECT_EQ(pdu["content"]["membership"], "invite");
  EXPECT_EQ(pdu["state_key"], kZoe);
  const rooms::VerifyKeys keys = {{"example.org", {{"ed25519:a_1", key_.key.public_key()}}}};
  EXPECT_TRUE(rooms::CheckEventSignatures(*rooms::FindRoomVersion("11"), pdu, keys).ok());
}

}  // namespace
}  // namespace innkeeper::membership
