// Commits to a store without end, for kill_test.cc to kill.
//
//   rocksdb_kill_writer DIRECTORY
//
// Prints a line for each commit that was acknowledged: its number, the position
// of its first log entry and its revision.

#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>

#include <glog/logging.h>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "storage/rocksdb/rocksdb_engine.h"
#include "tests/storage/rocksdb/kill_commits.h"
#include "tests/storage/rocksdb/store_files.h"

namespace innkeeper::storage {
namespace {

constexpr int kInFlight = 64;

// Keeps commits in flight and tells of those that are done.
class Writer {
 public:
  explicit Writer(Engine& engine) : engine_(engine) {}

  [[noreturn]] void Run() {
    for (uint64_t number = NextKillCommit(engine_.log_bounds());; ++number) {
      AwaitRoom();
      engine_.Commit(MakeKillCommit(number),
                     [this, number](CommitResult result) { Finish(number, result); });
    }
  }

 private:
  void AwaitRoom() {
    absl::MutexLock lock(&mutex_);
    const auto has_room = [this] { return in_flight_ < kInFlight; };
    mutex_.Await(absl::Condition(&has_room));
    ++in_flight_;
  }

  void Finish(uint64_t number, const CommitResult& result) {
    CHECK(result.status.ok()) << result.status;
    const std::string line =
        absl::StrCat(number, " ", result.first_position, " ", result.revision, "\n");
    // One write a line, so that none is torn by the kill.
    CHECK_EQ(write(STDOUT_FILENO, line.data(), line.size()), static_cast<ssize_t>(line.size()));
    absl::MutexLock lock(&mutex_);
    --in_flight_;
  }

  Engine& engine_;
  absl::Mutex mutex_;
  int in_flight_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace
}  // namespace innkeeper::storage

int main(int argc, char** argv) {
  CHECK_EQ(argc, 2) << "usage: rocksdb_kill_writer DIRECTORY";
  const std::unique_ptr<innkeeper::storage::Engine> engine =
      innkeeper::storage::MustOpen(innkeeper::storage::SmallOptions(argv[1], /*create=*/true));
  innkeeper::storage::Writer(*engine).Run();
}
