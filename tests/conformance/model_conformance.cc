// Random use, compared with a model that is obviously right.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/conformance/engine_conformance.h"

namespace innkeeper::storage {
namespace {

// An engine's contract over maps.
class Model {
 public:
  using Rows = std::map<std::string, Versioned>;

  // Returns the index of the first precondition that fails.
  std::optional<size_t> FailedPrecondition(const CommitRequest& request) const {
    for (size_t i = 0; i < request.preconditions.size(); ++i) {
      if (RevisionOf(request.preconditions[i].key) != request.preconditions[i].revision) return i;
    }
    return std::nullopt;
  }

  void Apply(const CommitRequest& request, const CommitResult& result) {
    for (const Write& write : request.writes) {
      if (write.value) {
        rows_[write.key] = {*write.value, result.revision};
      } else {
        rows_.erase(write.key);
      }
    }
    for (const std::string& payload : request.log_entries) {
      log_.push_back({++head_, result.revision, absl::Time(), payload});
    }
  }

  void Trim(LogPosition before) { oldest_ = std::max(oldest_, std::min(before, head_ + 1)); }

  Revision RevisionOf(const std::string& key) const {
    const auto it = rows_.find(key);
    return it == rows_.end() ? 0 : it->second.revision;
  }

  const Rows& rows() const { return rows_; }
  const LogEntry& log(LogPosition position) const { return log_[position - 1]; }
  LogPosition oldest() const { return oldest_; }
  LogPosition head() const { return head_; }

 private:
  Rows rows_;
  std::vector<LogEntry> log_;
  LogPosition oldest_ = 1;
  LogPosition head_ = 0;
};

// Draws keys and requests. The keys are few, so that commits get in each other's
// way, and some are prefixes of others.
class Generator {
 public:
  explicit Generator(uint32_t seed) : random_(seed) {}

  size_t Below(size_t bound) { return random_() % bound; }

  std::string Key() { return std::string(1 + Below(3), static_cast<char>('a' + Below(5))); }

  CommitRequest Request(const Model& model) {
    CommitRequest request;
    for (size_t n = Below(3); n > 0; --n) {
      const std::string key = Key();
      const Revision actual = model.RevisionOf(key);
      request.preconditions.push_back({key, Below(8) == 0 ? actual + 1 : actual});
    }
    std::map<std::string, std::optional<std::string>> writes;
    for (size_t n = Below(5); n > 0; --n) {
      writes[Key()] = Below(3) == 0 ? std::nullopt : std::optional(Text());
    }
    for (auto& [key, value] : writes) request.writes.push_back({key, value});
    for (size_t n = Below(4); n > 0; --n) request.log_entries.push_back(Text());
    return request;
  }

 private:
  std::string Text() { return std::string(Below(300), static_cast<char>('a' + Below(26))); }

  std::mt19937 random_;
};

std::vector<Row> RowsBetween(const Model::Rows& rows, const std::string& begin,
                             const std::string& end) {
  std::vector<Row> found;
  for (auto it = rows.lower_bound(begin); it != rows.end() && it->first < end; ++it) {
    found.push_back({it->first, it->second.value, it->second.revision});
  }
  return found;
}

TEST_P(EngineConformance, BehavesAsItsModel) {
  Generator generator(TestSeed());
  Model model;
  // A snapshot with what it must go on showing.
  std::unique_ptr<Snapshot> snapshot;
  Model::Rows snapshot_rows;

  const auto commit = [&] {
    const CommitRequest request = generator.Request(model);
    const std::optional<size_t> failed = model.FailedPrecondition(request);
    const CommitResult result = CommitAndWait(engine(), request);
    if (failed) {
      ASSERT_EQ(result.status.code(), absl::StatusCode::kAborted) << result.status;
      ASSERT_EQ(result.failed_precondition, *failed);
    } else {
      ASSERT_TRUE(result.status.ok()) << result.status;
      ASSERT_EQ(result.first_position, request.log_entries.empty() ? 0 : model.head() + 1);
      model.Apply(request, result);
    }
  };
  const auto get = [&] {
    const std::string key = generator.Key();
    ASSERT_EQ(Value(key).has_value(), model.rows().count(key) > 0);
  };
  const auto scan = [&] {
    const std::string begin = generator.Key();
    const std::string end = generator.Key();
    ASSERT_EQ(Rows(*engine().NewSnapshot(), begin, end), RowsBetween(model.rows(), begin, end));
    if (snapshot) {
      ASSERT_EQ(Rows(*snapshot, begin, end), RowsBetween(snapshot_rows, begin, end));
    }
  };
  const auto take_snapshot = [&] {
    snapshot = engine().NewSnapshot();
    snapshot_rows = model.rows();
  };
  const auto read_log = [&] {
    const LogPosition from = generator.Below(model.head() + 3);
    const size_t max_entries = generator.Below(10);
    if (from < model.oldest()) {
      ASSERT_EQ(engine().ReadLog(from, 1, 1).status().code(), absl::StatusCode::kOutOfRange);
      return;
    }
    const std::vector<LogEntry> entries = Log(from, max_entries);
    ASSERT_EQ(entries.empty(), from > model.head());
    for (size_t i = 0; i < entries.size(); ++i) {
      ASSERT_EQ(entries[i].position, from + i);
      ASSERT_EQ(entries[i].payload, model.log(from + i).payload);
      ASSERT_EQ(entries[i].revision, model.log(from + i).revision);
    }
    const LogPosition next = from + entries.size();
    if (!entries.empty() && next <= model.head()) {
      ASSERT_NE(model.log(next).revision, entries.back().revision) << "a commit was split";
    }
  };
  const auto trim = [&] {
    const LogPosition before = generator.Below(model.head() + 3);
    ASSERT_TRUE(engine().TrimLog(before).ok());
    model.Trim(before);
    ASSERT_EQ(engine().log_bounds().oldest, model.oldest());
    ASSERT_EQ(engine().log_bounds().head, model.head());
  };
  const auto reopen = [&] {
    snapshot.reset();
    Reopen();
    ASSERT_EQ(Rows(*engine().NewSnapshot(), "a", "z"), RowsBetween(model.rows(), "a", "z"));
    ASSERT_EQ(engine().log_bounds().oldest, model.oldest());
    ASSERT_EQ(engine().log_bounds().head, model.head());
  };

  // Each action as often as it stands here.
  const std::vector<std::function<void()>> actions = {
      commit, commit, commit, commit, commit, commit, commit, commit,        commit,   commit,
      commit, commit, get,    get,    scan,   scan,   scan,   take_snapshot, read_log, read_log};
  for (int step = 0; step < 1'500 && !HasFatalFailure(); ++step) {
    SCOPED_TRACE(absl::StrCat("step ", step));
    if (step % 250 == 249) {
      reopen();
    } else if (step % 50 == 49) {
      trim();
    } else {
      actions[generator.Below(actions.size())]();
    }
  }
}

}  // namespace
}  // namespace innkeeper::storage
