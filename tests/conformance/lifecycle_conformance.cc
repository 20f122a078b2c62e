// Opening, closing and opening again.

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/conformance/engine_conformance.h"

namespace innkeeper::storage {
namespace {

TEST_P(EngineConformance, ReopenKeepsEverything) {
  const Revision a = Put("a", "1");
  Put("b", "gone");
  Delete("b");
  Append({"1", "2"});
  now_ += absl::Minutes(1);
  Append({"3"});
  ASSERT_TRUE(engine().TrimLog(2).ok());
  const Revision last = Put("c", "3");
  const std::vector<LogEntry> log = Log(2);

  Reopen();
  EXPECT_EQ(Rows(*engine().NewSnapshot(), "a", "z"),
            (std::vector<Row>{{"a", "1", a}, {"c", "3", last}}));
  EXPECT_EQ(engine().log_bounds().oldest, 2u);
  EXPECT_EQ(engine().log_bounds().head, 3u);
  const std::vector<LogEntry> reopened = Log(2);
  ASSERT_EQ(reopened.size(), log.size());
  for (size_t i = 0; i < log.size(); ++i) {
    EXPECT_EQ(reopened[i].position, log[i].position);
    EXPECT_EQ(reopened[i].revision, log[i].revision);
    EXPECT_EQ(reopened[i].commit_time, log[i].commit_time);
    EXPECT_EQ(reopened[i].payload, log[i].payload);
  }
}

TEST_P(EngineConformance, ReopenGoesOnWhereItStopped) {
  for (int i = 0; i < 5; ++i) {
    const CommitResult before = Commit({.writes = {{"key", "old"}}, .log_entries = {"old"}});
    Reopen();
    const CommitResult after =
        Commit({.preconditions = {Precondition::Unchanged("key", before.revision)},
                .writes = {{"key", "new"}},
                .log_entries = {"new"}});
    EXPECT_GT(after.revision, before.revision);
    EXPECT_EQ(after.first_position, before.first_position + 1);
  }
}

TEST_P(EngineConformance, EntriesStayInTheirEpochs) {
  std::vector<uint64_t> ids = {engine().log_epochs()->IdAt(0)};  // by position
  for (int opening = 0; opening < 6; ++opening) {
    const std::shared_ptr<const LogEpochs> epochs = engine().log_epochs();
    for (LogPosition position = 0; position < ids.size(); ++position) {
      EXPECT_EQ(epochs->IdAt(position), ids[position]);
      EXPECT_GE(epochs->EndOf(ids[position]).value_or(0), position);
    }
    Put("key", "value");
    for (int i = 0; i < opening % 3; ++i) {
      const LogPosition position = Append({"entry"});
      ids.push_back(engine().log_epochs()->IdAt(position));
    }
    if (opening == 4) {
      ASSERT_TRUE(engine().TrimLog(3).ok());
    }
    Reopen();
  }
}

TEST_P(EngineConformance, StoresHaveTheirOwnEpochs) {
  const std::unique_ptr<Engine> other = OpenOther({});
  for (Engine* store : {&engine(), other.get()}) {
    CommitAndWait(*store, {.log_entries = {"entry"}});
  }
  for (const LogPosition position : {0u, 1u}) {
    const uint64_t id = other->log_epochs()->IdAt(position);
    EXPECT_EQ(engine().log_epochs()->EndOf(id), std::nullopt);
  }
}

TEST_P(EngineConformance, CloseFinishesWhatWasAccepted) {
  constexpr int kCommits = 2'000;
  std::atomic<int> succeeded = 0;
  for (int i = 0; i < kCommits; ++i) {
    engine().Commit({.log_entries = {absl::StrCat(i)}}, [&](CommitResult result) {
      if (result.status.ok()) ++succeeded;
    });
  }
  EXPECT_TRUE(engine().Close().ok());
  EXPECT_EQ(succeeded, kCommits);
  EXPECT_EQ(engine().log_bounds().head, static_cast<LogPosition>(kCommits));
}

TEST_P(EngineConformance, ClosedEngineRefusesCommits) {
  EXPECT_TRUE(engine().Close().ok());
  EXPECT_EQ(CommitAndWait(engine(), {.log_entries = {"late"}}).status.code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(engine().TrimLog(1).code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(engine().Close().ok());
  EXPECT_EQ(engine().log_bounds().head, 0u);
}

TEST_P(EngineConformance, EveryCommitIsAnsweredOnceWhileClosing) {
  constexpr int kThreads = 4;
  constexpr int kCommits = 500;
  std::vector<std::atomic<int>> answers(kThreads * kCommits);
  std::atomic<size_t> succeeded = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kCommits; ++i) {
        engine().Commit({.log_entries = {"entry"}}, [&,
                                                     slot = t * kCommits + i](CommitResult result) {
          ++answers[slot];
          if (result.status.ok()) ++succeeded;
          EXPECT_TRUE(result.status.ok() || absl::IsUnavailable(result.status)) << result.status;
        });
      }
    });
  }
  std::thread closer([&] { EXPECT_TRUE(engine().Close().ok()); });
  EXPECT_TRUE(engine().Close().ok());
  closer.join();
  for (std::thread& thread : threads) thread.join();
  for (const std::atomic<int>& count : answers) EXPECT_EQ(count, 1);
  EXPECT_EQ(engine().log_bounds().head, succeeded);
}

TEST_P(EngineConformance, CloseWaitsForSnapshotsToBeReleased) {
  Put("key", "value");
  std::unique_ptr<Snapshot> snapshot = engine().NewSnapshot();
  EXPECT_EQ(engine().Close().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ((**snapshot->Get("key")).value, "value");
  snapshot.reset();
  EXPECT_TRUE(engine().Close().ok());
}

}  // namespace
}  // namespace innkeeper::storage
