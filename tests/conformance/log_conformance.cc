// The log: positions, reading, trimming, and the listener.

#include <algorithm>
#include <atomic>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "tests/conformance/engine_conformance.h"

namespace innkeeper::storage {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> PayloadsOf(const std::vector<LogEntry>& entries) {
  std::vector<std::string> payloads;
  for (const LogEntry& entry : entries) payloads.push_back(entry.payload);
  return payloads;
}

TEST_P(EngineConformance, LogStartsEmpty) {
  EXPECT_EQ(engine().log_bounds().oldest, 1u);
  EXPECT_EQ(engine().log_bounds().head, 0u);
  EXPECT_THAT(Log(1), IsEmpty());
}

TEST_P(EngineConformance, EntriesOfACommitAreAdjacentAndCarryItsRevision) {
  const absl::Time first_time = now_;
  const CommitResult first = Commit({.log_entries = {"a", "b"}});
  now_ += absl::Microseconds(1);
  const CommitResult second = Commit({.writes = {{"key", "value"}}, .log_entries = {"c"}});

  EXPECT_EQ(first.first_position, 1u);
  EXPECT_EQ(second.first_position, 3u);
  const std::vector<LogEntry> log = Log(1);
  EXPECT_THAT(PayloadsOf(log), ElementsAre("a", "b", "c"));
  const std::vector<Revision> revisions = {first.revision, first.revision, second.revision};
  const std::vector<absl::Time> times = {first_time, first_time, now_};
  for (size_t i = 0; i < log.size(); ++i) {
    EXPECT_EQ(log[i].position, i + 1);
    EXPECT_EQ(log[i].revision, revisions[i]);
    EXPECT_EQ(log[i].commit_time, times[i]);
  }
  EXPECT_EQ((*engine().Get("key"))->revision, second.revision);
}

TEST_P(EngineConformance, CommitWithoutEntriesMovesNothing) {
  Append({"a"});
  EXPECT_EQ(Commit({.writes = {{"key", "value"}}}).first_position, 0u);
  EXPECT_EQ(engine().log_bounds().head, 1u);
  EXPECT_EQ(Append({"b"}), 2u);
}

// What a thread of the next test was told.
struct Told {
  LogPosition position = 0;
  std::vector<std::string> entries;
  Revision revision = 0;
};

TEST_P(EngineConformance, LogHasNoGapsUnderConcurrentConflicts) {
  constexpr int kThreads = 8;
  constexpr int kCommits = 150;
  const uint32_t seed = TestSeed();
  std::vector<std::vector<Told>> told(kThreads);
  std::atomic<int> aborted = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(seed + t);
      for (int i = 0; i < kCommits; ++i) {
        const std::string key = absl::StrCat("key", random() % 4);
        const std::optional<Versioned> current = *engine().Get(key);
        std::vector<std::string> entries;
        for (size_t n = random() % 4; n > 0; --n)
          entries.push_back(absl::StrCat(t, "/", i, "/", n));
        const CommitResult result = CommitAndWait(
            engine(),
            {.preconditions = {Precondition::Unchanged(key, current ? current->revision : 0)},
             .writes = {{key, absl::StrCat(t, "/", i)}},
             .log_entries = entries});
        if (!result.status.ok()) {
          ASSERT_EQ(result.status.code(), absl::StatusCode::kAborted) << result.status;
          ++aborted;
        } else if (!entries.empty()) {
          told[t].push_back({result.first_position, std::move(entries), result.revision});
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(aborted, 0) << "the test made no conflicts";

  const std::vector<LogEntry> log = Log(1);
  ASSERT_EQ(log.size(), engine().log_bounds().head);
  size_t told_entries = 0;
  for (const std::vector<Told>& commits : told) {
    for (const Told& commit : commits) {
      for (size_t i = 0; i < commit.entries.size(); ++i, ++told_entries) {
        const LogEntry& entry = log[commit.position - 1 + i];
        EXPECT_EQ(entry.payload, commit.entries[i]);
        EXPECT_EQ(entry.revision, commit.revision);
      }
    }
  }
  EXPECT_EQ(told_entries, log.size());
  for (size_t i = 0; i < log.size(); ++i) {
    EXPECT_EQ(log[i].position, i + 1);
    EXPECT_GE(log[i].revision, log[i == 0 ? 0 : i - 1].revision);
  }
}

TEST_P(EngineConformance, ReadLogHeedsItsLimits) {
  for (int i = 0; i < 10; ++i) Append({std::string(100, static_cast<char>('0' + i))});
  EXPECT_EQ(Log(1, 3).size(), 3u);
  EXPECT_EQ(Log(4, 3)[0].position, 4u);
  EXPECT_EQ(Log(9, 3).size(), 2u);
  EXPECT_EQ(Log(1, 100, 300).size(), 3u);
  EXPECT_EQ(Log(1, 100, 399).size(), 3u);
  EXPECT_EQ(Log(1, 2, 300).size(), 2u);
  EXPECT_THAT(Log(11), IsEmpty());
  EXPECT_THAT(Log(1'000), IsEmpty());
}

TEST_P(EngineConformance, ReadLogReturnsAtLeastOneCommit) {
  Append({"large"});
  EXPECT_EQ(Log(1, 0, 0).size(), 1u);
  EXPECT_EQ(Log(1, 10, 1).size(), 1u);
}

TEST_P(EngineConformance, ReadLogSplitsNoCommit) {
  Append({"a1"});
  Append({"b1", "b2", "b3"});
  Append({"c1"});
  EXPECT_THAT(PayloadsOf(Log(1, 2)), ElementsAre("a1"));
  EXPECT_THAT(PayloadsOf(Log(1, 3)), ElementsAre("a1"));
  EXPECT_THAT(PayloadsOf(Log(1, 4)), ElementsAre("a1", "b1", "b2", "b3"));
  EXPECT_THAT(PayloadsOf(Log(1, 100, 6)), ElementsAre("a1"));
  EXPECT_THAT(PayloadsOf(Log(2, 2)), ElementsAre("b1", "b2", "b3"));
  EXPECT_THAT(PayloadsOf(Log(2, 100, 1)), ElementsAre("b1", "b2", "b3"));
  EXPECT_THAT(PayloadsOf(Log(3, 1)), ElementsAre("b2", "b3"));
}

TEST_P(EngineConformance, ReadLogBelowTheOldestIsOutOfRange) {
  Append({"a"});
  EXPECT_EQ(engine().ReadLog(0, 10, 10).status().code(), absl::StatusCode::kOutOfRange);
}

TEST_P(EngineConformance, TrimRemovesTheOldestEntries) {
  for (int i = 1; i <= 5; ++i) Append({absl::StrCat(i)});
  Put("key", "value");
  ASSERT_TRUE(engine().TrimLog(4).ok());

  EXPECT_EQ(engine().log_bounds().oldest, 4u);
  EXPECT_EQ(engine().log_bounds().head, 5u);
  EXPECT_EQ(engine().ReadLog(3, 10, 10).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_THAT(PayloadsOf(Log(4)), ElementsAre("4", "5"));
  EXPECT_EQ(Value("key"), "value");

  ASSERT_TRUE(engine().TrimLog(0).ok());
  ASSERT_TRUE(engine().TrimLog(2).ok());
  EXPECT_EQ(engine().log_bounds().oldest, 4u) << "trimming never brings entries back";
}

TEST_P(EngineConformance, TrimGoesAtMostUpToTheHead) {
  Append({"1", "2"});
  ASSERT_TRUE(engine().TrimLog(1'000).ok());
  EXPECT_EQ(engine().log_bounds().oldest, 3u);
  EXPECT_EQ(engine().log_bounds().head, 2u);
  EXPECT_THAT(Log(3), IsEmpty());
  EXPECT_EQ(Append({"3"}), 3u);
  EXPECT_THAT(PayloadsOf(Log(3)), ElementsAre("3"));
}

TEST_P(EngineConformance, TheSizeOfTheLogIsEstimated) {
  EXPECT_EQ(*engine().EstimateLogBytes(1, 1), 0u);
  EXPECT_EQ(*engine().EstimateLogBytes(5, 1), 0u);
  // What can't be compressed, and takes more than is kept in memory.
  constexpr size_t kEntries = 8'000;
  constexpr size_t kEntryBytes = 4'000;
  std::mt19937 random(TestSeed());
  std::vector<CommitRequest> requests;
  for (size_t i = 0; i < kEntries; ++i) {
    std::string payload(kEntryBytes, '\0');
    for (char& byte : payload) byte = static_cast<char>(random());
    requests.push_back({.log_entries = {std::move(payload)}});
  }
  CommitTogether(engine(), std::move(requests));
  const auto expect_about = [&](LogPosition begin, LogPosition end, size_t entries) {
    const double bytes = static_cast<double>(*engine().EstimateLogBytes(begin, end));
    EXPECT_GE(bytes, 0.7 * static_cast<double>(entries * kEntryBytes)) << begin << " " << end;
    EXPECT_LE(bytes, 1.5 * static_cast<double>(entries * kEntryBytes)) << begin << " " << end;
  };
  expect_about(1, kEntries + 1, kEntries);
  expect_about(1, kEntries / 2 + 1, kEntries / 2);
  expect_about(kEntries / 2 + 1, kEntries + 1, kEntries / 2);
  ASSERT_TRUE(engine().TrimLog(kEntries / 2 + 1).ok());
  expect_about(1, kEntries + 1, kEntries / 2);
  Reopen();
  expect_about(1, kEntries + 1, kEntries / 2);
  EXPECT_EQ(*engine().EstimateLogBytes(1, kEntries / 2), 0u);
}

TEST_P(EngineConformance, ReadersOfATrimmedLogSeeNoGaps) {
  std::atomic<bool> writing = true;
  std::thread writer([&] {
    for (int i = 0; i < 400; ++i) Append({absl::StrCat(i)});
    writing = false;
  });
  std::thread trimmer([&] {
    while (writing) {
      const LogBounds bounds = engine().log_bounds();
      EXPECT_LE(bounds.oldest, bounds.head + 1);
      EXPECT_TRUE(engine().TrimLog(bounds.head > 20 ? bounds.head - 20 : 0).ok());
    }
  });
  size_t refused = 0;
  size_t read = 0;
  while (writing) {
    const LogPosition from = engine().log_bounds().oldest;
    const auto entries = engine().ReadLog(from, 1'000, 1'000'000);
    if (!entries.ok()) {
      ASSERT_EQ(entries.status().code(), absl::StatusCode::kOutOfRange) << entries.status();
      ++refused;
      continue;
    }
    for (size_t i = 0; i < entries->size(); ++i, ++read) {
      ASSERT_EQ((*entries)[i].position, from + i);
      ASSERT_EQ((*entries)[i].payload, absl::StrCat(from + i - 1));
    }
  }
  writer.join();
  trimmer.join();
  EXPECT_GT(read, 0u);
  RecordProperty("refused", static_cast<int>(refused));
}

TEST_P(EngineConformance, ListenerHearsOfEveryMoveAfterDone) {
  absl::Mutex mutex;
  LogPosition done_up_to = 0;
  std::vector<LogPosition> heads;
  engine().SetCommitListener([&](LogPosition head) {
    absl::MutexLock lock(&mutex);
    EXPECT_EQ(done_up_to, head);
    EXPECT_EQ(engine().log_bounds().head, head);
    heads.push_back(head);
  });
  std::vector<CommitRequest> requests;
  for (int i = 0; i < 300; ++i) requests.push_back({.log_entries = {absl::StrCat(i)}});
  for (CommitRequest& request : requests) {
    engine().Commit(std::move(request), [&](CommitResult result) {
      absl::MutexLock lock(&mutex);
      done_up_to = result.first_position;
    });
  }
  {
    absl::MutexLock lock(&mutex);
    const auto heard_of_all = [&] { return !heads.empty() && heads.back() == 300; };
    mutex.Await(absl::Condition(&heard_of_all));
    EXPECT_TRUE(std::is_sorted(heads.begin(), heads.end()));
    EXPECT_EQ(std::adjacent_find(heads.begin(), heads.end()), heads.end());
  }
  engine().SetCommitListener(nullptr);
}

TEST_P(EngineConformance, ListenerHearsOnlyOfMoves) {
  std::vector<LogPosition> heads;
  engine().SetCommitListener([&](LogPosition head) { heads.push_back(head); });
  Put("key", "value");
  CommitAndWait(engine(), {.preconditions = {Precondition::Absent("key")}, .log_entries = {"no"}});
  Append({"1"});
  ASSERT_TRUE(engine().TrimLog(2).ok());
  Append({"2"});
  ASSERT_TRUE(engine().Close().ok());  // ends the engine's threads
  EXPECT_THAT(heads, ElementsAre(1u, 2u));
  Discard();
}

TEST_P(EngineConformance, RemovedListenerIsNeverCalledAgain) {
  for (int round = 0; round < 20; ++round) {
    auto listening = std::make_unique<std::atomic<bool>>(true);
    engine().SetCommitListener([raw = listening.get()](LogPosition) { EXPECT_TRUE(*raw); });
    std::vector<CommitRequest> requests(20, CommitRequest{.log_entries = {"entry"}});
    for (CommitRequest& request : requests) engine().Commit(std::move(request), [](auto) {});
    engine().SetCommitListener(nullptr);
    *listening = false;
    listening.reset();
  }
}

}  // namespace
}  // namespace innkeeper::storage
