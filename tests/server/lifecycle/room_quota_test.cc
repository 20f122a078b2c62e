#include "server/lifecycle/room_quota.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/errors/errors.h"
#include "storage/room_store.h"
#include "tests/support/people.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_engine.h"

namespace innkeeper::lifecycle {
namespace {

class RoomQuotaTest : public testing::Test {
 protected:
  std::unique_ptr<RoomQuota> Quota(int64_t most) {
    return std::make_unique<RoomQuota>(*engine_, clock_, most);
  }

  // Has the store say that the user has created a room.
  void Store(const std::string& creator) {
    storage::RoomCommit commit;
    commit.NoteCreatedRoom(creator, absl::StrCat("!room", ++rooms_, ":example.org"));
    ASSERT_TRUE(CommitAndWait(*engine_, commit.Take()).status.ok());
  }

  // Has the store say that the `room`th room is not there any more.
  void Forget(const std::string& creator, int room) {
    storage::RoomRecord record;
    record.set_room_id(absl::StrCat("!room", room, ":example.org"));
    record.set_creator(creator);
    storage::RoomCommit commit;
    commit.DeleteRoom(record, 0);
    ASSERT_TRUE(CommitAndWait(*engine_, commit.Take()).status.ok());
  }

  // Pays for a room and creates it.
  absl::Status Create(RoomQuota& quota, const std::string& creator) {
    const auto toll = quota.TollFor(creator);
    absl::Status paid = toll->Pay();
    if (paid.ok()) Store(creator);
    return paid;
  }

  TempDir dir_;
  std::unique_ptr<storage::Engine> engine_ = storage::OpenTestEngine(dir_.File("data"));
  absl::Time now_ = absl::FromUnixSeconds(1'700'000'000);
  const Clock clock_ = [this] { return now_; };
  std::atomic<int> rooms_ = 0;
};

TEST_F(RoomQuotaTest, EachUserHasSoManyAndNoMore) {
  const auto quota = Quota(3);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(Create(*quota, kAlice).ok());
  const absl::Status refused = Create(*quota, kAlice);
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(refused), v1::ERROR_REASON_LIMIT_EXCEEDED);
  EXPECT_EQ(MetadataOf(refused, "limit"), "max_rooms_per_creator");
  EXPECT_EQ(MetadataOf(refused, "most"), "3");
  EXPECT_TRUE(Create(*quota, kBob).ok());
}

TEST_F(RoomQuotaTest, CountsWhatTheStoreHas) {
  for (int i = 0; i < 3; ++i) Store(kAlice);
  EXPECT_TRUE(Create(*Quota(4), kAlice).ok());
  EXPECT_FALSE(Create(*Quota(4), kAlice).ok()) << "another start of the server";
  EXPECT_FALSE(Create(*Quota(2), kAlice).ok()) << "a lower limit";
}

TEST_F(RoomQuotaTest, WhatIsBeingCreatedCountsUntilItIsGivenBack) {
  const auto quota = Quota(2);
  const auto first = quota->TollFor(kAlice);
  const auto second = quota->TollFor(kAlice);
  const auto third = quota->TollFor(kAlice);
  EXPECT_TRUE(first->Pay().ok());
  EXPECT_TRUE(first->Pay().ok()) << "paid already";
  EXPECT_TRUE(second->Pay().ok());
  EXPECT_FALSE(third->Pay().ok());
  first->GiveBack();
  first->GiveBack();
  EXPECT_TRUE(third->Pay().ok());
  EXPECT_FALSE(first->Pay().ok());
}

TEST_F(RoomQuotaTest, HearsOfWhatOtherProcessesCreate) {
  const auto quota = Quota(3);
  EXPECT_TRUE(Create(*quota, kAlice).ok());
  for (int i = 0; i < 2; ++i) Store(kAlice);
  now_ += absl::Minutes(1);
  EXPECT_FALSE(Create(*quota, kAlice).ok());
}

TEST_F(RoomQuotaTest, CountingAnewForgetsNothingThatIsBeingCreated) {
  const auto quota = Quota(2);
  const auto first = quota->TollFor(kAlice);
  const auto second = quota->TollFor(kAlice);
  EXPECT_TRUE(first->Pay().ok());
  EXPECT_TRUE(second->Pay().ok());
  now_ += absl::Minutes(1);
  EXPECT_FALSE(Create(*quota, kAlice).ok());
}

TEST_F(RoomQuotaTest, ARoomThatIsDeletedGivesItsPlaceBackWithinASecond) {
  const auto quota = Quota(3);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(Create(*quota, kAlice).ok());
  Forget(kAlice, 1);
  now_ += absl::Seconds(1);
  EXPECT_TRUE(Create(*quota, kAlice).ok());
  EXPECT_FALSE(Create(*quota, kAlice).ok());
  // One that is being created may be among those that are counted, or not yet.
  Forget(kAlice, 2);
  Forget(kAlice, 3);
  now_ += absl::Seconds(1);
  const auto first = quota->TollFor(kAlice);
  EXPECT_TRUE(first->Pay().ok());
  now_ += absl::Minutes(1);
  EXPECT_TRUE(Create(*quota, kAlice).ok());
  EXPECT_FALSE(Create(*quota, kAlice).ok());
}

TEST_F(RoomQuotaTest, NobodyGetsPastTheLimitSideBySide) {
  constexpr int kMost = 50;
  const auto quota = Quota(kMost);
  std::vector<std::thread> threads;
  threads.reserve(8);
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        const auto toll = quota->TollFor(kAlice);
        if (!toll->Pay().ok()) continue;
        if (i % 3 == 0) {
          toll->GiveBack();
        } else {
          Store(kAlice);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto stored = storage::RoomReader(*engine_).CountRoomsCreatedBy(kAlice, 1000);
  EXPECT_LE(*stored, kMost);
  EXPECT_EQ(*stored, rooms_);
  for (int64_t i = *stored; i < kMost; ++i) EXPECT_TRUE(Create(*quota, kAlice).ok());
  EXPECT_FALSE(Create(*quota, kAlice).ok());
}

TEST_F(RoomQuotaTest, ManyCreatorsAreForgottenAndCountedAnew) {
  const auto quota = Quota(1);
  EXPECT_TRUE(Create(*quota, kAlice).ok());
  for (int i = 0; i < 10'001; ++i) {
    const auto toll = quota->TollFor(absl::StrCat("@user", i, ":example.org"));
    EXPECT_TRUE(toll->Pay().ok());
    toll->GiveBack();
  }
  EXPECT_FALSE(Create(*quota, kAlice).ok());
}

TEST_F(RoomQuotaTest, ZeroIsNoLimit) { EXPECT_EQ(Quota(0)->TollFor(kAlice), nullptr); }

}  // namespace
}  // namespace innkeeper::lifecycle
