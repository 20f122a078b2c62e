// File: storage/sealing/recent_map.h
//
// A map of bounded size that keeps what was used lately.

#ifndef INNKEEPER_STORAGE_SEALING_RECENT_MAP_H_
#define INNKEEPER_STORAGE_SEALING_RECENT_MAP_H_

#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"

namespace innkeeper::storage {

// Has two generations: what is used moves to the younger one, and when that is full the
// older one is dropped. `Value` is cheap to copy; its default stands for "not there". Thread-safe.
template <typename Key, typename Value>
class RecentMap {
 public:
  // Keeps the last `size` keys that were used, and no more than twice as many.
  explicit RecentMap(size_t size) : size_(size) {}

  template <typename Lookup>
  Value Find(const Lookup& key) {
    absl::MutexLock lock(&mutex_);
    if (const auto found = young_.find(key); found != young_.end()) return found->second;
    auto found = old_.extract(key);
    if (found.empty()) return Value();
    Value value = found.mapped();
    Insert(std::move(found.key()), value);
    return value;
  }

  // To be asked before a value is looked up that is to be put here.
  uint64_t epoch() {
    absl::MutexLock lock(&mutex_);
    return epoch_;
  }

  // Puts a value that was looked up in `epoch`. If something was to be forgotten since it does
  // nothing: the value may be that.
  void Put(Key key, Value value, uint64_t epoch) {
    absl::MutexLock lock(&mutex_);
    if (epoch == epoch_) Insert(std::move(key), std::move(value));
  }

  // Forgets the value of `key`, and begins another epoch.
  template <typename Lookup>
  void Forget(const Lookup& key) {
    absl::MutexLock lock(&mutex_);
    ++epoch_;
    young_.erase(key);
    old_.erase(key);
  }

  // Forgets all, and begins another epoch.
  void Clear() {
    absl::MutexLock lock(&mutex_);
    ++epoch_;
    young_.clear();
    old_.clear();
  }

 private:
  void Insert(Key key, Value value) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (young_.size() >= size_) {
      old_ = std::move(young_);
      young_.clear();
    }
    young_.insert_or_assign(std::move(key), std::move(value));
  }

  const size_t size_;
  absl::Mutex mutex_;
  uint64_t epoch_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<Key, Value> young_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<Key, Value> old_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace innkeeper::storage

#endif  // INNKEEPER_STORAGE_SEALING_RECENT_MAP_H_
