#include "storage/room_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/keys.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_engine.h"

namespace innkeeper::storage {
namespace {

using testing::ElementsAre;
using testing::Pair;

constexpr char kRoom[] = "!a:example.org";

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
                               [&](StatePosition position, const StateRecord& record) {
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
                                     [&](std::string room_id, const UserRoomRecord& record) {
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
