#include "tests/conformance/engine_conformance.h"

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>
#include <utility>

#include "absl/synchronization/blocking_counter.h"

namespace innkeeper::storage {

std::string EngineName(const testing::TestParamInfo<EngineFactory>& info) {
  return info.param.name;
}

EngineConformance::EngineConformance() : engine_(Open({.directory = directory_.path()})) {}

std::unique_ptr<Engine> EngineConformance::Open(EngineOptions options) {
  if (!options.clock) options.clock = [this] { return now_; };
  absl::StatusOr<std::unique_ptr<Engine>> engine = GetParam().open(options);
  EXPECT_TRUE(engine.ok()) << engine.status();
  return *std::move(engine);
}

std::unique_ptr<Engine> EngineConformance::OpenOther(EngineOptions options) {
  other_directories_.push_back(std::make_unique<TempDir>());
  options.directory = other_directories_.back()->path();
  return Open(std::move(options));
}

void EngineConformance::Reopen() {
  EXPECT_TRUE(engine_->Close().ok());
  engine_.reset();
  engine_ = Open({.directory = directory_.path()});
}

CommitResult EngineConformance::Commit(CommitRequest request) {
  CommitResult result = CommitAndWait(*engine_, std::move(request));
  EXPECT_TRUE(result.status.ok()) << result.status;
  return result;
}

Revision EngineConformance::Put(std::string key, std::string value) {
  return Commit({.writes = {{std::move(key), std::move(value)}}}).revision;
}

Revision EngineConformance::Delete(std::string key) {
  return Commit({.writes = {{std::move(key), std::nullopt}}}).revision;
}

LogPosition EngineConformance::Append(std::vector<std::string> entries) {
  return Commit({.log_entries = std::move(entries)}).first_position;
}

std::optional<std::string> EngineConformance::Value(absl::string_view key) {
  const absl::StatusOr<std::optional<Versioned>> value = engine_->Get(key);
  EXPECT_TRUE(value.ok()) << value.status();
  if (!value.ok() || !value->has_value()) return std::nullopt;
  return (*value)->value;
}

std::vector<Row> EngineConformance::Rows(const Snapshot& snapshot, absl::string_view begin,
                                         absl::string_view end) {
  std::vector<Row> rows;
  const absl::Status status = snapshot.Scan(
      begin, end, [&](absl::string_view key, absl::string_view value, Revision revision) {
        rows.push_back({std::string(key), std::string(value), revision});
        return true;
      });
  EXPECT_TRUE(status.ok()) << status;
  return rows;
}

std::vector<LogEntry> EngineConformance::Log(LogPosition from, size_t max_entries,
                                             size_t max_bytes) {
  absl::StatusOr<std::vector<LogEntry>> entries = engine_->ReadLog(from, max_entries, max_bytes);
  EXPECT_TRUE(entries.ok()) << entries.status();
  return entries.ok() ? *std::move(entries) : std::vector<LogEntry>();
}

std::vector<CommitResult> CommitTogether(Engine& engine, std::vector<CommitRequest> requests) {
  std::vector<CommitResult> results(requests.size());
  absl::BlockingCounter left(static_cast<int>(requests.size()));
  for (size_t i = 0; i < requests.size(); ++i) {
    engine.Commit(std::move(requests[i]), [&results, &left, i](CommitResult result) {
      results[i] = std::move(result);
      left.DecrementCount();
    });
  }
  left.Wait();
  return results;
}

uint32_t TestSeed() {
  const char* given = std::getenv("INNKEEPER_SEED");
  const uint32_t seed = given != nullptr ? static_cast<uint32_t>(std::strtoul(given, nullptr, 10))
                                         : std::random_device()();
  std::cout << "INNKEEPER_SEED=" << seed << std::endl;
  return seed;
}

}  // namespace innkeeper::storage
