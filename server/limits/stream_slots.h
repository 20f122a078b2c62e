// File: server/limits/stream_slots.h
//
// How many streams there may be.

#ifndef INNKEEPER_SERVER_LIMITS_STREAM_SLOTS_H_
#define INNKEEPER_SERVER_LIMITS_STREAM_SLOTS_H_

#include <cstddef>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "server/metrics/metrics.h"

namespace innkeeper::limits {

// Counts the streams that are open, those in which the caller sends among them. Thread-safe.
class StreamSlots {
 public:
  // The place of a stream, until it is destroyed. Must not outlive the slots. Movable.
  class Slot {
   public:
    Slot() = default;
    Slot(Slot&& other) noexcept { *this = std::move(other); }
    Slot& operator=(Slot&& other) noexcept {
      std::swap(slots_, other.slots_);
      std::swap(principal_, other.principal_);
      return *this;
    }
    ~Slot() {
      if (slots_ != nullptr) slots_->Free(principal_);
    }

   private:
    friend class StreamSlots;
    Slot(StreamSlots& slots, std::string principal)
        : slots_(&slots), principal_(std::move(principal)) {}

    StreamSlots* slots_ = nullptr;
    std::string principal_;
  };

  // `most` in all and `most_per_principal`; 0: no limit. `metrics` must outlive the object.
  StreamSlots(size_t most, size_t most_per_principal, metrics::LimitMetrics& metrics)
      : most_(most), most_per_principal_(most_per_principal), metrics_(metrics) {}

  // Takes a place for a stream of `principal`. LIMIT_EXCEEDED, with a time after which it may
  // be tried again, if that has as many as it may; OVERLOADED if there are no more.
  absl::StatusOr<Slot> Take(const std::string& principal);

 private:
  void Free(const std::string& principal);

  const size_t most_;
  const size_t most_per_principal_;
  metrics::LimitMetrics& metrics_;
  absl::Mutex mutex_;
  size_t taken_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<std::string, size_t> by_principal_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace innkeeper::limits

#endif  // INNKEEPER_SERVER_LIMITS_STREAM_SLOTS_H_
