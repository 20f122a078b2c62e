// File: client/internal/stopper.h

#ifndef INNKEEPER_CLIENT_INTERNAL_STOPPER_H_
#define INNKEEPER_CLIENT_INTERNAL_STOPPER_H_

#include <functional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "grpcpp/client_context.h"

namespace innkeeper::client_internal {

// Ends what one thread is waiting for when another says so. Thread-safe.
class Stopper {
 public:
  // For as long as this object lives, `interrupt`, which must not block, is called by
  // Stop(), or at once if that was called before. One at a time. The stopper must outlive it.
  class Scope {
   public:
    Scope(Stopper& stopper, std::function<void()> interrupt) : stopper_(stopper) {
      stopper_.SetInterrupt(std::move(interrupt));
    }
    // Cancels `call`, which must outlive the object.
    Scope(Stopper& stopper, grpc::ClientContext& call)
        : Scope(stopper, [&call] { call.TryCancel(); }) {}
    ~Scope() { stopper_.SetInterrupt(nullptr); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Stopper& stopper_;
  };

  // Notifies, and interrupts. Does not block. Idempotent.
  void Stop() {
    absl::MutexLock lock(&mutex_);
    if (notification_.HasBeenNotified()) return;
    notification_.Notify();
    if (interrupt_) interrupt_();
  }

  bool stopped() const { return notification_.HasBeenNotified(); }
  const absl::Notification& notification() const { return notification_; }

 private:
  void SetInterrupt(std::function<void()> interrupt) {
    absl::MutexLock lock(&mutex_);
    interrupt_ = std::move(interrupt);
    if (interrupt_ && stopped()) interrupt_();
  }

  absl::Notification notification_;
  absl::Mutex mutex_;
  std::function<void()> interrupt_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace innkeeper::client_internal

#endif  // INNKEEPER_CLIENT_INTERNAL_STOPPER_H_
