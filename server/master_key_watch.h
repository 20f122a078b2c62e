// File: server/master_key_watch.h
//
// Changes the keys of a sealed store when its operator changes the master key file.

#ifndef INNKEEPER_SERVER_MASTER_KEY_WATCH_H_
#define INNKEEPER_SERVER_MASTER_KEY_WATCH_H_

#include <cstddef>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "server/base/clock.h"
#include "server/base/file_stamp.h"
#include "server/config/config.h"
#include "server/metrics/metrics.h"
#include "storage/sealing/key_rotation.h"
#include "storage/sealing/master_key.h"
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

  // Reads the master key file if it was changed. If it has another first key than before, the
  // store's keys are rotated; a file that is not good changes nothing, and is logged once.
  void ReloadIfChanged();

  // Does a part of what is left of a rotation; reads nothing if that is nothing. Errors are
  // logged once.
  void Continue();

 private:
  // The store or the secrets of its rooms.
  struct Rotating {
    explicit Rotating(storage::SealedEngine& engine)
        : rotation(engine), master_key_id(engine.master_key_id()) {}

    storage::KeyRotation rotation;
    std::string master_key_id;  // of the first; "" if a rotation has to be tried again
  };

  absl::Status Reload();
  absl::Status RotateTo(const storage::MasterKeys& keys);

  const ServerConfig& config_;
  const Clock& clock_;
  metrics::SealingMetrics& metrics_;
  Rotating secrets_;
  Rotating store_;
  std::optional<FileStamp> stamp_;  // of the master key file that they are rotated to
  // The latest errors that were logged.
  absl::Status reload_error_;
  absl::Status work_error_;
  size_t resealed_ = 0;  // by the rotation that is under way
};

}  // namespace innkeeper

#endif  // INNKEEPER_SERVER_MASTER_KEY_WATCH_H_
