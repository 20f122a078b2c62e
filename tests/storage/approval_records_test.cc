#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "storage/room_store.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_engine.h"

namespace innkeeper::storage {
namespace {

using testing::ElementsAre;

class ApprovalRecordsTest : public testing::Test {
 protected:
  CommitResult Commit(RoomCommit& commit) { return CommitAndWait(*engine_, commit.Take()); }

  CommitResult Create(const std::string& approval_id, const std::string& principal) {
    ApprovalRecord record;
    record.set_principal(principal);
    RoomCommit commit;
    commit.CreateApproval(approval_id, record);
    CommitResult result = Commit(commit);
    if (absl::IsAborted(result.status)) conflict_ = commit.ConflictOf(result);
    return result;
  }

  std::vector<std::string> Ids(const std::string& after = "") {
    std::vector<std::string> ids;
    EXPECT_TRUE(RoomReader(*engine_)
                    .ScanApprovals(after,
                                   [&](std::string approval_id, const auto&) {
                                     ids.push_back(std::move(approval_id));
                                     return true;
                                   })
                    .ok());
    return ids;
  }

  const TempDir dir_;
  const std::unique_ptr<Engine> engine_ = OpenTestEngine(dir_.File("data"));
  RoomCommit::Conflict conflict_ = RoomCommit::Conflict::kRoomExists;
};

TEST_F(ApprovalRecordsTest, AreThereUntilTheyAreErased) {
  ASSERT_TRUE(Create("b", "carol").status.ok());
  ASSERT_TRUE(Create("a", "dave").status.ok());
  EXPECT_THAT(Ids(), ElementsAre("a", "b"));
  EXPECT_THAT(Ids("a"), ElementsAre("b"));
  EXPECT_EQ((*RoomReader(*engine_).GetApproval("b"))->record.principal(), "carol");
  RoomCommit commit;
  commit.EraseApproval("b");
  ASSERT_TRUE(Commit(commit).status.ok());
  EXPECT_FALSE((*RoomReader(*engine_).GetApproval("b")).has_value());
  EXPECT_THAT(Ids(), ElementsAre("a"));
}

TEST_F(ApprovalRecordsTest, AnIdIsUsedOnce) {
  ASSERT_TRUE(Create("a", "carol").status.ok());
  EXPECT_TRUE(absl::IsAborted(Create("a", "dave").status));
  EXPECT_EQ(conflict_, RoomCommit::Conflict::kApprovalChanged);
}

TEST_F(ApprovalRecordsTest, OfTwoWhoRequireOneOneGetsThrough) {
  ASSERT_TRUE(Create("a", "carol").status.ok());
  const Revision revision = (*RoomReader(*engine_).GetApproval("a"))->revision;
  const auto erase = [&] {
    RoomCommit commit;
    commit.RequireApproval("a", revision);
    commit.EraseApproval("a");
    return Commit(commit).status;
  };
  EXPECT_TRUE(erase().ok());
  EXPECT_TRUE(absl::IsAborted(erase()));
}

}  // namespace
}  // namespace innkeeper::storage
