// When a commit counts as done, and what happens when the disk fails.

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "storage/rocksdb/rocksdb_engine.h"
#include "tests/storage/rocksdb/faulty_file_system.h"
#include "tests/storage/rocksdb/store_files.h"
#include "tests/support/temp_dir.h"

namespace innkeeper::storage {
namespace {

using absl::StatusCode;
using testing::ElementsAre;
using testing::HasSubstr;

class DurabilityTest : public testing::Test {
 protected:
  DurabilityTest() : env_(MakeFaultyEnv(faults_)) {
    RocksDbOptions options = SmallOptions(path_, /*create=*/true);
    options.env = env_.get();
    options.retry_period = absl::Hours(1);  // so that it does not come back
    engine_ = MustOpen(std::move(options));
    engine_->SetCommitListener([this](LogPosition head) {
      absl::MutexLock lock(&heads_mutex_);
      heads_.push_back(head);
    });
    for (int i = 1; i <= 3; ++i) CommitNumbered(*engine_, i);
  }

  // What the listener heard.
  std::vector<LogPosition> Heads() {
    absl::MutexLock lock(&heads_mutex_);
    return heads_;
  }

  // Expects that the store is as it was before the commit numbered 4.
  void ExpectUnchanged() {
    ExpectNumbered(*engine_, 3);
    EXPECT_EQ(engine_->ReadLog(4, 10, 1'000)->size(), 0u);
  }

  // Expects that writes fail now, that reads go on, and that the store can
  // be opened on a sound disk with all that was acknowledged.
  void ExpectFailure() {
    const CommitResult failed = CommitNumbered(*engine_, 4);
    EXPECT_EQ(failed.status.code(), StatusCode::kUnavailable) << failed.status;
    const CommitResult refused = CommitNumbered(*engine_, 5);
    EXPECT_EQ(refused.status.code(), StatusCode::kUnavailable) << refused.status;
    EXPECT_THAT(std::string(refused.status.message()), HasSubstr("as arranged"));
    EXPECT_EQ(engine_->TrimLog(2).code(), StatusCode::kUnavailable);
    ExpectUnchanged();
    EXPECT_EQ(engine_->Close().code(), StatusCode::kUnavailable);
    engine_.reset();

    const std::unique_ptr<Engine> reopened = MustOpen(SmallOptions(path_));
    const LogPosition head = reopened->log_bounds().head;
    EXPECT_TRUE(head == 3 || head == 4) << head;
    ExpectNumbered(*reopened, static_cast<int>(head));
    EXPECT_TRUE(CommitNumbered(*reopened, static_cast<int>(head) + 1).status.ok());
  }

  TempDir directory_;
  const std::string path_ = directory_.path() + "/store";
  absl::Mutex heads_mutex_;
  std::vector<LogPosition> heads_ ABSL_GUARDED_BY(heads_mutex_);
  Faults faults_;
  const std::unique_ptr<rocksdb::Env> env_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(DurabilityTest, NothingShowsBeforeItIsSynced) {
  faults_.HoldSyncs();
  absl::Notification done;
  engine_->Commit({.writes = {{"key4", "new"}}, .log_entries = {"4"}},
                  [&](const CommitResult& result) {
                    EXPECT_TRUE(result.status.ok()) << result.status;
                    done.Notify();
                  });
  faults_.AwaitHeldSync();
  ExpectUnchanged();
  EXPECT_FALSE(done.HasBeenNotified());
  EXPECT_THAT(Heads(), ElementsAre(1u, 2u, 3u));

  faults_.ReleaseSyncs();
  done.WaitForNotification();
  EXPECT_TRUE(engine_->Get("key4")->has_value());
  EXPECT_EQ(engine_->log_bounds().head, 4u);
  ASSERT_TRUE(engine_->Close().ok());
  EXPECT_THAT(Heads(), ElementsAre(1u, 2u, 3u, 4u));
}

TEST_F(DurabilityTest, WhoMayWaitMakesTheCommitAndOthersWait) {
  // The committer's thread may not be at rest yet.
  while (!CommitHereAndWait(*engine_, {.log_entries = {"before"}}).made_here) {
  }
  const LogPosition before = engine_->log_bounds().head;
  faults_.HoldSyncs();
  absl::Notification done;
  std::thread here([&] {
    engine_->CommitHere({.writes = {{"key4", "new"}}, .log_entries = {"here"}},
                        [&](const CommitResult& result) {
                          EXPECT_TRUE(result.status.ok()) << result.status;
                          done.Notify();
                        });
  });
  faults_.AwaitHeldSync();
  absl::Notification next_done;
  engine_->Commit({.log_entries = {"next"}}, [&](const CommitResult& result) {
    EXPECT_TRUE(result.status.ok()) << result.status;
    EXPECT_EQ(result.first_position, before + 2);
    next_done.Notify();
  });
  EXPECT_FALSE(engine_->Get("key4")->has_value());
  EXPECT_EQ(engine_->log_bounds().head, before);
  EXPECT_FALSE(done.HasBeenNotified());

  faults_.ReleaseSyncs();
  here.join();
  done.WaitForNotification();
  next_done.WaitForNotification();
  ASSERT_TRUE(engine_->Close().ok());
  EXPECT_EQ(Heads().back(), before + 2);
}

TEST_F(DurabilityTest, TrimIsDoneWhenItIsSynced) {
  faults_.HoldSyncs();
  absl::Notification done;
  std::thread trimmer([&] {
    EXPECT_TRUE(engine_->TrimLog(3).ok());
    done.Notify();
  });
  faults_.AwaitHeldSync();
  EXPECT_FALSE(done.HasBeenNotified());
  EXPECT_EQ(engine_->log_bounds().oldest, 1u);
  EXPECT_EQ(engine_->ReadLog(1, 10, 1'000)->size(), 3u);
  faults_.ReleaseSyncs();
  trimmer.join();
  EXPECT_EQ(engine_->log_bounds().oldest, 3u);
}

TEST_F(DurabilityTest, CommitsShareASync) {
  // While one sync is held all others queue up, and then share the next.
  constexpr int kCommits = 1'000;
  faults_.HoldSyncs();
  std::vector<CommitResult> results;
  for (int i = 0; i < kCommits; ++i) {
    engine_->Commit({.log_entries = {absl::StrCat(i)}},
                    [&](CommitResult result) { results.push_back(std::move(result)); });
    if (i == 0) faults_.AwaitHeldSync();
  }
  faults_.ReleaseSyncs();
  ASSERT_TRUE(engine_->Close().ok());
  EXPECT_EQ(results.size(), static_cast<size_t>(kCommits));
  EXPECT_THAT(Heads(), ElementsAre(1u, 2u, 3u, 4u, 3u + kCommits));
}

TEST_F(DurabilityTest, FailedAppendEndsWrites) {
  faults_.FailAppends();
  ExpectFailure();
}

TEST_F(DurabilityTest, FailedSyncEndsWrites) {
  faults_.FailSyncs();
  ExpectFailure();
}

TEST_F(DurabilityTest, FailedWriteFailsAllThatWait) {
  faults_.HoldSyncs();
  std::atomic<int> unavailable = 0;
  for (int i = 0; i < 100; ++i) {
    engine_->Commit({.preconditions = {Precondition::Absent("key1")}},
                    [&](const CommitResult& result) {
                      if (absl::IsUnavailable(result.status)) ++unavailable;
                    });
    engine_->Commit({.log_entries = {"entry"}}, [&](const CommitResult& result) {
      if (absl::IsUnavailable(result.status)) ++unavailable;
    });
    if (i == 0) faults_.AwaitHeldSync();
  }
  faults_.FailSyncs();
  faults_.ReleaseSyncs();
  EXPECT_FALSE(engine_->Close().ok());
  // The very first may have been judged in a batch of its own.
  EXPECT_GE(unavailable, 199);
}

TEST_F(DurabilityTest, PowerFailureDuringAWriteLosesNothingAcknowledged) {
  faults_.HoldSyncs();
  std::string large(100'000, 'x');
  engine_->Commit({.writes = {{"key4", large}}, .log_entries = {"4"}}, [](const CommitResult&) {});
  faults_.AwaitHeldSync();
  // What of the unsynced write is on the disk is anybody's guess.
  const std::string image = directory_.path() + "/image";
  CopyStore(path_, image);
  faults_.ReleaseSyncs();
  const std::filesystem::path wal = FilesEndingIn(image, ".log").back();
  const std::string all = ReadFile(wal);
  ASSERT_GT(all.size(), large.size());
  const size_t synced = all.size() - large.size() - 1'000;
  std::string garbage = all;
  for (size_t i = synced + 2'000; i < garbage.size(); i += 777) garbage[i] ^= 0x55;
  std::string hole = all;
  std::fill_n(hole.begin() + static_cast<ptrdiff_t>(synced) + 5'000, 4'096, '\0');
  std::string zeros = all;
  std::fill(zeros.begin() + static_cast<ptrdiff_t>(synced) + 2'000, zeros.end(), '\0');
  for (const std::string& torn : {all.substr(0, synced + 2'000), all.substr(0, synced + 50'000),
                                  all.substr(0, all.size() - 1), garbage, hole, zeros}) {
    const std::string copy = directory_.path() + "/copy";
    CopyStore(image, copy);
    WriteFile(std::filesystem::path(copy) / std::filesystem::relative(wal, image), torn);
    const std::unique_ptr<Engine> engine = MustOpen(SmallOptions(copy));
    ExpectNumbered(*engine, 3);
    EXPECT_TRUE(CommitNumbered(*engine, 4).status.ok());
    ASSERT_TRUE(engine->Close().ok());
    ExpectNumbered(*MustOpen(SmallOptions(copy)), 4);
  }
}

}  // namespace
}  // namespace innkeeper::storage
