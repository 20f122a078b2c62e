#include "storage/room_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/keys.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_engine.h"

namespace innkeeper::storage {
namespace {

using testing::AnyOf;
using testing::ElementsAre;
using testing::Pair;

StateRecord StateAt(int64_t revision, const std::string& content) {
  StateRecord record;
  record.set_revision(revision);
  record.set_content(content);
  return record;
}

RoomRecord MakeRoom(const std::string& room_id) {
  RoomRecord room;
  room.set_room_id(room_id);
  return room;
}

class RoomStoreTest : public testing::Test {
 protected:
  static constexpr char kRoom[] = "!a:example.org";

  RoomStoreTest() : engine_(OpenTestEngine(dir_.File("data"))) {}

  CommitResult Commit(RoomCommit& commit) { return CommitAndWait(*engine_, commit.Take()); }

  void MustCommit(RoomCommit& commit) {
    const CommitResult result = Commit(commit);
    ASSERT_TRUE(result.status.ok()) << result.status;
  }

  using Entries = std::vector<std::pair<std::string, std::string>>;

  // The places ("type|state key") and contents that a scan visits.
  Entries Scan(const RoomReader::StateQuery& query) {
    Entries entries;
    EXPECT_TRUE(RoomReader(*engine_)
                    .ScanState(query,
                               [&](const StatePosition& position, const StateRecord& record) {
                                 entries.emplace_back(position.type + "|" + position.state_key,
                                                      record.content());
                                 return true;
                               })
                    .ok());
    return entries;
  }

