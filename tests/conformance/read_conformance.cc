// Snapshots and scans.

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/keys.h"
#include "tests/conformance/engine_conformance.h"

namespace innkeeper::storage {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> KeysOf(const std::vector<Row>& rows) {
  std::vector<std::string> keys;
  keys.reserve(rows.size());
  for (const Row& row : rows) keys.push_back(row.key);
  return keys;
}

TEST_P(EngineConformance, GetTellsValueAndRevision) {
  const Revision revision = Put("key", "value");
  const auto found = engine().Get("key");
  ASSERT_TRUE(found.ok() && found->has_value());
  EXPECT_EQ((*found)->value, "value");
  EXPECT_EQ((*found)->revision, revision);

  const auto missing = engine().Get("kez");
  ASSERT_TRUE(missing.ok());
  EXPECT_FALSE(missing->has_value());
  const std::unique_ptr<Snapshot> snapshot = engine().NewSnapshot();
  EXPECT_EQ((**snapshot->Get("key")).revision, revision);
  EXPECT_FALSE(snapshot->Get("ke")->has_value());
}

TEST_P(EngineConformance, MultiGetKeepsTheOrderOfKeys) {
  const Revision a = Put("a", "1");
  const Revision c = Put("c", "3");
  const auto values = engine().NewSnapshot()->MultiGet({"c", "b", "a", "c", ""});
  ASSERT_TRUE(values.ok()) << values.status();
  ASSERT_EQ(values->size(), 5u);
  EXPECT_EQ((*values)[0]->value, "3");
  EXPECT_EQ((*values)[0]->revision, c);
  EXPECT_FALSE((*values)[1].has_value());
  EXPECT_EQ((*values)[2]->value, "1");
  EXPECT_EQ((*values)[2]->revision, a);
  EXPECT_EQ((*values)[3]->value, "3");
  EXPECT_FALSE((*values)[4].has_value());
  EXPECT_THAT(*engine().NewSnapshot()->MultiGet({}), IsEmpty());
}

// Keys that some engine may keep the values of.
std::string RoomKey(absl::string_view room) { return KeyBuilder(Table::kRoom).Str(room).Build(); }
std::string UserRoomKey(absl::string_view room) {
  return KeyBuilder(Table::kUserRoom).Str("@u").Str(room).Build();
}

TEST_P(EngineConformance, GetValuesShowsWhatASnapshotShows) {
  const std::vector<std::string> keys = {RoomKey("!a"), "other", UserRoomKey("!a")};
  const auto values = [&] {
    const auto found = engine().GetValues(keys, ReadTier::kAll);
    EXPECT_TRUE(found.ok()) << found.status();
    std::vector<std::string> texts;
    for (const auto& value : *found) texts.push_back(value == nullptr ? "-" : *value);
    return texts;
  };
  EXPECT_THAT(values(), ElementsAre("-", "-", "-"));
  for (const char* text : {"1", "2", "3"}) {
    for (const std::string& key : keys) Put(key, text);
    for (int i = 0; i < 3; ++i) EXPECT_THAT(values(), ElementsAre(text, text, text));
  }
  Delete(keys[2]);
  for (int i = 0; i < 3; ++i) EXPECT_THAT(values(), ElementsAre("3", "3", "-"));
  Reopen();
  EXPECT_THAT(values(), ElementsAre("3", "3", "-"));

  const auto in_memory = engine().GetValues(keys, ReadTier::kMemory);
  EXPECT_TRUE(in_memory.ok() || IsNotInMemory(in_memory.status())) << in_memory.status();
}

// Two values that every commit changes together, and readers who hear of commits.
TEST_P(EngineConformance, GetValuesShowsOneMomentAndNoEarlierOne) {
  const std::vector<std::string> keys = {RoomKey("!a"), UserRoomKey("!a")};
  constexpr int kCommits = 300;
  std::atomic<int> committed = 0;
  const auto read = [&] {
    while (committed < kCommits) {
      const int before = committed;
      const auto values = engine().GetValues(keys, ReadTier::kAll);
      ASSERT_TRUE(values.ok()) << values.status();
      if (before == 0) continue;
      ASSERT_EQ(*values->front(), *values->back());
      ASSERT_GE(std::stoi(*values->front()), before);
    }
  };
  std::vector<std::thread> readers;
  readers.reserve(2);
  for (int i = 0; i < 2; ++i) readers.emplace_back(read);
  for (int i = 1; i <= kCommits; ++i) {
    const std::string value = std::to_string(i);
    Commit({.writes = {{keys[0], value}, {keys[1], value}}});
    committed = i;
  }
  for (std::thread& reader : readers) reader.join();
}

// What is in memory is for the engine to say, but it must not guess.
TEST_P(EngineConformance, WhatIsInMemoryIsReadRightOrNotAtAll) {
  const Revision revision = Put("b", "value");
  Append({"entry"});
  const auto is_refused = [](const absl::Status& status) {
    EXPECT_TRUE(status.ok() || IsNotInMemory(status)) << status;
    return !status.ok();
  };
  const auto check = [&](const Snapshot& snapshot) {
    const auto found = snapshot.Get("b");
    EXPECT_TRUE(is_refused(found.status()) || (*found)->revision == revision);
    const auto missing = snapshot.Get("c");
    EXPECT_TRUE(is_refused(missing.status()) || !missing->has_value());
    const auto several = snapshot.MultiGet({"a", "b"});
    EXPECT_TRUE(is_refused(several.status()) ||
                (!(*several)[0] && (*several)[1]->value == "value"));
    const auto head = snapshot.log_head();
    EXPECT_TRUE(is_refused(head.status()) || *head == 1);
    std::vector<std::string> keys;
    const absl::Status scanned = snapshot.Scan("a", "z", [&](absl::string_view key, auto, auto) {
      keys.emplace_back(key);
      return true;
    });
    EXPECT_TRUE(is_refused(scanned) || keys == std::vector<std::string>{"b"});
  };
  check(*engine().NewSnapshot(ReadTier::kMemory));
  Reopen();
  check(*engine().NewSnapshot(ReadTier::kMemory));
}

TEST_P(EngineConformance, SnapshotStaysAsItWas) {
  const Revision a = Put("a", "old");
  const Revision b = Put("b", "old");
  const std::unique_ptr<Snapshot> snapshot = engine().NewSnapshot();
  std::vector<CommitRequest> requests;
  requests.reserve(500);
  for (int i = 0; i < 500; ++i) {
    requests.push_back(
        {.writes = {
             {"a", std::string(10'000, 'x')}, {"b", std::nullopt}, {absl::StrCat("c", i), "new"}}});
  }
  CommitTogether(engine(), std::move(requests));

  EXPECT_EQ(Rows(*snapshot, "a", "z"), (std::vector<Row>{{"a", "old", a}, {"b", "old", b}}));
  EXPECT_EQ((**snapshot->Get("b")).value, "old");
  EXPECT_FALSE(snapshot->Get("c1")->has_value());
  const auto values = snapshot->MultiGet({"c1", "a"});
  EXPECT_FALSE((*values)[0].has_value());
  EXPECT_EQ((*values)[1]->revision, a);
  EXPECT_EQ(Value("b"), std::nullopt);
}

TEST_P(EngineConformance, SnapshotKnowsTheHeadOfTheLogAtItsRevision) {
  EXPECT_EQ(*engine().NewSnapshot()->log_head(), 0u);
  Append({"a", "b"});
  const std::unique_ptr<Snapshot> snapshot = engine().NewSnapshot();
  Put("key", "value");
  EXPECT_EQ(*engine().NewSnapshot()->log_head(), 2u);
  Append({"c"});
  ASSERT_TRUE(engine().TrimLog(3).ok());
  EXPECT_EQ(*snapshot->log_head(), 2u);
  EXPECT_EQ(*engine().NewSnapshot()->log_head(), 3u);
  ASSERT_TRUE(engine().TrimLog(4).ok());
  EXPECT_EQ(*engine().NewSnapshot()->log_head(), 3u);
}

TEST_P(EngineConformance, SnapshotShowsTheCommitsUpToItsLogHeadWhileWritesGoOn) {
  // Each commit writes a key and one or two entries that name it, some only a key.
  constexpr int kWriters = 4;
  std::atomic<int> writing = kWriters;
  std::vector<std::thread> writers;
  writers.reserve(kWriters);
  for (int t = 0; t < kWriters; ++t) {
    writers.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        const std::string key = absl::StrCat("logged", t, "/", i);
        Commit({.writes = {{key, "x"}},
                .log_entries = std::vector<std::string>(static_cast<size_t>(1 + i % 2), key)});
        if (i % 5 == 0) Put(absl::StrCat("silent", t), "x");
      }
      --writing;
    });
  }
  size_t checked = 0;
  for (bool last = false; !last && !HasFailure();) {
    last = writing == 0;
    const std::unique_ptr<Snapshot> snapshot = engine().NewSnapshot();
    const LogPosition head = *snapshot->log_head();
    EXPECT_GE(engine().log_bounds().head, head);
    std::set<std::string> logged;
    for (const LogEntry& entry : Log(1)) {
      if (entry.position <= head) logged.insert(entry.payload);
    }
    std::set<std::string> shown;
    for (const Row& row : Rows(*snapshot, "logged", "loggee")) shown.insert(row.key);
    EXPECT_EQ(shown, logged);
    if (!shown.empty() && !last) ++checked;
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_GT(checked, 0u) << "no snapshot was taken between the writes";
}

TEST_P(EngineConformance, SnapshotsAgreeWithThemselvesWhileWritesGoOn) {
  // Moves a token between ten keys; a snapshot must always find exactly one.
  Put("token0", "here");
  std::atomic<bool> writing = true;
  std::thread writer([&] {
    for (int i = 0; i < 300; ++i) {
      Commit({.writes = {{absl::StrCat("token", i % 10), std::nullopt},
                         {absl::StrCat("token", (i + 1) % 10), "here"}}});
    }
    writing = false;
  });
  std::vector<std::string> keys;
  keys.reserve(10);
  for (int i = 0; i < 10; ++i) keys.push_back(absl::StrCat("token", i));
  while (writing) {
    const std::unique_ptr<Snapshot> snapshot = engine().NewSnapshot();
    const std::vector<Row> rows = Rows(*snapshot, "t", "u");
    ASSERT_EQ(rows.size(), 1u);
    const auto values = snapshot->MultiGet(keys);
    ASSERT_TRUE(values.ok());
    for (size_t i = 0; i < keys.size(); ++i) {
      ASSERT_EQ((*values)[i].has_value(), keys[i] == rows[0].key);
      ASSERT_EQ(snapshot->Get(keys[i])->has_value(), keys[i] == rows[0].key);
    }
  }
  writer.join();
}

TEST_P(EngineConformance, ScanIsInBytewiseOrder) {
  const std::vector<std::string> sorted = {
      std::string("a\0", 2), "a\x01", "aa", "b", "b\x7f", "b\x80", "b\xff", "c"};
  std::vector<CommitRequest> requests;
  for (auto it = sorted.rbegin(); it != sorted.rend(); ++it) {
    requests.push_back({.writes = {{*it, "value"}}});
  }
  CommitTogether(engine(), std::move(requests));
  EXPECT_EQ(KeysOf(Rows(*engine().NewSnapshot(), "a", "d")), sorted);
}

TEST_P(EngineConformance, ScanIncludesItsBeginAndNotItsEnd) {
  for (const char* key : {"a", "b", "c", "d"}) Put(key, "value");
  const std::unique_ptr<Snapshot> snapshot = engine().NewSnapshot();
  EXPECT_THAT(KeysOf(Rows(*snapshot, "b", "d")), ElementsAre("b", "c"));
  EXPECT_THAT(KeysOf(Rows(*snapshot, "aa", "cc")), ElementsAre("b", "c"));
  EXPECT_THAT(KeysOf(Rows(*snapshot, "", "b")), ElementsAre("a"));
  EXPECT_THAT(KeysOf(Rows(*snapshot, "d", "\xff")), ElementsAre("d"));
}

TEST_P(EngineConformance, ScanOfNothingVisitsNothing) {
  for (const char* key : {"a", "d"}) Put(key, "value");
  const std::unique_ptr<Snapshot> snapshot = engine().NewSnapshot();
  EXPECT_THAT(Rows(*snapshot, "b", "d"), IsEmpty());
  EXPECT_THAT(Rows(*snapshot, "a", "a"), IsEmpty());
  EXPECT_THAT(Rows(*snapshot, "d", "a"), IsEmpty());
  EXPECT_THAT(Rows(*snapshot, "x", "y"), IsEmpty());
}

TEST_P(EngineConformance, VisitorEndsAScan) {
  for (const char* key : {"a", "b", "c", "d"}) Put(key, "value");
  std::vector<std::string> visited;
  const absl::Status status = engine().NewSnapshot()->Scan(
      "a", "z", [&](absl::string_view key, absl::string_view, Revision) {
        visited.emplace_back(key);
        return key != "b";
      });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_THAT(visited, ElementsAre("a", "b"));
}

TEST_P(EngineConformance, ScanShowsNothingButKeysOfCommits) {
  Put("key", "value");
  Append({"entry"});
  Reopen();
  const std::string past_all_keys(kMaxKeyBytes + 1, '\xff');
  EXPECT_THAT(KeysOf(Rows(*engine().NewSnapshot(), "", past_all_keys)), ElementsAre("key"));
}

}  // namespace
}  // namespace innkeeper::storage
