// File: server/write_health.h

#ifndef INNKEEPER_SERVER_WRITE_HEALTH_H_
#define INNKEEPER_SERVER_WRITE_HEALTH_H_

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/health_check_service_interface.h"

namespace innkeeper {

// What health checks ask for to learn whether writes are taken. There is no such service:
// each has reads, too, which go on.
inline constexpr char kWritesHealth[] = "innkeeper.v1.writes";

// Tells health checks whether the store takes writes. Thread-safe; never blocks for long.
class WriteHealth {
 public:
  void Set(bool takes_writes) {
    absl::MutexLock lock(&mutex_);
    takes_writes_ = takes_writes;
    Tell();
  }

  // Tells `health` from now on, which must stay until another is given, or null.
  void TellTo(grpc::HealthCheckServiceInterface* health) {
    absl::MutexLock lock(&mutex_);
    health_ = health;
    Tell();
  }

 private:
  void Tell() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (health_ != nullptr) health_->SetServingStatus(kWritesHealth, takes_writes_);
  }

  absl::Mutex mutex_;
  bool takes_writes_ ABSL_GUARDED_BY(mutex_) = true;
  grpc::HealthCheckServiceInterface* health_ ABSL_GUARDED_BY(mutex_) = nullptr;
};

}  // namespace innkeeper

#endif  // INNKEEPER_SERVER_WRITE_HEALTH_H_