  TempDir dir_;
  std::unique_ptr<Engine> engine_;
};

// A room whose name changes at revisions 3 and 7, and whose topic comes at 5.
class StateHistoryTest : public RoomStoreTest {
 protected:
  StateHistoryTest() {
    RoomCommit first;
    first.PutState(kRoom, {"m.name", ""}, StateAt(1, "n1"), std::nullopt);
    first.PutState(kRoom, {"m.member", "@a:b"}, StateAt(1, "join"), std::nullopt);
    first.PutState("!ab:example.org", {"m.name", ""}, StateAt(1, "other room"), std::nullopt);
    MustCommit(first);
    RoomCommit second;
    second.PutState(kRoom, {"m.name", ""}, StateAt(3, "n3"), StateAt(1, "n1"));
    MustCommit(second);
    RoomCommit third;
    third.PutState(kRoom, {"m.topic", ""}, StateAt(5, "t5"), std::nullopt);
    MustCommit(third);
    RoomCommit fourth;
    fourth.PutState(kRoom, {"m.name", ""}, StateAt(7, "n7"), StateAt(3, "n3"));
    MustCommit(fourth);
  }
};

TEST_F(StateHistoryTest, ShowsTheStateAtEveryRevision) {
  const Entries at_1 = {{"m.member|@a:b", "join"}, {"m.name|", "n1"}};
  const Entries at_3 = {{"m.member|@a:b", "join"}, {"m.name|", "n3"}};
  const Entries at_5 = {{"m.member|@a:b", "join"}, {"m.name|", "n3"}, {"m.topic|", "t5"}};
  const Entries at_7 = {{"m.member|@a:b", "join"}, {"m.name|", "n7"}, {"m.topic|", "t5"}};
  const std::vector<Entries> expected = {{}, at_1, at_1, at_3, at_3, at_5, at_5, at_7, at_7};
  for (int64_t revision = 0; revision < 9; ++revision) {
    EXPECT_EQ(Scan({.room_id = kRoom, .revision = revision}),
              expected[static_cast<size_t>(revision)])
        << revision;
  }
}

TEST_F(StateHistoryTest, NarrowsToATypeAndToOneEntryAndGoesOn) {
  EXPECT_THAT(Scan({.room_id = kRoom, .revision = 4, .type = "m.name"}),
              ElementsAre(Pair("m.name|", "n3")));
  EXPECT_THAT(Scan({.room_id = kRoom, .revision = 9, .type = "m.nam"}), ElementsAre());
  EXPECT_THAT(Scan({.room_id = kRoom, .revision = 9, .type = "m.member", .state_key = "@a:b"}),
              ElementsAre(Pair("m.member|@a:b", "join")));
  EXPECT_THAT(Scan({.room_id = kRoom, .revision = 9, .type = "m.member", .state_key = "@a"}),
              ElementsAre());
  EXPECT_THAT(Scan({.room_id = kRoom, .revision = 9, .after = StatePosition{"m.member", "@a:b"}}),
              ElementsAre(Pair("m.name|", "n7"), Pair("m.topic|", "t5")));
}

TEST_F(RoomStoreTest, EventsAreVisitedInOrderFromANumberOn) {
  RoomCommit commit;
  for (const int64_t number : {1, 2, 10, 255, 256, 70'000}) {
    EventRecord event;
    event.set_event_id(absl::StrCat("$", number));
    commit.PutEvent(kRoom, number, event);
    commit.PutEvent("!a:example.orgx", number, event);
  }
  MustCommit(commit);
  const auto scan = [&](int64_t first, size_t most) {
    std::vector<std::string> visited;
    EXPECT_TRUE(RoomReader(*engine_)
                    .ScanEvents(kRoom, first,
                                [&](int64_t number, const EventRecord& event) {
                                  EXPECT_EQ(event.event_id(), absl::StrCat("$", number));
                                  visited.push_back(event.event_id());
                                  return visited.size() < most;
                                })
                    .ok());
    return visited;
  };
  EXPECT_THAT(scan(1, 100), ElementsAre("$1", "$2", "$10", "$255", "$256", "$70000"));
  EXPECT_THAT(scan(10, 2), ElementsAre("$10", "$255"));
  EXPECT_THAT(scan(257, 100), ElementsAre("$70000"));
  EXPECT_THAT(scan(70'001, 100), ElementsAre());
}

TEST_F(RoomStoreTest, CountsTheRoomsThatAUserCreated) {
  const auto count = [&](const std::string& creator, int64_t most) {
    return *RoomReader(*engine_).CountRoomsCreatedBy(creator, most);
  };
  EXPECT_EQ(count("@a:b", 10), 0);
  RoomCommit commit;
  for (int i = 0; i < 3; ++i) commit.NoteCreatedRoom("@a:b", absl::StrCat("!", i));
  commit.NoteCreatedRoom("@a:bc", "!0");
  MustCommit(commit);
  EXPECT_EQ(count("@a:b", 10), 3);
  EXPECT_EQ(count("@a:b", 2), 2);
  EXPECT_EQ(count("@a", 10), 0);
}

TEST_F(RoomStoreTest, ConflictsSayWhatTheyAre) {
  RoomCommit create;
  create.CreateRoom(MakeRoom(kRoom));
  create.CreateAlias("#a:b", AliasRecord());
  create.RecordRequest({"p", "r"}, RequestRecord());
  MustCommit(create);

  RoomCommit same_room;
  same_room.CreateRoom(MakeRoom(kRoom));
  CommitResult result = Commit(same_room);
  ASSERT_TRUE(absl::IsAborted(result.status));
  EXPECT_EQ(same_room.ConflictOf(result), RoomCommit::Conflict::kRoomExists);

  RoomCommit same_alias;
  same_alias.CreateRoom(MakeRoom("!b:example.org"));
  same_alias.CreateAlias("#a:b", AliasRecord());
  result = Commit(same_alias);
  ASSERT_TRUE(absl::IsAborted(result.status));
  EXPECT_EQ(same_alias.ConflictOf(result), RoomCommit::Conflict::kAliasTaken);

  RoomCommit same_request;
  same_request.CreateRoom(MakeRoom("!b:example.org"));
  same_request.RecordRequest({"p", "r"}, RequestRecord());
  result = Commit(same_request);
  ASSERT_TRUE(absl::IsAborted(result.status));
  EXPECT_EQ(same_request.ConflictOf(result), RoomCommit::Conflict::kRequestRecorded);

  auto stored = RoomReader(*engine_).GetRoom(kRoom);
  RoomCommit update;
  update.UpdateRoom((*stored)->record, (*stored)->revision);
  MustCommit(update);
  RoomCommit late;
  late.UpdateRoom((*stored)->record, (*stored)->revision);
  result = Commit(late);
  ASSERT_TRUE(absl::IsAborted(result.status));
  EXPECT_EQ(late.ConflictOf(result), RoomCommit::Conflict::kRoomChanged);
}

TEST_F(RoomStoreTest, AliasesMoveWithTheirIndex) {
  AliasRecord record;
  record.set_room_id("!old:b");
  RoomCommit create;
  create.CreateAlias("#x:b", record);
  create.CreateAlias("#y:b", record);
  MustCommit(create);
  auto stored = RoomReader(*engine_).GetAlias("#x:b");
  record.set_room_id("!new:b");
  RoomCommit move;
  move.MoveAlias("#x:b", "!old:b", record, (*stored)->revision);
  MustCommit(move);
  RoomReader reader(*engine_);
  EXPECT_THAT(*reader.ListAliases("!old:b"), ElementsAre("#y:b"));
  EXPECT_THAT(*reader.ListAliases("!new:b"), ElementsAre("#x:b"));
  EXPECT_EQ((*reader.GetAlias("#x:b"))->record.room_id(), "!new:b");
}

TEST_F(RoomStoreTest, UsersRoomsFollowTheirMembership) {
  RoomCommit commit;
  commit.SetUserRoom("@a:b", "!1:b", "join");
  commit.SetUserRoom("@a:b", "!2:b", "invite");
  commit.SetUserRoom("@a:b", "!3:b", "ban");
  commit.SetUserRoom("@ab:b", "!4:b", "join");
  MustCommit(commit);
  auto list = [&](const std::string& after) {
    std::vector<std::pair<std::string, std::string>> rooms;
    EXPECT_TRUE(RoomReader(*engine_)
                    .ScanRoomsOfUser("@a:b", after,
                                     [&](const std::string& room_id, const UserRoomRecord& record) {
                                       rooms.emplace_back(room_id, record.membership());
                                       return true;
                                     })
                    .ok());
    return rooms;
  };
  EXPECT_THAT(list(""), ElementsAre(Pair("!1:b", "join"), Pair("!2:b", "invite")));
  EXPECT_THAT(list("!1:b"), ElementsAre(Pair("!2:b", "invite")));
  RoomCommit leave;
  leave.SetUserRoom("@a:b", "!1:b", "leave");
  MustCommit(leave);
  EXPECT_THAT(list(""), ElementsAre(Pair("!2:b", "invite")));
}

// A room on the list of public rooms, or not.
RoomRecord ListedRoom(const std::string& room_id, int64_t members, bool is_public = true) {
  RoomRecord room = MakeRoom(room_id);
  room.set_joined_member_count(members);
  room.set_is_public(is_public);
  return room;
}

class ListedRoomsTest : public RoomStoreTest {
 protected:
  using Listed = std::vector<std::pair<int64_t, std::string>>;

  // The first `most` rooms on the list behind `after`.
  Listed List(const std::optional<RoomReader::ListedRoom>& after = std::nullopt,
              size_t most = 100) {
    Listed rooms;
    EXPECT_TRUE(RoomReader(*engine_)
                    .ScanListedRooms(after,
                                     [&](const RoomReader::ListedRoom& room) {
                                       rooms.emplace_back(room.joined_member_count, room.room_id);
                                       return rooms.size() < most;
                                     })
                    .ok());
    return rooms;
  }

  void Create(const RoomRecord& room) {
    RoomCommit commit;
    commit.CreateRoom(room);
    MustCommit(commit);
  }

  // Changes a stored room.
  template <typename Change>
  void Update(const std::string& room_id, Change change) {
    auto stored = **RoomReader(*engine_).GetRoom(room_id);
    change(stored.record);
    RoomCommit commit;
    commit.UpdateRoom(stored.record, stored.revision);
    MustCommit(commit);
  }
};

TEST_F(ListedRoomsTest, ThoseWithMostMembersComeFirstAndThenById) {
  Create(ListedRoom("!b:x", 2));
  Create(ListedRoom("!a:x", 2));
  Create(ListedRoom("!most:x", 70'000));
  Create(ListedRoom("!empty:x", 0));
  Create(ListedRoom("!private:x", 3, false));
  EXPECT_THAT(List(), ElementsAre(Pair(70'000, "!most:x"), Pair(2, "!a:x"), Pair(2, "!b:x"),
                                  Pair(0, "!empty:x")));
  EXPECT_THAT(List(RoomReader::ListedRoom{2, "!a:x"}),
              ElementsAre(Pair(2, "!b:x"), Pair(0, "!empty:x")));
  EXPECT_THAT(List(RoomReader::ListedRoom{70'000, "!most:x"}, 1), ElementsAre(Pair(2, "!a:x")));
  EXPECT_THAT(List(RoomReader::ListedRoom{1, "!gone:x"}), ElementsAre(Pair(0, "!empty:x")));
  EXPECT_THAT(List(RoomReader::ListedRoom{0, "!empty:x"}), ElementsAre());
}

TEST_F(ListedRoomsTest, ARoomIsListedOnceUnderItsMembers) {
  Create(ListedRoom(kRoom, 1));
  Update(kRoom, [](RoomRecord& room) { room.set_joined_member_count(5); });
  EXPECT_THAT(List(), ElementsAre(Pair(5, kRoom)));
  Update(kRoom, [](RoomRecord& room) { room.set_name("changes nothing here"); });
  EXPECT_THAT(List(), ElementsAre(Pair(5, kRoom)));
  Update(kRoom, [](RoomRecord& room) { room.set_joined_member_count(0); });
  EXPECT_THAT(List(), ElementsAre(Pair(0, kRoom)));
}

TEST_F(ListedRoomsTest, ARoomComesOntoTheListAndGoesAsItIsPublicOrNot) {
  Create(ListedRoom(kRoom, 1, false));
  EXPECT_THAT(List(), ElementsAre());
  Update(kRoom, [](RoomRecord& room) { room.set_is_public(true); });
  EXPECT_THAT(List(), ElementsAre(Pair(1, kRoom)));
  Update(kRoom, [](RoomRecord& room) {
    room.set_is_public(false);
    room.set_joined_member_count(9);
  });
  EXPECT_THAT(List(), ElementsAre());
  Update(kRoom, [](RoomRecord& room) { room.set_is_public(true); });
  EXPECT_THAT(List(), ElementsAre(Pair(9, kRoom)));
}

TEST_F(RoomStoreTest, LinksAreFoundByTheRoomThatTheyName) {
  RoomCommit commit;
  commit.SetLink(kRoom, "!space:x", {"m.space.child", kRoom}, true);
  commit.SetLink(kRoom, "!other:x", {"m.room.join_rules", ""}, true);
  commit.SetLink(kRoom, "!space:x", {"m.space.parent", kRoom}, true);
  commit.SetLink("!a:example.orgx", "!space:x", {"m.space.child", "!a:example.orgx"}, true);
  MustCommit(commit);
  const auto links = [&](size_t most) {
    Entries found;
    EXPECT_TRUE(RoomReader(*engine_)
                    .ScanLinks(kRoom,
                               [&](const std::string& room_id, const StatePosition& position) {
                                 found.emplace_back(room_id,
                                                    position.type + "|" + position.state_key);
                                 return found.size() < most;
                               })
                    .ok());
    return found;
  };
  const auto join_rules = Pair("!other:x", "m.room.join_rules|");
  const auto child = Pair("!space:x", absl::StrCat("m.space.child|", kRoom));
  const auto parent = Pair("!space:x", absl::StrCat("m.space.parent|", kRoom));
  EXPECT_THAT(links(100), ElementsAre(join_rules, child, parent));
  EXPECT_THAT(links(1), ElementsAre(join_rules));
  RoomCommit unlink;
  unlink.SetLink(kRoom, "!space:x", {"m.space.child", kRoom}, false);
  MustCommit(unlink);
  EXPECT_THAT(links(100), ElementsAre(join_rules, parent));
}

TEST_F(RoomStoreTest, PendingInvitesWaitUntilTheyAreForgotten) {
  const auto invite = [](const std::string& event_id) {
    PendingInviteRecord record;
    record.set_event_id(event_id);
    record.set_number(7);
    return record;
  };
  RoomCommit commit;
  commit.PutPendingInvite("!b:x", "@u:y", invite("$b-u"));
  commit.PutPendingInvite("!a:x", "@v:y", invite("$a-v"));
  commit.PutPendingInvite("!a:x", "@u:y", invite("$a-u"));
  MustCommit(commit);
  const auto list = [&](const std::optional<RoomReader::InvitedUser>& after) {
    std::vector<std::string> events;
    EXPECT_TRUE(
        RoomReader(*engine_)
            .ScanPendingInvites(
                after,
                [&](const RoomReader::InvitedUser& user, const PendingInviteRecord& record) {
                  EXPECT_EQ(record.event_id(), absl::StrCat("$", user.room_id.substr(1, 1), "-",
                                                            user.user_id.substr(1, 1)));
                  events.push_back(record.event_id());
                  return true;
                })
            .ok());
    return events;
  };
  const std::vector<std::string> all = list(std::nullopt);
  EXPECT_THAT(all, AnyOf(ElementsAre("$a-u", "$a-v", "$b-u"), ElementsAre("$a-v", "$a-u", "$b-u")));
  const std::string first = absl::StrCat("@", all[0].substr(3), ":y");
  EXPECT_THAT(list(RoomReader::InvitedUser{"!a:x", first}), ElementsAre(all[1], "$b-u"));
  EXPECT_THAT(list(RoomReader::InvitedUser{"!b:x", "@u:y"}), ElementsAre());
  auto stored = *RoomReader(*engine_).GetPendingInvite("!a:x", "@v:y");
  ASSERT_TRUE(stored.has_value());
  EXPECT_EQ(stored->record.event_id(), "$a-v");
  EXPECT_EQ(stored->record.number(), 7);
  EXPECT_FALSE((*RoomReader(*engine_).GetPendingInvite("!b:x", "@v:y")).has_value());

  RoomCommit forget;
  forget.ForgetPendingInvite("!a:x", "@v:y");
  MustCommit(forget);
  EXPECT_THAT(list(std::nullopt), ElementsAre("$a-u", "$b-u"));
  EXPECT_FALSE((*RoomReader(*engine_).GetPendingInvite("!a:x", "@v:y")).has_value());
}

TEST_F(RoomStoreTest, EventsAreFoundByTheirIdsInTheirRoom) {
  RoomCommit commit;
  EventRecord event;
  event.set_event_id("$seven");
  event.set_content("before");
  commit.PutEvent(kRoom, 7, event);
  MustCommit(commit);
  EXPECT_EQ(*RoomReader(*engine_).GetEventNumber(kRoom, "$seven"), 7);
  EXPECT_EQ(*RoomReader(*engine_).GetEventNumber(kRoom, "$seve"), std::nullopt);
  EXPECT_EQ(*RoomReader(*engine_).GetEventNumber("!other:x", "$seven"), std::nullopt);
  EXPECT_EQ((*RoomReader(*engine_).GetEvent(kRoom, 7))->content(), "before");
  EXPECT_FALSE((*RoomReader(*engine_).GetEvent(kRoom, 8)).has_value());

  event.set_content("after");
  RoomCommit rewrite;
  ASSERT_TRUE(rewrite.RewriteEvent(RoomReader(*engine_), kRoom, 7, event).ok());
  MustCommit(rewrite);
  EXPECT_EQ((*RoomReader(*engine_).GetEvent(kRoom, 7))->content(), "after");
  EXPECT_EQ(*RoomReader(*engine_).GetEventNumber(kRoom, "$seven"), 7);
}

TEST_F(RoomStoreTest, ARoomHasTheKeysThatCameWithIt) {
  RoomKeysRecord keys;
  VerifyKeyRecord& key = *keys.add_keys();
  key.set_server_name("a.example");
  key.set_key_id("ed25519:1");
  key.set_public_key(std::string("\xFF\x00", 2));
  RoomCommit commit;
  commit.PutRoomKeys(kRoom, keys);
  MustCommit(commit);
  RoomReader reader(*engine_);
  EXPECT_EQ(reader.GetRoomKeys(kRoom)->SerializeAsString(), keys.SerializeAsString());
  EXPECT_EQ(reader.GetRoomKeys("!other:example.org")->keys_size(), 0);
}

TEST_F(RoomStoreTest, ADeletedAliasIsGoneFromItsRoomToo) {
  AliasRecord record;
  record.set_room_id(kRoom);
  RoomCommit create;
  create.CreateAlias("#x:b", record);
  create.CreateAlias("#y:b", record);
  MustCommit(create);
  const Revision revision = (*RoomReader(*engine_).GetAlias("#x:b"))->revision;
  RoomCommit remove;
  remove.DeleteAlias("#x:b", kRoom, revision);
  MustCommit(remove);
  EXPECT_FALSE((*RoomReader(*engine_).GetAlias("#x:b")).has_value());
  EXPECT_THAT(*RoomReader(*engine_).ListAliases(kRoom), ElementsAre("#y:b"));

  RoomCommit recreate;
  recreate.CreateAlias("#x:b", record);
  MustCommit(recreate);
  RoomCommit late;
  late.DeleteAlias("#x:b", kRoom, revision);
  const CommitResult result = Commit(late);
  ASSERT_TRUE(absl::IsAborted(result.status));
  EXPECT_EQ(late.ConflictOf(result), RoomCommit::Conflict::kAliasTaken);
}

TEST_F(RoomStoreTest, LocksAreListed) {
  RoomCommit lock;
  lock.SetLocked("!1:b", true);
  lock.SetLocked("!2:b", true);
  MustCommit(lock);
  RoomCommit release;
  release.SetLocked("!1:b", false);
  MustCommit(release);
  EXPECT_THAT(*RoomReader(*engine_).ListLockedRooms(), ElementsAre("!2:b"));
}

TEST_F(RoomStoreTest, AReaderSeesOneMoment) {
  RoomCommit create;
  create.CreateRoom(MakeRoom(kRoom));
  MustCommit(create);
  const RoomReader before(*engine_);
  RoomCommit more;
  more.CreateRoom(MakeRoom("!b:example.org"));
  MustCommit(more);
  EXPECT_FALSE((*before.GetRoom("!b:example.org")).has_value());
  EXPECT_TRUE((*RoomReader(*engine_).GetRoom("!b:example.org")).has_value());
}

TEST_F(RoomStoreTest, DamagedAndUnknownRecordsAreReportedNotReturned) {
  const std::string key = KeyBuilder(Table::kRoom).Str(kRoom).Build();
  for (const std::string& value :
       {std::string(), std::string("\x02"), std::string("\x01\xFF\xFF")}) {
    CommitRequest request;
    request.writes.push_back({key, value});
    ASSERT_TRUE(CommitAndWait(*engine_, std::move(request)).status.ok());
    EXPECT_TRUE(absl::IsDataLoss(RoomReader(*engine_).GetRoom(kRoom).status()));
    EXPECT_TRUE(absl::IsDataLoss(
        RoomReader(*engine_).ScanRooms("", [](const RoomRecord&) { return true; })));
  }
}

TEST_F(RoomStoreTest, SettingsAreMadeOnce) {
  EXPECT_EQ(*LoadOrCreateSetting(*engine_, "name", "first"), "first");
  EXPECT_EQ(*LoadOrCreateSetting(*engine_, "name", "second"), "first");
}

}  // namespace
}  // namespace innkeeper::storage
