#include "server/base/process.h"

#include <cstdlib>

#include "absl/synchronization/mutex.h"

namespace innkeeper {

void PrepareProcess() {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  // The file is the default; naming it has it read once.
  setenv("TZ", ":/etc/localtime", /*overwrite=*/0);
}

}  // namespace innkeeper
