#include "storage/engine.h"

#include "absl/synchronization/notification.h"

namespace innkeeper::storage {

CommitResult CommitAndWait(Engine& engine, CommitRequest request) {
  CommitResult result;
  absl::Notification done;
  engine.Commit(std::move(request), [&](CommitResult commit_result) {
    result = std::move(commit_result);
    done.Notify();
  });
  done.WaitForNotification();
  return result;
}

}  // namespace innkeeper::storage
