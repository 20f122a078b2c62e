// Kills a process that commits, again and again, at random moments. After each
// death the store must hold every commit that was acknowledged, each whole, and a
// log without gaps.

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <glog/logging.h>
#include <gtest/gtest.h>

#include "storage/rocksdb/rocksdb_engine.h"
#include "tests/storage/rocksdb/kill_commits.h"
#include "tests/storage/rocksdb/store_files.h"
#include "tests/support/temp_dir.h"

namespace innkeeper::storage {
namespace {

// What the writer said of a commit.
struct Acknowledged {
  uint64_t number = 0;
  LogPosition position = 0;
  Revision revision = 0;
};

// A running writer.
class WriterProcess {
 public:
  explicit WriterProcess(const std::string& directory) {
    int ends[2];
    CHECK_EQ(pipe2(ends, O_CLOEXEC), 0);
    pid_ = fork();
    CHECK_GE(pid_, 0);
    if (pid_ == 0) {
      dup2(ends[1], STDOUT_FILENO);
      execl(INNKEEPER_KILL_WRITER, INNKEEPER_KILL_WRITER, directory.c_str(), nullptr);
      _exit(127);
    }
    close(ends[1]);
    output_ = fdopen(ends[0], "r");
  }

  ~WriterProcess() {
    if (pid_ > 0) Kill();
    fclose(output_);
  }

  // Returns what the writer says next; nothing once it is dead and all was read.
  std::optional<Acknowledged> Next() {
    Acknowledged commit;
    if (fscanf(output_, "%lu %lu %lu", &commit.number, &commit.position, &commit.revision) != 3) {
      return std::nullopt;
    }
    return commit;
  }

  void Kill() {
    kill(pid_, SIGKILL);
    int status = 0;
    CHECK_EQ(waitpid(pid_, &status, 0), pid_);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        << "the writer died of itself: " << status;
    pid_ = -1;
  }

 private:
  pid_t pid_ = -1;
  FILE* output_ = nullptr;
};

void ExpectWholeCommit(const Engine& engine, uint64_t number, Revision revision) {
  const CommitRequest request = MakeKillCommit(number);
  for (const Write& write : request.writes) {
    const auto value = engine.Get(write.key);
    ASSERT_TRUE(value.ok() && value->has_value()) << number << " " << value.status();
    EXPECT_EQ((*value)->value, *write.value);
    EXPECT_EQ((*value)->revision, revision);
  }
}

// Expects a log of whole commits without gaps, looking at those after the commit
// numbered `number`. Returns the number of commits.
uint64_t ExpectWholeStore(const Engine& engine, uint64_t number = 0) {
  const LogPosition head = engine.log_bounds().head;
  for (LogPosition position = number * kEntriesPerKillCommit + 1; position <= head;) {
    const auto entries = engine.ReadLog(position, 1'000, SIZE_MAX);
    EXPECT_TRUE(entries.ok()) << entries.status();
    if (!entries.ok()) return number;
    for (size_t i = 0; i < entries->size(); i += kEntriesPerKillCommit, ++position, ++position) {
      ++number;
      EXPECT_EQ((*entries)[i].payload, KillEntry(number, 1));
      EXPECT_EQ((*entries)[i + 1].payload, KillEntry(number, 2));
      EXPECT_EQ((*entries)[i].revision, (*entries)[i + 1].revision);
      ExpectWholeCommit(engine, number, (*entries)[i].revision);
    }
  }
  EXPECT_EQ(number * kEntriesPerKillCommit, head);
  EXPECT_FALSE(engine.Get(KillKey('a', number + 1))->has_value());
  EXPECT_FALSE(engine.Get(KillKey('b', number + 1))->has_value());
  return number;
}

int Kills() {
  const char* given = std::getenv("INNKEEPER_KILLS");
  return given != nullptr ? std::atoi(given) : 8;
}

TEST(KillTest, AcknowledgedCommitsSurviveEveryDeath) {
  const TempDir directory;
  const uint32_t seed = std::random_device()();
  std::cout << "seed " << seed << std::endl;
  std::mt19937 random(seed);
  std::vector<Acknowledged> acknowledged;
  uint64_t whole = 0;            // commits found so far
  std::vector<LogEpoch> epochs;  // of heads that were seen, with their positions
  for (int round = 0; round < Kills(); ++round) {
    SCOPED_TRACE(testing::Message() << "round " << round);
    WriterProcess writer(directory.path());
    for (int left = static_cast<int>(random() % 4'000) + 1; left > 0; --left) {
      const auto commit = writer.Next();
      ASSERT_TRUE(commit.has_value());
      acknowledged.push_back(*commit);
    }
    EXPECT_EQ(OpenRocksDb(SmallOptions(directory.path())).status().code(),
              absl::StatusCode::kUnavailable)
        << "the writer has the store open";
    writer.Kill();
    while (const auto commit = writer.Next()) acknowledged.push_back(*commit);
    if (random() % 3 == 0) continue;  // the next writer is the first to see it

    const std::unique_ptr<Engine> engine = MustOpen(SmallOptions(directory.path()));
    whole = ExpectWholeStore(*engine, whole);
    EXPECT_GE(whole, acknowledged.size());
    const LogPosition head = engine->log_bounds().head;
    epochs.push_back({engine->log_epochs()->IdAt(head), head});
    for (const LogEpoch& seen : epochs) EXPECT_EQ(engine->log_epochs()->IdAt(seen.first), seen.id);
  }
  const std::unique_ptr<Engine> engine = MustOpen(SmallOptions(directory.path()));
  ExpectWholeStore(*engine);
  for (const Acknowledged& commit : acknowledged) {
    const auto entries = engine->ReadLog(commit.position, 1, 1);
    ASSERT_TRUE(entries.ok() && !entries->empty()) << entries.status();
    EXPECT_EQ((*entries)[0].payload, KillEntry(commit.number, 1));
    EXPECT_EQ((*entries)[0].revision, commit.revision);
  }
  std::cout << acknowledged.size() << " commits acknowledged" << std::endl;
}

}  // namespace
}  // namespace innkeeper::storage
