// File: server/master_key_watch.h
//
// Changes the keys of a sealed store when its operator changes the master key file.

#ifndef INNKEEPER_SERVER_MASTER_KEY_WATCH_H_
#define INNKEEPER_SERVER_MASTER_KEY_WATCH_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "server/base/clock.h"
#include "server/config/config.h"
#include "server/metrics/metrics.h"
#include "storage/sealing/key_rotation.h"
#include "storage/sealing/sealed_engine.h"

namespace innkeeper {

// One thread calls its functions, which block.
class MasterKeyWatch {
 public:
  // The store, and the secrets of its rooms, were opened with the master keys that `config`
  // names. All must outlive this.
  MasterKeyWatch(const ServerConfig& config, storage::SealedEngine& engine,
                 storage::SealedEngine& secrets, const Clock& clock,
                 metrics::SealingMetrics& metrics);

  // Reads the master key file. If it has another first key than before, the store's keys are
  // rotated; a file that is not good changes nothing, and is logged once.
  void ReloadIfChanged();

  // Does a part of what is left of a rotation. Errors are logged.
  void Continue();

 private:
  void Complain(const absl::Status& status);

  const ServerConfig& config_;
  const Clock& clock_;
  metrics::SealingMetrics& metrics_;
  storage::KeyRotation rotation_;
  storage::KeyRotation rotation_of_secrets_;
  std::string master_key_id_;  // of the first
  std::string complaint_;      // the latest that was logged
  size_t resealed_ = 0;        // by the rotation that is under way
};

}  // namespace innkeeper

#endif  // INNKEEPER_SERVER_MASTER_KEY_WATCH_H_
