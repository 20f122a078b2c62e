// File: server/rpc/call_gate.h
//
// Lets a server stop without breaking off what it has begun.

#ifndef INNKEEPER_SERVER_RPC_CALL_GATE_H_
#define INNKEEPER_SERVER_RPC_CALL_GATE_H_

#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace innkeeper::rpc {

// Counts the calls under way, but for watching, and once it is closed lets no other in.
// Thread-safe.
class CallGate {
 public:
  // Lets a call in and returns true, or false if the gate is closed.
  bool Enter() {
    absl::MutexLock lock(&mutex_);
    if (closed_) return false;
    ++calls_;
    return true;
  }

  // A call that was let in has its reply.
  void Leave() {
    absl::MutexLock lock(&mutex_);
    --calls_;
  }

  // Closes the gate, and waits until those inside have left or `deadline` has
  // passed. Blocks.
  void Close(absl::Time deadline) {
    absl::MutexLock lock(&mutex_);
    closed_ = true;
    mutex_.AwaitWithDeadline(absl::Condition(this, &CallGate::IsEmpty), deadline);
  }

 private:
  bool IsEmpty() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return calls_ == 0; }

  absl::Mutex mutex_;
  int64_t calls_ ABSL_GUARDED_BY(mutex_) = 0;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace innkeeper::rpc

#endif  // INNKEEPER_SERVER_RPC_CALL_GATE_H_
