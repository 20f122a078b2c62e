// The audit log: numbers, the chain, and the head.

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/audit_chain.h"
#include "tests/conformance/engine_conformance.h"

namespace innkeeper::storage {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// An entry as it was read.
struct Entry {
  uint64_t number = 0;
  AuditHash previous_hash = {};
  AuditHash hash = {};
  absl::Time commit_time;
  std::string payload;
  Revision revision = 0;
};

AuditHead Head(const Engine& engine) {
  const absl::StatusOr<AuditHead> head = engine.NewSnapshot()->audit_head();
  EXPECT_TRUE(head.ok()) << head.status();
  return head.value_or(AuditHead());
}

std::vector<Entry> Entries(const Snapshot& snapshot) {
  std::vector<Entry> entries;
  const absl::Status scanned = snapshot.Scan(
      AuditKey(0), AuditKey(UINT64_MAX),
      [&](absl::string_view key, absl::string_view value, Revision revision) {
        const std::optional<AuditValue> parts = ParseAuditValue(value);
        EXPECT_TRUE(parts);
        const uint64_t number = ParseAuditKey(key).value_or(0);
        entries.push_back({number, parts->previous_hash, HashAuditEntry(number, value),
                           parts->commit_time, std::string(parts->payload), revision});
        return true;
      });
  EXPECT_TRUE(scanned.ok()) << scanned;
  return entries;
}

// Expects that the log is whole and ends with the head; returns its payloads.
std::vector<std::string> WholeLog(const Engine& engine) {
  const std::unique_ptr<Snapshot> snapshot = engine.NewSnapshot();
  AuditHead end;
  std::vector<std::string> payloads;
  for (const Entry& entry : Entries(*snapshot)) {
    EXPECT_EQ(entry.number, end.number + 1);
    EXPECT_EQ(entry.previous_hash, end.hash) << entry.number;
    end = {entry.number, entry.hash};
    payloads.push_back(entry.payload);
  }
  EXPECT_EQ(*snapshot->audit_head(), end);
  return payloads;
}

TEST_P(EngineConformance, AuditLogStartsEmpty) {
  EXPECT_EQ(Head(engine()), AuditHead());
  Put("key", "value");
  Append({"event"});
  EXPECT_EQ(Head(engine()), AuditHead());
  EXPECT_THAT(WholeLog(engine()), IsEmpty());
}

TEST_P(EngineConformance, AuditEntriesAreChainedInCommitOrder) {
  const absl::Time first_time = now_;
  const CommitResult first =
      Commit({.writes = {{"key", "value"}}, .log_entries = {"event"}, .audit_entries = {"a", ""}});
  now_ += absl::Microseconds(1);
  const CommitResult second = Commit({.audit_entries = {"c"}});
  EXPECT_THAT(WholeLog(engine()), ElementsAre("a", "", "c"));
  const std::vector<Entry> entries = Entries(*engine().NewSnapshot());
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[0].commit_time, first_time);
  EXPECT_EQ(entries[1].commit_time, first_time);
  EXPECT_EQ(entries[2].commit_time, now_);
  EXPECT_EQ(entries[1].revision, first.revision);
  EXPECT_EQ(entries[2].revision, second.revision);
  EXPECT_EQ(Value("key"), "value");
  EXPECT_EQ(engine().log_bounds().head, 1u);
}

TEST_P(EngineConformance, ACommitThatFailsLeavesNoAuditEntry) {
  Put("key", "value");
  std::vector<CommitRequest> requests;
  requests.push_back({.audit_entries = {"1"}});
  requests.push_back(
      {.preconditions = {Precondition::Absent("key")}, .audit_entries = {"refused"}});
  requests.push_back({.audit_entries = {"2"}});
  const std::vector<CommitResult> results = CommitTogether(engine(), std::move(requests));
  EXPECT_TRUE(absl::IsAborted(results[1].status));
  EXPECT_THAT(WholeLog(engine()), ElementsAre("1", "2"));
}

TEST_P(EngineConformance, AuditLogHasNoGapsUnderConcurrentConflicts) {
  constexpr int kThreads = 4;
  constexpr int kCommits = 100;
  const uint32_t seed = TestSeed();
  std::vector<size_t> written(kThreads);
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(seed + t);
      for (int i = 0; i < kCommits; ++i) {
        const std::string key = absl::StrCat("key", random() % 4);
        const std::optional<Versioned> current = *engine().Get(key);
        std::vector<std::string> entries(random() % 3, absl::StrCat(t, "/", i));
        const size_t count = entries.size();
        const CommitResult result = CommitAndWait(
            engine(),
            {.preconditions = {Precondition::Unchanged(key, current ? current->revision : 0)},
             .writes = {{key, absl::StrCat(t, "/", i)}},
             .audit_entries = std::move(entries)});
        if (result.status.ok()) written[t] += count;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  size_t all = 0;
  for (const size_t count : written) all += count;
  EXPECT_EQ(WholeLog(engine()).size(), all);
}

TEST_P(EngineConformance, AuditLogGoesOnWhereItStopped) {
  for (int i = 0; i < 4; ++i) {
    const AuditHead before = Head(engine());
    Reopen();
    EXPECT_EQ(Head(engine()), before);
    Commit({.audit_entries = {"entry"}});
    Put("key", "value");
    EXPECT_EQ(Head(engine()).number, before.number + 1);
  }
  EXPECT_EQ(WholeLog(engine()).size(), 4u);
}

TEST_P(EngineConformance, ASnapshotKeepsItsAuditHead) {
  Commit({.audit_entries = {"1"}});
  const std::unique_ptr<Snapshot> snapshot = engine().NewSnapshot();
  const AuditHead head = Head(engine());
  Commit({.audit_entries = {"2"}});
  EXPECT_EQ(*snapshot->audit_head(), head);
  EXPECT_EQ(Entries(*snapshot).size(), 1u);
  EXPECT_NE(Head(engine()), head);
}

TEST_P(EngineConformance, AuditEntriesAreValuesLikeOthers) {
  const Revision first = Commit({.audit_entries = {"1"}}).revision;
  Commit({.audit_entries = {"2"}});
  Commit({.audit_entries = {"3"}});
  // Rewritten as it is, as when keys change.
  const std::string same = *Value(AuditKey(1));
  Commit({.preconditions = {Precondition::Unchanged(AuditKey(1), first)},
          .writes = {{AuditKey(1), same}}});
  EXPECT_THAT(WholeLog(engine()), ElementsAre("1", "2", "3"));
  std::vector<CommitRequest> requests;
  requests.push_back({.audit_entries = {"4"}});
  requests.push_back({.preconditions = {Precondition::Absent(AuditKey(4))}});
  EXPECT_TRUE(absl::IsAborted(CommitTogether(engine(), std::move(requests))[1].status));
  // Removed from the front, as for their age.
  const AuditHead head = Head(engine());
  Delete(AuditKey(1));
  Reopen();
  EXPECT_EQ(Head(engine()), head);
  EXPECT_EQ(Entries(*engine().NewSnapshot()).front().number, 2u);
}

}  // namespace
}  // namespace innkeeper::storage
