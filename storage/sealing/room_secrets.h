// File: storage/sealing/room_secrets.h
//
// The secrets of rooms. What a sealed store holds of a room opens only with a data key of the
// store and the room's secret together. The secrets are kept in a store of their own,
// which backups leave out: when one is destroyed there, its room can't be read any more, in no
// copy of the store. A destroyed secret leaves a note, so that it is told from one that got lost.

#ifndef INNKEEPER_STORAGE_SEALING_ROOM_SECRETS_H_
#define INNKEEPER_STORAGE_SEALING_ROOM_SECRETS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "storage/engine.h"
#include "storage/sealing/keyring.pb.h"
#include "storage/sealing/recent_map.h"
#include "storage/sealing/secret.h"

namespace innkeeper::storage {

struct RoomSecret {
  static constexpr size_t kBytes = 32;

  uint64_t id = 0;  // never given to another secret
  Secret secret;
};

// Null stands for a secret that was destroyed.
using RoomSecretPtr = std::shared_ptr<const RoomSecret>;

// Thread-safe.
class RoomSecrets {
 public:
  // Opens the secrets in `engine`, which has nothing else in it, or begins with none in an empty
  // one. Blocks. Errors: those of Engine::Get and Commit, and DATA_LOSS if they are damaged.
  static absl::StatusOr<std::unique_ptr<RoomSecrets>> Open(std::unique_ptr<Engine> engine);

  // Tells these secrets from those of other stores.
  const std::string& id() const { return id_; }

  // Returns a secret that no room has yet, and that is durable. They are made in advance; where
  // they are drawn faster, as by a burst right behind a start, this blocks until the next ones
  // are stored. Errors: UNAVAILABLE if none can be stored, write_state() says why;
  // RESOURCE_EXHAUSTED if that takes longer than a second.
  absl::StatusOr<RoomSecretPtr> Draw();

  // Takes back what Draw() returned, if nothing that is sealed with it can be stored.
  void GiveBack(RoomSecretPtr secret);

  // Returns a secret. Blocks as `tier` says. Errors: those of Snapshot, and DATA_LOSS if it is
  // damaged or lost.
  absl::StatusOr<RoomSecretPtr> Find(uint64_t id, ReadTier tier) const;

  // Destroys secrets of a room. Blocks. Errors: those of Engine::Commit.
  absl::Status Destroy(absl::string_view room_id, absl::Span<const uint64_t> ids);

  // Visits the secrets that were destroyed, as the records `room key` of keys.h that a store
  // had of them. Errors: those of Snapshot.
  absl::Status ScanDestroyed(absl::FunctionRef<void(absl::string_view room_key)> visit) const;

  // As of Engine.
  WriteState write_state() const { return engine_->write_state(); }
  absl::Status Close();

 private:
  // Secrets that are being stored.
  struct Batch {
    std::vector<RoomSecretPtr> secrets;
    CommitRequest request;
  };

  RoomSecrets(std::unique_ptr<Engine> engine, const RoomSecretsRecord& record);

  // Begins to store further secrets if few are left.
  void MakeMoreInTime();
  // Waits for those that are being stored if there are no others; false if none come.
  bool AwaitReady();
  // Returns a secret that is stored; null if others took all.
  RoomSecretPtr TakeReady();
  Batch MakeBatch();
  void Keep(std::vector<RoomSecretPtr> secrets, const absl::Status& stored);

  const std::string id_;
  mutable RecentMap<uint64_t, RoomSecretPtr> known_;

  absl::Mutex mutex_;
  uint64_t next_id_ ABSL_GUARDED_BY(mutex_);
  std::vector<RoomSecretPtr> ready_ ABSL_GUARDED_BY(mutex_);  // durable, and not drawn
  bool is_making_ ABSL_GUARDED_BY(mutex_) = false;
  // Of those that were made last: how many, and whether they were stored.
  size_t batch_size_ ABSL_GUARDED_BY(mutex_) = 0;
  bool were_stored_ ABSL_GUARDED_BY(mutex_) = true;

  // Behind all that its threads use until it is destroyed.
  const std::unique_ptr<Engine> engine_;
};

}  // namespace innkeeper::storage

#endif  // INNKEEPER_STORAGE_SEALING_ROOM_SECRETS_H_
