#include "storage/sealing/opened_values.h"

#include <utility>

#include "absl/hash/hash.h"
#include "storage/keys.h"

namespace innkeeper::storage {
namespace {

// In all some 16,000 values, and no more than twice as many.
constexpr size_t kValuesPerShard = 16;
constexpr size_t kMaxValueBytes = 1024;

}  // namespace

OpenedValues::Shard::Shard() : values(kValuesPerShard) {}

OpenedValues::OpenedValues() : shards_(kShards) {}

bool OpenedValues::IsKept(absl::string_view key) {
  if (key.empty()) return false;
  const auto table = static_cast<Table>(key.front());
  return table == Table::kRoom || table == Table::kUserRoom;
}

size_t OpenedValues::ShardOf(absl::string_view key) {
  // The maps within the shards go by the lower bits of the same hash.
  return (static_cast<uint64_t>(absl::HashOf(key)) >> 32) % kShards;
}

std::optional<std::vector<OpenedValues::Value>> OpenedValues::Find(
    absl::Span<const std::string> keys, Search& search) {
  const uint64_t commits = announced_commits_.load();
  std::vector<Value> values;
  values.reserve(keys.size());
  for (const std::string& key : keys) {
    Value value = IsKept(key) ? shards_[ShardOf(key)].values.Find(key) : nullptr;
    if (value == nullptr) break;
    values.push_back(std::move(value));
  }
  // What was found before a commit was announced may be older than what was found behind that.
  if (values.size() == keys.size() && announced_commits_.load() == commits) return values;
  for (const std::string& key : keys) {
    Shard& shard = shards_[ShardOf(key)];
    // In this order: a commit that begins in between is seen in Keep().
    const uint64_t epoch = shard.values.epoch();
    const bool may_keep = IsKept(key) && shard.writing.load() == 0;
    search.epochs_.push_back(may_keep ? std::optional(epoch) : std::nullopt);
  }
  return std::nullopt;
}

void OpenedValues::Keep(const Search& search, absl::Span<const std::string> keys,
                        absl::Span<const Value> values) {
  for (size_t i = 0; i < keys.size(); ++i) {
    const std::optional<uint64_t> epoch = search.epochs_[i];
    if (!epoch || values[i] == nullptr || values[i]->size() > kMaxValueBytes) continue;
    shards_[ShardOf(keys[i])].values.Put(keys[i], values[i], *epoch);
  }
}

OpenedValues::Writing OpenedValues::BeginWriting(absl::Span<const Write> writes) {
  Writing writing;
  for (const Write& write : writes) {
    if (IsKept(write.key)) writing.shards.push_back(ShardOf(write.key));
  }
  for (const size_t shard : writing.shards) ++shards_[shard].writing;
  for (const Write& write : writes) {
    if (IsKept(write.key)) shards_[ShardOf(write.key)].values.Forget(write.key);
  }
  // Behind that: whoever knows of the commit from the start finds nothing from before it.
  if (!writing.shards.empty()) ++announced_commits_;
  if (has_doubtful_) TakeDoubtful(writing);
  return writing;
}

void OpenedValues::EndWriting(const Writing& writing, const absl::Status& status) {
  // That the store takes writes again decides what became of those before.
  const bool is_decided = status.ok() || (!writing.has_doubtful && !absl::IsUnavailable(status));
  if (!is_decided) return LeaveDoubtful(writing);
  for (const size_t shard : writing.shards) --shards_[shard].writing;
}

void OpenedValues::TakeDoubtful(Writing& writing) {
  absl::MutexLock lock(&doubtful_mutex_);
  writing.has_doubtful = !doubtful_.empty();
  writing.shards.insert(writing.shards.end(), doubtful_.begin(), doubtful_.end());
  doubtful_.clear();
  has_doubtful_ = false;
}

void OpenedValues::LeaveDoubtful(const Writing& writing) {
  absl::MutexLock lock(&doubtful_mutex_);
  for (const size_t shard : writing.shards) {
    if (!doubtful_.insert(shard).second) --shards_[shard].writing;
  }
  has_doubtful_ = !doubtful_.empty();
}

void OpenedValues::Clear() {
  for (Shard& shard : shards_) shard.values.Clear();
}

}  // namespace innkeeper::storage
