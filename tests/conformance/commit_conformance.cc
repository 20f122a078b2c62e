// Commits: atomicity, preconditions, revisions, and when their effects show.

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "tests/conformance/engine_conformance.h"

namespace innkeeper::storage {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Optional;

using CommitFunction = CommitResult (*)(Engine&, CommitRequest);

constexpr size_t kIncrements = 50;

// Has a thread for each of `commits` raise the number under "counter" kIncrements times, and
// append it to the log.
void Increment(Engine& engine, const std::vector<CommitFunction>& commits) {
  std::vector<std::thread> threads;
  threads.reserve(commits.size());
  for (const CommitFunction commit : commits) {
    threads.emplace_back([&engine, commit] {
      for (size_t done = 0; done < kIncrements;) {
        const Versioned counter = **engine.Get("counter");
        const std::string next = absl::StrCat(std::stoi(counter.value) + 1);
        const CommitResult result =
            commit(engine, {.preconditions = {Precondition::Unchanged("counter", counter.revision)},
                            .writes = {{"counter", next}},
                            .log_entries = {next}});
        if (result.status.ok()) ++done;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_P(EngineConformance, CommitPutsAndDeletes) {
  Put("gone", "old");
  const CommitResult result =
      Commit({.writes = {{"a", "1"}, {"b", "2"}, {"gone", std::nullopt}, {"never", std::nullopt}}});

  EXPECT_EQ(Rows(*engine().NewSnapshot(), "a", "z"),
            (std::vector<Row>{{"a", "1", result.revision}, {"b", "2", result.revision}}));
}

TEST_P(EngineConformance, FailedPreconditionLeavesNoTrace) {
  const Revision revision = Put("kept", "old");
  const CommitResult result =
      CommitAndWait(engine(), {.preconditions = {Precondition::Absent("kept")},
                               .writes = {{"kept", std::nullopt}, {"new", "value"}},
                               .log_entries = {"entry"}});

  EXPECT_EQ(result.status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(Rows(*engine().NewSnapshot(), "a", "z"), (std::vector<Row>{{"kept", "old", revision}}));
  EXPECT_EQ(engine().log_bounds().head, 0u);
  EXPECT_THAT(Log(1), IsEmpty());
}

TEST_P(EngineConformance, AbsentHoldsOnlyWithoutTheKey) {
  const CommitRequest create = {.preconditions = {Precondition::Absent("key")},
                                .writes = {{"key", "value"}}};
  EXPECT_TRUE(CommitAndWait(engine(), create).status.ok());
  EXPECT_EQ(CommitAndWait(engine(), create).status.code(), absl::StatusCode::kAborted);
  Delete("key");
  EXPECT_TRUE(CommitAndWait(engine(), create).status.ok());
}

TEST_P(EngineConformance, UnchangedHoldsOnlyAtTheRevision) {
  const Revision first = Put("key", "1");
  const auto update = [&](Revision revision) {
    return CommitAndWait(engine(), {.preconditions = {Precondition::Unchanged("key", revision)},
                                    .writes = {{"key", "2"}}});
  };
  EXPECT_EQ(update(first + 1).status.code(), absl::StatusCode::kAborted);
  const CommitResult second = update(first);
  EXPECT_TRUE(second.status.ok());
  EXPECT_EQ(update(first).status.code(), absl::StatusCode::kAborted);
  EXPECT_TRUE(update(second.revision).status.ok());
}

TEST_P(EngineConformance, RewritingTheSameValueIsAChange) {
  const Revision revision = Put("key", "same");
  Put("key", "same");
  const CommitResult result =
      CommitAndWait(engine(), {.preconditions = {Precondition::Unchanged("key", revision)}});
  EXPECT_EQ(result.status.code(), absl::StatusCode::kAborted);
}

TEST_P(EngineConformance, DeletedAndRecreatedIsNotUnchanged) {
  const Revision revision = Put("key", "value");
  Delete("key");
  const CommitRequest update = {.preconditions = {Precondition::Unchanged("key", revision)}};
  EXPECT_EQ(CommitAndWait(engine(), update).status.code(), absl::StatusCode::kAborted);
  Put("key", "value");
  EXPECT_EQ(CommitAndWait(engine(), update).status.code(), absl::StatusCode::kAborted);
}

TEST_P(EngineConformance, NamesTheFirstPreconditionThatFails) {
  const Revision revision = Put("there", "value");
  const CommitResult result = CommitAndWait(
      engine(), {.preconditions = {Precondition::Unchanged("there", revision),
                                   Precondition::Absent("missing"), Precondition::Absent("there"),
                                   Precondition::Unchanged("missing", revision)},
                 .writes = {{"other", "value"}}});
  EXPECT_EQ(result.status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(result.failed_precondition, 2u);
  EXPECT_EQ(Value("other"), std::nullopt);
}

TEST_P(EngineConformance, OneOfManyRivalsWins) {
  constexpr size_t kRivals = 200;
  std::vector<CommitRequest> requests;
  for (size_t i = 0; i < kRivals; ++i) {
    requests.push_back({.preconditions = {Precondition::Absent("prize")},
                        .writes = {{"prize", absl::StrCat(i)}},
                        .log_entries = {absl::StrCat(i)}});
  }
  const std::vector<CommitResult> results = CommitTogether(engine(), std::move(requests));

  std::vector<size_t> winners;
  for (size_t i = 0; i < kRivals; ++i) {
    if (results[i].status.ok()) {
      winners.push_back(i);
    } else {
      EXPECT_EQ(results[i].status.code(), absl::StatusCode::kAborted);
    }
  }
  ASSERT_EQ(winners.size(), 1u);
  EXPECT_EQ(Value("prize"), absl::StrCat(winners[0]));
  ASSERT_EQ(Log(1).size(), 1u);
  EXPECT_EQ(Log(1)[0].payload, absl::StrCat(winners[0]));
}

TEST_P(EngineConformance, CommitsInOneBatchSeeEachOther) {
  // What one commit deletes, a later one may create, and the next must not.
  Put("key", "old");
  for (int round = 0; round < 50; ++round) {
    const std::vector<CommitResult> results = CommitTogether(
        engine(),
        {{.writes = {{"key", std::nullopt}}},
         {.preconditions = {Precondition::Absent("key")}, .writes = {{"key", "new"}}},
         {.preconditions = {Precondition::Absent("key")}, .writes = {{"key", "too late"}}}});
    EXPECT_TRUE(results[0].status.ok());
    EXPECT_TRUE(results[1].status.ok());
    EXPECT_EQ(results[2].status.code(), absl::StatusCode::kAborted);
    EXPECT_EQ(Value("key"), "new");
  }
}

TEST_P(EngineConformance, LoserFindsWhatItLostAgainst) {
  for (int round = 0; round < 100; ++round) {
    const std::string key = absl::StrCat("key", round);
    const CommitRequest create = {.preconditions = {Precondition::Absent(key)},
                                  .writes = {{key, "value"}}};
    absl::Notification won;
    absl::Notification lost;
    engine().Commit(create, [&](const CommitResult&) { won.Notify(); });
    engine().Commit(create, [&](const CommitResult& result) {
      EXPECT_EQ(result.status.code(), absl::StatusCode::kAborted);
      EXPECT_EQ(Value(key), "value");
      lost.Notify();
    });
    won.WaitForNotification();
    lost.WaitForNotification();
  }
}

TEST_P(EngineConformance, NoUpdateIsLost) {
  Put("counter", "0");
  Increment(engine(), std::vector<CommitFunction>(8, CommitAndWait));
  EXPECT_EQ(Value("counter"), absl::StrCat(8 * kIncrements));
}

TEST_P(EngineConformance, CommitHereIsACommit) {
  const Revision before = Put("kept", "old");
  const CommitResult result =
      CommitHereAndWait(engine(), {.preconditions = {Precondition::Unchanged("kept", before)},
                                   .writes = {{"kept", std::nullopt}, {"new", "value"}},
                                   .log_entries = {"1", "2"}});
  ASSERT_TRUE(result.status.ok()) << result.status;
  EXPECT_GT(result.revision, before);
  EXPECT_EQ(result.first_position, 1u);
  EXPECT_EQ(Rows(*engine().NewSnapshot(), "a", "z"),
            (std::vector<Row>{{"new", "value", result.revision}}));
  EXPECT_EQ(Log(1).size(), 2u);

  const CommitResult lost = CommitHereAndWait(
      engine(), {.preconditions = {Precondition::Absent("kept"), Precondition::Absent("new")},
                 .writes = {{"other", "value"}}});
  EXPECT_EQ(lost.status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(lost.failed_precondition, 1u);
  EXPECT_EQ(CommitHereAndWait(engine(), {.writes = {{"", "value"}}}).status.code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Value("other"), std::nullopt);

  ASSERT_TRUE(engine().Close().ok());
  EXPECT_EQ(CommitHereAndWait(engine(), {}).status.code(), absl::StatusCode::kUnavailable);
  Discard();
}

TEST_P(EngineConformance, CommitHereComesBehindThoseBefore) {
  constexpr int kRounds = 50;
  for (int round = 0; round < kRounds; ++round) {
    for (const char* payload : {"1", "2", "3"}) {
      engine().Commit({.log_entries = {payload}}, [](auto) {});
    }
    ASSERT_TRUE(CommitHereAndWait(engine(), {.log_entries = {"here"}}).status.ok());
  }
  const std::vector<LogEntry> log = Log(1);
  ASSERT_EQ(log.size(), 4u * kRounds);
  for (size_t i = 0; i < log.size(); ++i) {
    EXPECT_EQ(log[i].payload, i % 4 == 3 ? "here" : absl::StrCat(i % 4 + 1));
  }
}

TEST_P(EngineConformance, CommitsHereAndElsewhereTakeTurns) {
  std::vector<CommitFunction> commits(4, CommitAndWait);
  commits.resize(8, CommitHereAndWait);
  Put("counter", "0");
  Increment(engine(), commits);
  EXPECT_EQ(Value("counter"), absl::StrCat(8 * kIncrements));
  const std::vector<LogEntry> log = Log(1);
  ASSERT_EQ(log.size(), 8 * kIncrements);
  for (size_t i = 0; i < log.size(); ++i) EXPECT_EQ(log[i].payload, absl::StrCat(i + 1));
}

TEST_P(EngineConformance, CommitShowsWholeOrNotAtAll) {
  std::atomic<bool> writing = true;
  std::thread writer([&] {
    for (int i = 0; i < 300; ++i) {
      Commit({.writes = {{"a", absl::StrCat(i)}, {"z", absl::StrCat(i)}}});
    }
    writing = false;
  });
  while (writing) {
    const std::unique_ptr<Snapshot> snapshot = engine().NewSnapshot();
    const std::vector<Row> rows = Rows(*snapshot, "a", "zz");
    if (rows.empty()) continue;
    ASSERT_EQ(rows.size(), 2u);
    ASSERT_EQ(rows[0].value, rows[1].value);
    ASSERT_EQ(rows[0].revision, rows[1].revision);
  }
  writer.join();
}

TEST_P(EngineConformance, RevisionsRiseInCommitOrder) {
  std::vector<CommitRequest> requests;
  requests.reserve(500);
  for (int i = 0; i < 500; ++i) requests.push_back({.writes = {{"key", absl::StrCat(i)}}});
  Revision last = Put("key", "first");
  EXPECT_GT(last, 0u);
  for (const CommitResult& result : CommitTogether(engine(), std::move(requests))) {
    EXPECT_GT(result.revision, last);
    last = result.revision;
  }
  EXPECT_EQ((*engine().Get("key"))->revision, last);
  EXPECT_EQ(Value("key"), "499");
}

TEST_P(EngineConformance, CommitCanBeReadWhenItIsDone) {
  for (int i = 0; i < 100; ++i) {
    absl::Notification done;
    const std::string key = absl::StrCat("key", i);
    engine().Commit({.writes = {{key, "value"}}, .log_entries = {key}},
                    [&](const CommitResult& result) {
                      EXPECT_EQ(Value(key), "value");
                      const auto in_snapshot = engine().NewSnapshot()->Get(key);
                      EXPECT_TRUE(in_snapshot.ok() && in_snapshot->has_value());
                      EXPECT_GE(engine().log_bounds().head, result.first_position);
                      EXPECT_THAT(Log(result.first_position),
                                  ElementsAre(testing::Field(&LogEntry::payload, key)));
                      done.Notify();
                    });
    done.WaitForNotification();
  }
}

TEST_P(EngineConformance, DoneMayCommit) {
  absl::Notification finished;
  std::function<void(int)> commit_next = [&](int left) {
    if (left == 0) return finished.Notify();
    engine().Commit({.log_entries = {absl::StrCat(left)}}, [&, left](const CommitResult& result) {
      EXPECT_TRUE(result.status.ok()) << result.status;
      commit_next(left - 1);
    });
  };
  commit_next(20);
  finished.WaitForNotification();
  Reopen();  // ends the engine's threads, which may still be in commit_next
  EXPECT_EQ(engine().log_bounds().head, 20u);
}

TEST_P(EngineConformance, EmptyRequestIsACommit) {
  const Revision before = Put("key", "value");
  const CommitResult result = Commit({});
  EXPECT_GT(result.revision, before);
  EXPECT_EQ(result.first_position, 0u);
  EXPECT_EQ(engine().log_bounds().head, 0u);
}

TEST_P(EngineConformance, RefusesRequestsThatBreakTheRules) {
  const std::string too_long(kMaxKeyBytes + 1, 'k');
  const std::vector<CommitRequest> requests = {
      {.writes = {{"ok", "1"}, {"", "2"}}},
      {.writes = {{"ok", "1"}, {too_long, "2"}}},
      {.writes = {{"ok", "1"}, {"ok", "2"}}},
      {.writes = {{"ok", "1"}, {"other", "2"}, {"ok", std::nullopt}}},
      {.preconditions = {Precondition::Absent("")}, .writes = {{"ok", "1"}}},
      {.preconditions = {Precondition::Absent(too_long)}, .writes = {{"ok", "1"}}},
  };
  for (CommitRequest request : requests) {
    request.log_entries = {"entry"};
    EXPECT_EQ(CommitAndWait(engine(), request).status.code(), absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(Value("ok"), std::nullopt);
  EXPECT_EQ(engine().log_bounds().head, 0u);
}

TEST_P(EngineConformance, KeysAndValuesAreAnyBytes) {
  std::string all_bytes;
  for (int c = 0; c < 256; ++c) all_bytes.push_back(static_cast<char>(c));
  const std::string longest(kMaxKeyBytes, '\xff');
  const std::string zero(1, '\0');
  Commit({.writes = {{all_bytes, all_bytes}, {longest, "long"}, {zero, ""}},
          .log_entries = {all_bytes, ""}});
  Reopen();
  EXPECT_EQ(Value(all_bytes), all_bytes);
  EXPECT_EQ(Value(longest), "long");
  EXPECT_THAT(Value(zero), Optional(std::string()));
  EXPECT_THAT(Log(1), ElementsAre(testing::Field(&LogEntry::payload, all_bytes),
                                  testing::Field(&LogEntry::payload, "")));
}

TEST_P(EngineConformance, LargeCommitsAreCommits) {
  std::vector<CommitRequest> requests;
  for (int i = 0; i < 6; ++i) {
    const std::string large(700'000, static_cast<char>('a' + i));
    requests.push_back({.writes = {{absl::StrCat("key", i), large}}, .log_entries = {large}});
  }
  for (const CommitResult& result : CommitTogether(engine(), requests)) {
    EXPECT_TRUE(result.status.ok()) << result.status;
  }
  for (const CommitRequest& request : requests) {
    EXPECT_EQ(Value(request.writes[0].key), request.writes[0].value);
  }
  EXPECT_EQ(engine().log_bounds().head, 6u);
}

TEST_P(EngineConformance, FullQueueRefusesAtOnce) {
  constexpr size_t kQueued = 5;
  const std::unique_ptr<Engine> small = OpenOther({.max_queued_commits = kQueued});
  absl::Notification busy;
  absl::Notification proceed;
  small->Commit({.writes = {{"first", "1"}}}, [&](const CommitResult&) {
    busy.Notify();
    proceed.WaitForNotification();
  });
  busy.WaitForNotification();

  std::atomic<size_t> accepted = 0;
  for (size_t i = 0; i < kQueued; ++i) {
    small->Commit({.writes = {{"queued", absl::StrCat(i)}}}, [&](const CommitResult& result) {
      if (result.status.ok()) ++accepted;
    });
  }
  const CommitResult refused = CommitAndWait(*small, {.writes = {{"refused", "1"}}});
  EXPECT_EQ(refused.status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(accepted, 0u);

  proceed.Notify();
  EXPECT_TRUE(small->Close().ok());
  EXPECT_EQ(accepted, kQueued);
}

}  // namespace
}  // namespace innkeeper::storage
