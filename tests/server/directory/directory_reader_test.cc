#include "server/directory/directory_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/errors/errors.h"
#include "server/lifecycle/room_errors.h"
#include "storage/keys.h"
#include "storage/room_store.h"
#include "tests/support/people.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_engine.h"

namespace innkeeper::directory {
namespace {

using storage::RoomCommit;
using storage::RoomRecord;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr char kRoom[] = "!room:example.org";

RoomRecord PublicRoom(const std::string& room_id, int64_t members) {
  RoomRecord room;
  room.set_room_id(room_id);
  room.set_is_public(true);
  room.set_joined_member_count(members);
  return room;
}

class DirectoryReaderTest : public testing::Test {
 protected:
  void Write(RoomCommit commit) {
    const storage::CommitResult result = CommitAndWait(*engine_, commit.Take());
    ASSERT_TRUE(result.status.ok()) << result.status;
  }

  void Add(const RoomRecord& room) {
    RoomCommit commit;
    commit.CreateRoom(room);
    Write(std::move(commit));
  }

  // The ids of the rooms on the page; `request` then asks for the next one.
  std::vector<std::string> Page(v1::ListPublicRoomsRequest& request) {
    auto response = reader_.ListPublicRooms(request);
    EXPECT_TRUE(response.ok()) << response.status();
    std::vector<std::string> ids;
    for (const auto& room : response->rooms()) ids.push_back(room.room_id());
    request.set_page_token(response->next_page_token());
    return ids;
  }

  std::vector<std::string> Find(const std::string& search, const std::string& room_type = "") {
    v1::ListPublicRoomsRequest request;
    request.set_search(search);
    request.set_room_type(room_type);
    return Page(request);
  }

