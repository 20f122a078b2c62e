// File: storage/sealing/opened_values.h
//
// Values that were read lately, opened: those of rooms that are read often need not be looked up
// and opened for each reader.

#ifndef INNKEEPER_STORAGE_SEALING_OPENED_VALUES_H_
#define INNKEEPER_STORAGE_SEALING_OPENED_VALUES_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "storage/engine.h"
#include "storage/sealing/recent_map.h"

namespace innkeeper::storage {

// Keeps values as the latest snapshot has them, if they are small: of the tables `room` and
// `user's` (keys.h). Commits announce what they write before it can be seen, and until they are
// over nothing of what they may change is kept. So all writers must be in this process.
// Thread-safe.
class OpenedValues {
 public:
  using Value = std::shared_ptr<const std::string>;  // null: there is none

  // What was under way when values were looked for.
  class Search {
   private:
    friend class OpenedValues;
    std::vector<std::optional<uint64_t>> epochs_;  // for each key; none: it is not to be kept
  };

  // A commit that is under way.
  struct Writing {
    std::vector<size_t> shards;  // those of the keys that it changes
    // Whether those of earlier commits are among them of which nobody knows whether they were
    // kept.
    bool has_doubtful = false;
  };

  OpenedValues();

  // Returns the values of `keys` as they were at one moment during the call if all are here. If
  // not, nothing; they are to be read from a snapshot then, and given to Keep() with `search`.
  std::optional<std::vector<Value>> Find(absl::Span<const std::string> keys, Search& search);

  // Keeps the values that a snapshot has under `keys`, but for those that something was written
  // to since the search. The snapshot must have been made after that.
  void Keep(const Search& search, absl::Span<const std::string> keys,
            absl::Span<const Value> values);

  // Forgets what `writes` change. To be called before the engine below is given them.
  Writing BeginWriting(absl::Span<const Write> writes);

  // Takes note of what became of a commit. To be called once it can be seen, if it ever can.
  void EndWriting(const Writing& writing, const absl::Status& status);

  // Forgets everything.
  void Clear();

 private:
  static constexpr size_t kShards = 1024;

  struct Shard {
    Shard();
    RecentMap<std::string, Value> values;
    std::atomic<int> writing = 0;  // commits that may change what is here
  };

  static bool IsKept(absl::string_view key);
  static size_t ShardOf(absl::string_view key);
  void TakeDoubtful(Writing& writing);
  void LeaveDoubtful(const Writing& writing);

  std::vector<Shard> shards_;
  // Those that write what may be kept here, counted once that is forgotten.
  std::atomic<uint64_t> announced_commits_ = 0;

  // Where one commit still counts as under way of which nobody knows whether it was kept.
  absl::Mutex doubtful_mutex_;
  std::set<size_t> doubtful_ ABSL_GUARDED_BY(doubtful_mutex_);
  std::atomic<bool> has_doubtful_ = false;
};

}  // namespace innkeeper::storage

#endif  // INNKEEPER_STORAGE_SEALING_OPENED_VALUES_H_
