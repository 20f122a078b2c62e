// File: tests/conformance/engine_conformance.h
//
// What every engine must do: the contract of storage/engine.h, as tests. A new
// engine joins by listing the sources of this directory in its test and adding
//
//   INSTANTIATE_TEST_SUITE_P(MyEngine, EngineConformance, testing::Values(MyFactory()),
//                            EngineName);

#ifndef INNKEEPER_TESTS_CONFORMANCE_ENGINE_CONFORMANCE_H_
#define INNKEEPER_TESTS_CONFORMANCE_ENGINE_CONFORMANCE_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "storage/engine.h"
#include "tests/support/temp_dir.h"

namespace innkeeper::storage {

// How the suite opens an engine.
struct EngineOptions {
  // Which store: the same one for the same directory. Made if there is none.
  std::string directory;
  size_t max_queued_commits = 100'000;
  std::function<absl::Time()> clock;
};

struct EngineFactory {
  std::string name;
  std::function<absl::StatusOr<std::unique_ptr<Engine>>(const EngineOptions&)> open;

  // For the names that ctest shows.
  friend std::ostream& operator<<(std::ostream& out, const EngineFactory& factory) {
    return out << factory.name;
  }
};

// Names the tests of an engine.
std::string EngineName(const testing::TestParamInfo<EngineFactory>& info);

// A key with its value and revision, as a scan shows it.
struct Row {
  std::string key;
  std::string value;
  Revision revision = 0;

  bool operator==(const Row&) const = default;
};

// Each test starts with an open, empty store.
class EngineConformance : public testing::TestWithParam<EngineFactory> {
 protected:
  EngineConformance();

  Engine& engine() { return *engine_; }

  // Opens a store in a directory of its own.
  std::unique_ptr<Engine> OpenOther(EngineOptions options);

  // Closes the store and opens it again.
  void Reopen();

  // Closes the store for the rest of the test.
  void Discard() { engine_.reset(); }

  // Commits, expects success, and returns what became of it.
  CommitResult Commit(CommitRequest request);
  Revision Put(std::string key, std::string value);
  Revision Delete(std::string key);

  // Appends a commit of log entries and returns the position of the first.
  LogPosition Append(std::vector<std::string> entries);

  // Reads, and expects success.
  std::optional<std::string> Value(absl::string_view key);
  std::vector<Row> Rows(const Snapshot& snapshot, absl::string_view begin, absl::string_view end);
  std::vector<LogEntry> Log(LogPosition from, size_t max_entries = 1'000'000,
                            size_t max_bytes = 1'000'000'000);

  // What the clock of the store says.
  absl::Time now_ = absl::FromUnixMillis(1'700'000'000'123);

 private:
  std::unique_ptr<Engine> Open(EngineOptions options);

  TempDir directory_;
  std::vector<std::unique_ptr<TempDir>> other_directories_;
  std::unique_ptr<Engine> engine_;
};

// Commits all of `requests`, without waiting for one before the next, and returns
// the results in the same order.
std::vector<CommitResult> CommitTogether(Engine& engine, std::vector<CommitRequest> requests);

// Returns a random seed, or that in the environment variable INNKEEPER_SEED, and
// prints it.
uint32_t TestSeed();

}  // namespace innkeeper::storage

#endif  // INNKEEPER_TESTS_CONFORMANCE_ENGINE_CONFORMANCE_H_
