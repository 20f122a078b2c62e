#include "server/lifecycle/room_caps.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/errors/errors.h"
#include "server/lifecycle/create_room.h"
#include "server/lifecycle/room_edit.h"
#include "tests/support/people.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_engine.h"

namespace innkeeper::lifecycle {
namespace {

using storage::RoomReader;

class RoomCapsTest : public testing::Test {
 protected:
  void SetUp() override {
    CreateRoomCommand command;
    command.spec.creator = kAlice;
    command.spec.version = rooms::FindRoomVersion("11");
    auto created = transactor_.RunAndWait(creator_.Create(std::move(command)));
    ASSERT_TRUE(created.ok()) << created.status();
    room_id_ = created->room().room_id();
  }

  storage::Stored<storage::RoomRecord> Room() { return **RoomReader(*engine_).GetRoom(room_id_); }

  // The entries of the state that are no members.
  int64_t Count() {
    int64_t count = 0;
    EXPECT_TRUE(
        RoomReader(*engine_)
            .ScanState({.room_id = room_id_, .revision = Room().record.revision()},
                       [&](const storage::StatePosition& position, const storage::StateRecord&) {
                         if (position.type != "m.room.member") ++count;
                         return true;
                       })
            .ok());
    return count;
  }

  // Has alice set an entry.
  absl::Status Set(const RoomCaps& caps, const std::string& state_key) {
    const RoomReader reader(*engine_);
    RoomEdit edit(reader, Room(), {clock_, random_, "example.org", caps});
    absl::Status status = edit.Append({.type = "org.example.entry",
                                       .state_key = state_key,
                                       .sender = kAlice,
                                       .content = {{"number", ++number_}}});
    storage::RoomCommit commit;
    if (status.ok()) status = edit.Stage(commit);
    return status.ok() ? CommitAndWait(*engine_, commit.Take()).status : status;
  }

  // Has the head say nothing of how much state there is, as heads did once.
  void ForgetCount() {
    storage::Stored<storage::RoomRecord> room = Room();
    room.record.clear_state_entry_count();
    storage::RoomCommit commit;
    commit.UpdateRoom(room.record, room.revision);
    ASSERT_TRUE(CommitAndWait(*engine_, commit.Take()).status.ok());
  }

  TempDir dir_;
  std::unique_ptr<storage::Engine> engine_ = storage::OpenTestEngine(dir_.File("data"));
  const Clock clock_ = [] { return absl::FromUnixSeconds(1'700'000'000); };
  const RandomBytes random_ = SecureRandom();
  Executor executor_{1, 10};
  Transactor transactor_{*engine_, executor_, clock_, {}};
  RoomCreator creator_{clock_, random_, {.server_name = "example.org"}};
  std::string room_id_;
  int number_ = 0;
};

TEST_F(RoomCapsTest, TheHeadCountsTheStateWithoutMembers) {
  EXPECT_EQ(Room().record.state_entry_count(), Count());
  ASSERT_TRUE(Set({}, "a").ok());
  ASSERT_TRUE(Set({}, "a").ok());
  ASSERT_TRUE(Set({}, "b").ok());
  EXPECT_EQ(Room().record.state_entry_count(), Count());
}

TEST_F(RoomCapsTest, AHeadWithoutACountIsCounted) {
  const RoomCaps caps{.max_state_entries = Count() + 2};
  ForgetCount();
  ASSERT_TRUE(Set({}, "a").ok());
  EXPECT_FALSE(Room().record.has_state_entry_count()) << "nobody needed it";
  EXPECT_TRUE(Set(caps, "b").ok());
  EXPECT_EQ(Room().record.state_entry_count(), Count());
  const absl::Status refused = Set(caps, "c");
  EXPECT_EQ(ReasonOf(refused), v1::ERROR_REASON_LIMIT_EXCEEDED);
  EXPECT_EQ(MetadataOf(refused, "limit"), "max_room_state_events");
  EXPECT_TRUE(Set(caps, "a").ok());
  EXPECT_EQ(Room().record.state_entry_count(), Count());
}

TEST(CapsTest, AreInclusiveAndZeroIsNone) {
  storage::RoomRecord room;
  room.set_joined_member_count(2);
  room.set_invited_member_count(1);
  room.set_state_entry_count(5);
  EXPECT_TRUE(CheckMembers({.max_members = 3}, room).ok());
  EXPECT_FALSE(CheckMembers({.max_members = 2}, room).ok());
  EXPECT_TRUE(CheckMembers({}, room).ok());
  EXPECT_TRUE(CheckStateEntries({.max_state_entries = 5}, room).ok());
  EXPECT_FALSE(CheckStateEntries({.max_state_entries = 4}, room).ok());
  EXPECT_TRUE(CheckStateEntries({}, room).ok());
  EXPECT_TRUE(CheckAliases({.max_aliases = 2}, room, 2).ok());
  EXPECT_FALSE(CheckAliases({.max_aliases = 2}, room, 3).ok());
  EXPECT_TRUE(CheckAliases({}, room, 3).ok());
}

}  // namespace
}  // namespace innkeeper::lifecycle
