#include "server/feed/retention.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/rocksdb/rocksdb_engine.h"
#include "tests/support/temp_dir.h"

namespace innkeeper::feed {
namespace {

using storage::LogPosition;
using HeldAnswer = absl::StatusOr<std::optional<LogPosition>>;

// A log whose entries are a second apart.
class RetentionTest : public testing::Test {
 protected:
  static absl::Time At(int seconds) { return absl::FromUnixSeconds(1'700'000'000 + seconds); }

  std::unique_ptr<storage::Engine> Open(const std::string& name) {
    storage::RocksDbOptions options;
    options.path = dir_.File(name);
    options.block_cache_bytes = 16 << 20;
    options.write_buffer_bytes = 4 << 20;
    options.clock = [this] { return now_; };
    return *storage::OpenRocksDb(std::move(options));
  }

  // Commits that many entries of that size together, a second after those before.
  void Append(size_t entries = 1, size_t bytes = 10) {
    storage::CommitRequest request;
    for (size_t i = 0; i < entries; ++i) {
      std::string payload(bytes, '\0');
      for (char& byte : payload) byte = static_cast<char>(random_());
      request.log_entries.push_back(std::move(payload));
    }
    now_ += absl::Seconds(1);
    ASSERT_TRUE(CommitAndWait(*engine_, std::move(request)).status.ok());
  }

  // The oldest position that is there once the policy was enforced.
  LogPosition OldestAfter(const RetentionPolicy& policy,
                          std::optional<LogPosition> held = std::nullopt) {
    const LogPosition before = engine_->log_bounds().oldest;
    const auto removed =
        EnforceRetention(*engine_, policy, now_, [&]() -> HeldAnswer { return held; });
    EXPECT_TRUE(removed.ok()) << removed.status();
    EXPECT_EQ(removed.value_or(0), engine_->log_bounds().oldest - before);
    return engine_->log_bounds().oldest;
  }

  static RetentionPolicy MaxAge(absl::Duration age) {
    RetentionPolicy policy;
    policy.max_age = age;
    return policy;
  }

  const TempDir dir_;
  std::mt19937 random_{1};
  absl::Time now_ = At(0);
  std::unique_ptr<storage::Engine> engine_ = Open("store");
};

TEST_F(RetentionTest, WithoutLimitsNothingIsRemoved) {
  for (int i = 0; i < 10; ++i) Append();
  now_ += absl::Hours(100'000);
  EXPECT_EQ(OldestAfter({}), 1u);
}

// Whoever is promised something meanwhile counts.
TEST_F(RetentionTest, AsksForWhatIsHeldOnceItKnowsWhatElseToKeep) {
  for (int i = 0; i < 10; ++i) Append();
  int asked = 0;
  const auto enforce = [&](absl::Duration max_age, HeldAnswer held) {
    return EnforceRetention(*engine_, MaxAge(max_age), now_, [&] {
      ++asked;
      return held;
    });
  };
  EXPECT_EQ(*enforce(absl::Hours(1), absl::InternalError("not to be asked")), 0u);
  EXPECT_EQ(asked, 0);
  EXPECT_TRUE(absl::IsInternal(enforce(absl::Seconds(3), absl::InternalError("")).status()));
  EXPECT_EQ(engine_->log_bounds().oldest, 1u);
  EXPECT_EQ(*enforce(absl::Seconds(3), 5), 4u);
  EXPECT_EQ(asked, 2);
}

TEST_F(RetentionTest, RemovesExactlyWhatIsOlderThanTheGreatestAge) {
  for (int i = 0; i < 10; ++i) Append();  // at seconds 1 to 10
  EXPECT_EQ(OldestAfter(MaxAge(absl::Seconds(9))), 1u);
  EXPECT_EQ(OldestAfter(MaxAge(absl::Seconds(6))), 4u);
  EXPECT_EQ(OldestAfter(MaxAge(absl::Seconds(7))), 4u) << "what is gone stays gone";
  EXPECT_EQ(OldestAfter(MaxAge(absl::Seconds(6) - absl::Milliseconds(1))), 5u);
}

TEST_F(RetentionTest, TheNewestEventStays) {
  for (int i = 0; i < 10; ++i) Append();
  now_ += absl::Hours(1);
  RetentionPolicy policy = MaxAge(absl::ZeroDuration());
  policy.max_bytes = 1;
  EXPECT_EQ(OldestAfter(policy), 10u);
  EXPECT_EQ(engine_->log_bounds().head, 10u);
}

TEST_F(RetentionTest, AnEmptyLogIsLeftAlone) {
  RetentionPolicy policy = MaxAge(absl::ZeroDuration());
  policy.max_bytes = 1;
  EXPECT_EQ(OldestAfter(policy), 1u);
}

TEST_F(RetentionTest, KeepsTheNewestThatFitTheGreatestSize) {
  constexpr size_t kEntryBytes = 10'000;
  for (int i = 0; i < 2'000; ++i) Append(1, kEntryBytes);
  RetentionPolicy policy;
  policy.max_bytes = 30'000'000;
  EXPECT_EQ(OldestAfter(policy), 1u);
  policy.max_bytes = 10'000'000;
  const LogPosition oldest = OldestAfter(policy);
  EXPECT_GT(oldest, 600u);
  EXPECT_LT(oldest, 1'400u);
  EXPECT_LE(*engine_->EstimateLogBytes(oldest, 2'001), policy.max_bytes);
}

TEST_F(RetentionTest, NothingYoungerThanTheLeastAgeIsRemoved) {
  for (int i = 0; i < 10; ++i) Append();
  RetentionPolicy policy;
  policy.max_bytes = 1;
  policy.min_age = absl::Seconds(8);
  EXPECT_EQ(OldestAfter(policy), 2u);
  now_ += absl::Seconds(4);
  EXPECT_EQ(OldestAfter(policy), 6u);
}

TEST_F(RetentionTest, NothingThatIsHeldIsRemoved) {
  for (int i = 0; i < 10; ++i) Append();
  const RetentionPolicy policy = MaxAge(absl::ZeroDuration());
  EXPECT_EQ(OldestAfter(policy, 1), 1u);
  EXPECT_EQ(OldestAfter(policy, 4), 4u);
  EXPECT_EQ(OldestAfter(policy, 2), 4u) << "it is gone already";
  EXPECT_EQ(OldestAfter(policy, 11), 10u);
}

TEST_F(RetentionTest, ACommitIsNeverSplit) {
  for (int i = 0; i < 4; ++i) Append(5);
  const RetentionPolicy policy = MaxAge(absl::ZeroDuration());
  for (const LogPosition held : {3u, 5u}) EXPECT_EQ(OldestAfter(policy, held), 1u);
  EXPECT_EQ(OldestAfter(policy, 6), 6u);
  EXPECT_EQ(OldestAfter(policy, 15), 11u);
  EXPECT_EQ(OldestAfter(policy), 16u) << "the newest commit stays whole";
}

TEST_F(RetentionTest, AskingRemovesNothing) {
  for (int i = 0; i < 3; ++i) Append();
  EXPECT_EQ(*OldestKept(*engine_, MaxAge(absl::Seconds(1)), now_), 2u);
  EXPECT_EQ(engine_->log_bounds().oldest, 1u);
}

}  // namespace
}  // namespace innkeeper::feed
