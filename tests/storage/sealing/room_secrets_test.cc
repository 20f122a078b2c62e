#include "storage/sealing/room_secrets.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/storage/rocksdb/failing_disk.h"
#include "tests/storage/sealing/sealing_fixture.h"

namespace innkeeper::storage {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(30);

class RoomSecretsTest : public SealingFixture {
 protected:
  RoomSecretsTest() { Reopen(); }

  void Reopen() {
    secrets_.reset();
    secrets_ = OpenSecrets("secrets");
  }

  RoomSecretPtr Draw() {
    auto drawn = secrets_->Draw();
    EXPECT_TRUE(drawn.ok()) << drawn.status();
    return drawn.ok() ? *std::move(drawn) : nullptr;
  }

  std::string Bytes(uint64_t id) {
    const auto found = secrets_->Find(id, ReadTier::kAll);
    EXPECT_TRUE(found.ok()) << found.status();
    return found.ok() && *found != nullptr ? std::string((*found)->secret.Expose()) : "(destroyed)";
  }

  std::unique_ptr<RoomSecrets> secrets_;
};

TEST_F(RoomSecretsTest, AreFoundAgainAndDifferent) {
  const RoomSecretPtr one = Draw();
  const RoomSecretPtr two = Draw();
  EXPECT_NE(one->id, two->id);
  EXPECT_NE(one->secret.Expose(), two->secret.Expose());
  EXPECT_EQ(one->secret.size(), RoomSecret::kBytes);
  const std::string id = secrets_->id();
  Reopen();
  EXPECT_EQ(secrets_->id(), id);
  EXPECT_EQ(Bytes(one->id), one->secret.Expose());
  EXPECT_EQ(Bytes(two->id), two->secret.Expose());
}

TEST_F(RoomSecretsTest, NoIdIsGivenTwice) {
  std::set<uint64_t> ids;
  for (int run = 0; run < 3; ++run) {
    for (int i = 0; i < 3000; ++i) {
      const RoomSecretPtr drawn = Draw();
      ASSERT_NE(drawn, nullptr);
      EXPECT_TRUE(ids.insert(drawn->id).second) << drawn->id;
    }
    if (run == 1) {
      ASSERT_TRUE(secrets_->Close().ok());
    }
    Reopen();
  }
  for (const uint64_t id : ids) EXPECT_NE(Bytes(id), "(destroyed)");
}

// A start makes few: the ids say how many.
TEST_F(RoomSecretsTest, MoreAreMadeTheMoreAreDrawn) {
  EXPECT_EQ(Draw()->id, 64u);
  Reopen();
  EXPECT_EQ(Draw()->id, 128u);
  uint64_t last = 0;
  for (int i = 0; i < 5000; ++i) {
    const RoomSecretPtr drawn = Draw();
    ASSERT_NE(drawn, nullptr);
    last = std::max(last, drawn->id);
  }
  EXPECT_GE(last, 5000u);
  EXPECT_LE(last, 128u + 5000 + 2 * 1024);
}

// However fast they come: those who draw wait for the ones that are being stored.
TEST_F(RoomSecretsTest, ABurstBehindAStartGetsAllThatItDraws) {
  constexpr int kThreads = 100;
  constexpr int kEach = 40;
  for (int start = 0; start < 3; ++start) {
    Reopen();
    std::vector<std::thread> threads;
    std::atomic<int> missed = 0;
    threads.reserve(kThreads);
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] {
        for (int j = 0; j < kEach; ++j) missed += secrets_->Draw().ok() ? 0 : 1;
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(missed, 0);
  }
}

TEST_F(RoomSecretsTest, OneThatIsDestroyedIsGoneForGood) {
  const RoomSecretPtr kept = Draw();
  const uint64_t gone = Draw()->id;
  ASSERT_TRUE(secrets_->Destroy("!room:example.org", {gone}).ok());
  EXPECT_EQ(Bytes(gone), "(destroyed)");
  EXPECT_EQ(Bytes(kept->id), kept->secret.Expose());
  Reopen();
  EXPECT_EQ(Bytes(gone), "(destroyed)");
  EXPECT_EQ(Bytes(kept->id), kept->secret.Expose());
}

TEST_F(RoomSecretsTest, OneThatIsLostIsAnError) {
  const absl::Status lost = secrets_->Find(1'000'000, ReadTier::kAll).status();
  EXPECT_TRUE(absl::IsDataLoss(lost)) << lost;
}

TEST_F(RoomSecretsTest, OneThatIsGivenBackIsDrawnAgain) {
  RoomSecretPtr drawn = Draw();
  const uint64_t id = drawn->id;
  secrets_->GiveBack(std::move(drawn));
  EXPECT_EQ(Draw()->id, id);
}

TEST_F(RoomSecretsTest, ThoseThatNobodyDrewAreForgottenWhenClosed) {
  const uint64_t drawn = Draw()->id;
  const RoomSecretPtr other = Draw();
  const uint64_t unused = other->id;
  secrets_->GiveBack(other);
  ASSERT_TRUE(secrets_->Close().ok());
  Reopen();
  EXPECT_NE(Bytes(drawn), "(destroyed)");
  EXPECT_TRUE(absl::IsDataLoss(secrets_->Find(unused, ReadTier::kAll).status()));
}

TEST(RoomSecretsOnADiskTest, AreNotGivenOutBeforeTheyAreStored) {
  FailingDisk disk;
  TempDir dir;
  const auto open = [&] {
    auto engine = OpenRocksDb({.path = dir.File("secrets"),
                               .block_cache_bytes = 8 << 20,
                               .write_buffer_bytes = 4 << 20,
                               .retry_period = absl::Milliseconds(1),
                               .env = disk.env()});
    return *RoomSecrets::Open(*std::move(engine));
  };
  auto secrets = open();
  std::vector<uint64_t> ids;
  const auto draw = [&] {
    const auto drawn = secrets->Draw();
    if (drawn.ok()) ids.push_back((*drawn)->id);
    return drawn.status();
  };
  const absl::Time deadline = absl::Now() + kPatience;
  const auto draw_until = [&](const auto& reached) {
    while (!reached(draw()) && absl::Now() < deadline) std::this_thread::yield();
  };
  disk.Arrange({{.error = ReadOnlyDisk()}});
  draw_until([](const absl::Status& status) { return absl::IsUnavailable(status); });
  EXPECT_EQ(ids.size(), 64);
  disk.Heal();
  draw_until([&](const absl::Status&) { return ids.size() == 5000; });
  EXPECT_EQ(ids.size(), 5000);
  secrets = nullptr;
  secrets = open();
  for (const uint64_t id : ids) {
    const auto found = secrets->Find(id, ReadTier::kAll);
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_NE(*found, nullptr);
  }
}

}  // namespace
}  // namespace innkeeper::storage
