#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "storage/room_store.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_engine.h"

namespace innkeeper::storage {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;
using Conflict = RoomCommit::Conflict;

class SubscriptionRecordsTest : public testing::Test {
 protected:
  SubscriptionRecordsTest() : engine_(OpenTestEngine(dir_.File("data"))) {}

  void Create(const std::string& name) {
    RoomCommit commit;
    commit.CreateSubscription(Named(name), {});
    ASSERT_TRUE(CommitAndWait(*engine_, commit.Take()).status.ok());
  }

  static SubscriptionRecord Named(const std::string& name) {
    SubscriptionRecord record;
    record.set_name(name);
    return record;
  }

  // What the commit ran into. Fails if it ran into nothing.
  Conflict ConflictOf(RoomCommit& commit) {
    const CommitResult result = CommitAndWait(*engine_, commit.Take());
    EXPECT_TRUE(absl::IsAborted(result.status)) << result.status;
    return commit.ConflictOf(result);
  }

  Revision RevisionOf(const std::string& name) {
    return (*RoomReader(*engine_).GetSubscription(name))->revision;
  }
  Revision ProgressRevisionOf(const std::string& name) {
    return (*RoomReader(*engine_).GetSubscriptionProgress(name))->revision;
  }

  std::vector<std::string> Names(const std::string& after) {
    std::vector<std::string> names;
    EXPECT_TRUE(RoomReader(*engine_)
                    .ScanSubscriptions(after,
                                       [&](const SubscriptionRecord& record) {
                                         names.push_back(record.name());
                                         return true;
                                       })
                    .ok());
    return names;
  }

  std::vector<int64_t> Parked(const std::string& name, int64_t after) {
    std::vector<int64_t> sequences;
    EXPECT_TRUE(RoomReader(*engine_)
                    .ScanParkedEvents(name, after,
                                      [&](int64_t sequence, const ParkedEventRecord&) {
                                        sequences.push_back(sequence);
                                        return true;
                                      })
                    .ok());
    return sequences;
  }

  const TempDir dir_;
  const std::unique_ptr<Engine> engine_;
};

TEST_F(SubscriptionRecordsTest, NamesAreTakenOnce) {
  Create("a");
  RoomCommit again;
  again.CreateSubscription(Named("a"), {});
  EXPECT_EQ(ConflictOf(again), Conflict::kSubscriptionExists);
}

TEST_F(SubscriptionRecordsTest, ScansFindEachOnceAndGoOnBehindAny) {
  for (const std::string name : {"b", "a", "ab"}) Create(name);
  const std::vector<std::string> names = Names("");
  ASSERT_THAT(names, UnorderedElementsAre("a", "ab", "b"));
  EXPECT_THAT(Names(names[0]), ElementsAre(names[1], names[2]));
  EXPECT_THAT(Names(names[2]), ElementsAre());
}

TEST_F(SubscriptionRecordsTest, WritesDependOnWhatWasRead) {
  Create("a");
  const Revision revision = RevisionOf("a");
  const Revision progress_revision = ProgressRevisionOf("a");

  SubscriptionProgressRecord progress;
  progress.add_positions(7);
  RoomCommit move;
  move.UpdateSubscriptionProgress("a", progress, progress_revision);
  ASSERT_TRUE(CommitAndWait(*engine_, move.Take()).status.ok());
  EXPECT_EQ(RevisionOf("a"), revision) << "progress must not touch the rest";
  RoomCommit late_move;
  late_move.UpdateSubscriptionProgress("a", progress, progress_revision);
  EXPECT_EQ(ConflictOf(late_move), Conflict::kSubscriptionChanged);
  RoomCommit late_delete;
  late_delete.DeleteSubscription("a", revision, progress_revision);
  EXPECT_EQ(ConflictOf(late_delete), Conflict::kSubscriptionChanged);

  RoomCommit update;
  update.UpdateSubscription(Named("a"), revision);
  ASSERT_TRUE(CommitAndWait(*engine_, update.Take()).status.ok());
  RoomCommit late_update;
  late_update.UpdateSubscription(Named("a"), revision);
  EXPECT_EQ(ConflictOf(late_update), Conflict::kSubscriptionChanged);

  RoomCommit remove;
  remove.DeleteSubscription("a", RevisionOf("a"), ProgressRevisionOf("a"));
  ASSERT_TRUE(CommitAndWait(*engine_, remove.Take()).status.ok());
  EXPECT_THAT(Names(""), ElementsAre());
  EXPECT_FALSE((*RoomReader(*engine_).GetSubscriptionProgress("a")).has_value());
}

TEST_F(SubscriptionRecordsTest, ParkedEventsAreOfOneSubscription) {
  RoomCommit commit;
  for (const int64_t sequence : {300, 2, 17}) commit.PutParkedEvent("a", sequence, {});
  commit.PutParkedEvent("b", 5, {});
  ASSERT_TRUE(CommitAndWait(*engine_, commit.Take()).status.ok());
  EXPECT_THAT(Parked("a", 0), ElementsAre(2, 17, 300));
  EXPECT_THAT(Parked("a", 17), ElementsAre(300));
  EXPECT_THAT(Parked("b", 0), ElementsAre(5));
  RoomCommit erase;
  erase.EraseParkedEvent("a", 17);
  ASSERT_TRUE(CommitAndWait(*engine_, erase.Take()).status.ok());
  EXPECT_THAT(Parked("a", 0), ElementsAre(2, 300));
  EXPECT_FALSE((*RoomReader(*engine_).GetParkedEvent("a", 17)).has_value());
}

}  // namespace
}  // namespace innkeeper::storage
