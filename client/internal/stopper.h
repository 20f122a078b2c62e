// File: client/internal/stopper.h

#ifndef INNKEEPER_CLIENT_INTERNAL_STOPPER_H_
#define INNKEEPER_CLIENT_INTERNAL_STOPPER_H_

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "grpcpp/client_context.h"

namespace innkeeper::client_internal {

// Ends what one thread is waiting for when another says so. Thread-safe.
class Stopper {
 public:
  // For as long as this object lives, its call is cancelled by Stop(), or at once if
  // that was called before. One at a time. Both must outlive it.
  class Scope {
   public:
    Scope(Stopper& stopper, grpc::ClientContext& call) : stopper_(stopper) {
      stopper_.SetCall(&call);
    }
    ~Scope() { stopper_.SetCall(nullptr); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Stopper& stopper_;
  };

  // Notifies, and cancels the call. Does not block. Idempotent.
  void Stop() {
    absl::MutexLock lock(&mutex_);
    if (notification_.HasBeenNotified()) return;
    notification_.Notify();
    if (call_ != nullptr) call_->TryCancel();
  }

  bool stopped() const { return notification_.HasBeenNotified(); }
  const absl::Notification& notification() const { return notification_; }

 private:
  void SetCall(grpc::ClientContext* call) {
    absl::MutexLock lock(&mutex_);
    call_ = call;
    if (call_ != nullptr && stopped()) call_->TryCancel();
  }

  absl::Notification notification_;
  absl::Mutex mutex_;
  grpc::ClientContext* call_ ABSL_GUARDED_BY(mutex_) = nullptr;
};

}  // namespace innkeeper::client_internal

#endif  // INNKEEPER_CLIENT_INTERNAL_STOPPER_H_