  TempDir dir_;
  std::unique_ptr<storage::Engine> engine_ = storage::OpenTestEngine(dir_.File("data"));
  TokenSigner signer_{"key"};
  DirectoryReader reader_{*engine_, signer_};
};

TEST_F(DirectoryReaderTest, AnAliasLeadsToItsRoom) {
  storage::AliasRecord alias;
  alias.set_room_id(kRoom);
  RoomCommit commit;
  commit.CreateAlias("#lobby:example.org", alias);
  Write(std::move(commit));
  v1::ResolveAliasRequest request;
  request.set_alias("#lobby:example.org");
  EXPECT_EQ(reader_.ResolveAlias(request)->room_id(), kRoom);
  request.set_alias("#Lobby:example.org");
  EXPECT_EQ(reader_.ResolveAlias(request).status(), lifecycle::AliasNotFound(request.alias()));
}

TEST_F(DirectoryReaderTest, AliasesAreListedBytewiseToMembersAndThoseWhoReadAll) {
  RoomCommit commit;
  commit.CreateRoom(PublicRoom(kRoom, 1));
  commit.SetUserRoom(kAlice, kRoom, "join");
  commit.SetUserRoom("@bob:example.org", kRoom, "invite");
  storage::AliasRecord alias;
  alias.set_room_id(kRoom);
  for (const char* name : {"#b:example.org", "#a:example.org", "#B:example.org"}) {
    commit.CreateAlias(name, alias);
  }
  Write(std::move(commit));
  v1::ListAliasesRequest request;
  request.set_room_id(kRoom);
  for (const std::string requester : {"", kAlice}) {
    request.set_requester(requester);
    EXPECT_THAT(reader_.ListAliases(request, AudienceScope::All())->aliases(),
                ElementsAre("#B:example.org", "#a:example.org", "#b:example.org"));
  }
  for (const std::string requester : {"@bob:example.org", "@eve:example.org"}) {
    request.set_requester(requester);
    EXPECT_EQ(reader_.ListAliases(request, AudienceScope::All()).status(),
              lifecycle::RoomNotFound(kRoom));
  }
  request.set_requester("");
  request.set_room_id("!nowhere:example.org");
  EXPECT_EQ(reader_.ListAliases(request, AudienceScope::All()).status(),
            lifecycle::RoomNotFound(request.room_id()));
}

TEST_F(DirectoryReaderTest, PublicRoomsAreListedByMembersAndThenById) {
  Add(PublicRoom("!b:example.org", 3));
  Add(PublicRoom("!a:example.org", 3));
  Add(PublicRoom("!few:example.org", 2));
  Add(PublicRoom("!most:example.org", 300));
  RoomRecord hidden = PublicRoom("!hidden:example.org", 9);
  hidden.set_is_public(false);
  Add(hidden);
  const auto expected =
      ElementsAre("!most:example.org", "!a:example.org", "!b:example.org", "!few:example.org");
  EXPECT_THAT(Find(""), expected);
  for (const int page_size : {1, 2, 3, 4, 5}) {
    v1::ListPublicRoomsRequest request;
    request.set_page_size(page_size);
    std::vector<std::string> all;
    do {
      const std::vector<std::string> page = Page(request);
      EXPECT_LE(page.size(), static_cast<size_t>(page_size));
      EXPECT_THAT(page, testing::Not(IsEmpty()));
      all.insert(all.end(), page.begin(), page.end());
    } while (!request.page_token().empty());
    EXPECT_THAT(all, expected) << page_size;
  }
}

TEST_F(DirectoryReaderTest, APublicRoomIsShownWithAllThatIsPublicAboutIt) {
  RoomRecord room = PublicRoom(kRoom, 7);
  room.set_room_version("11");
  room.set_room_type("m.space");
  room.set_name("Lobby");
  room.set_topic("Everything");
  room.set_canonical_alias("#lobby:example.org");
  room.set_encryption_algorithm("m.megolm.v1.aes-sha2");
  Add(room);
  auto response = reader_.ListPublicRooms({});
  ASSERT_THAT(response->rooms(), SizeIs(1));
  const v1::PublicRoom& shown = response->rooms(0);
  EXPECT_EQ(shown.room_id(), kRoom);
  EXPECT_EQ(shown.room_version(), "11");
  EXPECT_EQ(shown.room_type(), "m.space");
  EXPECT_EQ(shown.name(), "Lobby");
  EXPECT_EQ(shown.topic(), "Everything");
  EXPECT_EQ(shown.canonical_alias(), "#lobby:example.org");
  EXPECT_EQ(shown.joined_member_count(), 7);
  EXPECT_EQ(shown.encryption_algorithm(), "m.megolm.v1.aes-sha2");
}

TEST_F(DirectoryReaderTest, SearchFindsTextInNameTopicAndCanonicalAlias) {
  RoomRecord name = PublicRoom("!name:example.org", 3);
  name.set_name("The LOBBY of it");
  Add(name);
  RoomRecord topic = PublicRoom("!topic:example.org", 2);
  topic.set_topic("not the lobby");
  Add(topic);
  RoomRecord alias = PublicRoom("!alias:example.org", 1);
  alias.set_canonical_alias("#Lobby:example.org");
  alias.set_name("\xC3\x84ther");
  Add(alias);
  RoomRecord other = PublicRoom("!lobby:example.org", 9);
  other.set_room_type("lobby");
  Add(other);
  EXPECT_THAT(Find("lObBy"),
              ElementsAre("!name:example.org", "!topic:example.org", "!alias:example.org"));
  EXPECT_THAT(Find("lobby of"), ElementsAre("!name:example.org"));
  EXPECT_THAT(Find("lobby:"), ElementsAre("!alias:example.org"));
  EXPECT_THAT(Find("\xC3\x84TH"), ElementsAre("!alias:example.org"));
  EXPECT_THAT(Find("\xC3\xA4th"), IsEmpty()) << "only ASCII letters have two cases";
  EXPECT_THAT(Find("nothing"), IsEmpty());
}

TEST_F(DirectoryReaderTest, RoomsOfOneTypeAreListedByThemselves) {
  RoomRecord space = PublicRoom("!space:example.org", 1);
  space.set_room_type("m.space");
  space.set_name("one");
  Add(space);
  RoomRecord plain = PublicRoom("!plain:example.org", 2);
  plain.set_name("one");
  Add(plain);
  EXPECT_THAT(Find("", "m.space"), ElementsAre("!space:example.org"));
  EXPECT_THAT(Find("one", "m.space"), ElementsAre("!space:example.org"));
  EXPECT_THAT(Find("two", "m.space"), IsEmpty());
  EXPECT_THAT(Find("", "m.spac"), IsEmpty());
  EXPECT_THAT(Find(""), SizeIs(2));
}

TEST_F(DirectoryReaderTest, APageTokenGoesWithItsRequestOnly) {
  Add(PublicRoom("!1:example.org", 1));
  Add(PublicRoom("!2:example.org", 1));
  v1::ListPublicRoomsRequest request;
  request.set_page_size(1);
  Page(request);
  ASSERT_NE(request.page_token(), "");
  const auto cause_of = [&](const v1::ListPublicRoomsRequest& wrong) {
    const absl::Status status = reader_.ListPublicRooms(wrong).status();
    EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_CURSOR_INVALID) << status;
    return MetadataOf(status, "cause");
  };
  v1::ListPublicRoomsRequest wrong = request;
  wrong.set_search("x");
  EXPECT_EQ(cause_of(wrong), "other-request");
  wrong = request;
  wrong.set_room_type("m.space");
  EXPECT_EQ(cause_of(wrong), "other-request");
  wrong = request;
  wrong.mutable_page_token()->back() ^= 1;
  EXPECT_EQ(cause_of(wrong), "damaged");
  wrong.set_page_token(
      signer_.Sign("rooms-page", *signer_.Verify("public-rooms-page", request.page_token())));
  EXPECT_EQ(cause_of(wrong), "damaged") << "it is of another method";
  request.set_page_size(2);
  EXPECT_THAT(Page(request), ElementsAre("!2:example.org"));
}

// A name in the order of the numbers.
std::string NumberedRoom(int number) { return absl::StrFormat("!%05d:example.org", number); }

TEST_F(DirectoryReaderTest, OneCallLooksAtABoundedNumberOfRooms) {
  constexpr int kBound = 10'000;
  RoomCommit commit;
  for (int i = 0; i <= kBound; ++i) {
    RoomRecord room = PublicRoom(NumberedRoom(i), 1);
    if (i >= kBound - 1) room.set_name("wanted");
    commit.CreateRoom(std::move(room));
  }
  Write(std::move(commit));
  v1::ListPublicRoomsRequest request;
  request.set_search("wanted");
  EXPECT_THAT(Page(request), ElementsAre(NumberedRoom(kBound - 1)));
  ASSERT_NE(request.page_token(), "");
  EXPECT_THAT(Page(request), ElementsAre(NumberedRoom(kBound)));
  EXPECT_EQ(request.page_token(), "");

  EXPECT_THAT(Find(""), SizeIs(100));
  request = {};
  request.set_page_size(5000);
  EXPECT_THAT(Page(request), SizeIs(1000));
}

TEST_F(DirectoryReaderTest, APageEndsBeforeItGetsTooLarge) {
  RoomCommit commit;
  for (int i = 0; i < 40; ++i) {
    RoomRecord room = PublicRoom(NumberedRoom(i), 1);
    room.set_topic(std::string(60'000, 'x'));
    commit.CreateRoom(std::move(room));
  }
  Write(std::move(commit));
  v1::ListPublicRoomsRequest request;
  size_t count = 0;
  do {
    const std::vector<std::string> page = Page(request);
    EXPECT_LE(page.size(), 18u);
    count += page.size();
  } while (!request.page_token().empty());
  EXPECT_EQ(count, 40u);
}

TEST_F(DirectoryReaderTest, APlaceOnTheListThatIsNotTheRoomsIsDamage) {
  RoomRecord hidden = PublicRoom("!hidden:example.org", 1);
  hidden.set_is_public(false);
  Add(hidden);
  Add(PublicRoom(kRoom, 2));
  EXPECT_THAT(Find(""), ElementsAre(kRoom));
  const std::vector<std::pair<std::string, uint64_t>> places = {{hidden.room_id(), 1}, {kRoom, 3}};
  for (const auto& [room_id, members] : places) {
    const std::string place = storage::KeyBuilder(storage::Table::kListedRoom)
                                  .DescendingU64(members)
                                  .Str(room_id)
                                  .Build();
    storage::CommitRequest forged;
    forged.writes.push_back({place, ""});
    ASSERT_TRUE(CommitAndWait(*engine_, std::move(forged)).status.ok());
    EXPECT_TRUE(absl::IsDataLoss(reader_.ListPublicRooms({}).status())) << room_id;
    storage::CommitRequest mended;
    mended.writes.push_back({place, std::nullopt});
    ASSERT_TRUE(CommitAndWait(*engine_, std::move(mended)).status.ok());
  }
}

TEST_F(DirectoryReaderTest, AListThatNamesNoRoomIsDamage) {
  RoomCommit commit;
  commit.CreateRoom(PublicRoom(kRoom, 1));
  storage::CommitRequest request = commit.Take();
  request.writes.pop_back();  // the room, but not its place on the list
  ASSERT_TRUE(CommitAndWait(*engine_, std::move(request)).status.ok());
  EXPECT_TRUE(absl::IsDataLoss(reader_.ListPublicRooms({}).status()));
}

}  // namespace
}  // namespace innkeeper::directory
