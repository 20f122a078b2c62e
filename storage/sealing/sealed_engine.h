// File: storage/sealing/sealed_engine.h
//
// An engine that seals all that another one keeps: whoever has the files, or a copy of
// them, can read nothing of it and change nothing unnoticed without a master key.
//
//   value        sealed for its key (value_sealer.h), and if it says something of a room, with
//                the room's secret (room_secrets.h); one that is empty stays so where keys say it
//                all
//   log entries  sealed by the engine below for their positions in the log, many as one
//   audit entry  sealed as a value; the head of the audit log, a number and a hash, is not
//   key          its private components are hidden (name_cipher.h)
//   keyring      stands as it is: its keys are wrapped (keyring.h)
//
// A room gets its secret with the first commit that stores something of it, and the record
// `room key` of keys.h says which; it may come to have several. A value whose secret was
// destroyed reads as if it was not there. To find a room's secret Commit() may have to read.
//
// What can still be seen: how many rooms, entries and events there are, how large, and
// when they were written; ids of rooms and of most events; types of state events; which keys
// are about the same user, within a table.

#ifndef INNKEEPER_STORAGE_SEALING_SEALED_ENGINE_H_
#define INNKEEPER_STORAGE_SEALING_SEALED_ENGINE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "storage/engine.h"
#include "storage/sealing/keyring.h"
#include "storage/sealing/master_key.h"
#include "storage/sealing/opened_values.h"
#include "storage/sealing/recent_map.h"
#include "storage/sealing/room_secrets.h"
#include "storage/sealing/seal.h"

namespace innkeeper::storage {

// Thread-safe. A value that does not open is DATA_LOSS to whoever reads it.
class SealedEngine final : public Engine {
 public:
  // Opens the keyring of `engine`, or makes it if the store is empty. `secrets` may be null:
  // then rooms have none. Blocks. Errors: those of OpenKeyring, and FAILED_PRECONDITION if the
  // store's rooms have other secrets than these.
  static absl::StatusOr<std::unique_ptr<SealedEngine>> Open(std::unique_ptr<Engine> engine,
                                                            std::unique_ptr<RoomSecrets> secrets,
                                                            const MasterKeys& master_keys,
                                                            absl::Time now);

  using Engine::NewSnapshot;
  std::unique_ptr<Snapshot> NewSnapshot(ReadTier tier) const override;
  absl::StatusOr<std::optional<Versioned>> Get(absl::string_view key) const override;
  absl::StatusOr<std::vector<std::shared_ptr<const std::string>>> GetValues(
      const std::vector<std::string>& keys, ReadTier tier) const override;
  void Commit(CommitRequest request, CommitDone done) override {
    SealCommit(std::move(request), std::move(done), &Engine::Commit);
  }
  void CommitHere(CommitRequest request, CommitDone done) override {
    SealCommit(std::move(request), std::move(done), &Engine::CommitHere);
  }
  LogBounds log_bounds() const override { return engine_->log_bounds(); }
  std::shared_ptr<const LogEpochs> log_epochs() const override { return engine_->log_epochs(); }
  absl::Status ScanLog(LogPosition from, LogVisitor visit) const override {
    return engine_->ScanLog(from, visit);
  }
  absl::StatusOr<uint64_t> EstimateLogBytes(LogPosition begin, LogPosition end) const override {
    return engine_->EstimateLogBytes(begin, end);
  }
  absl::Status TrimLog(LogPosition before) override { return engine_->TrimLog(before); }
  absl::Status DestroyRoomSecrets(absl::string_view room_id,
                                  absl::Span<const uint64_t> ids) override;
  EngineStats stats() const override { return engine_->stats(); }
  WriteState write_state() const override { return engine_->write_state(); }
  void SetCommitListener(CommitListener listener) override {
    engine_->SetCommitListener(std::move(listener));
  }
  // The log has a seal already: that of this.
  void SetLogSealer(const LogSealer* sealer) override;
  absl::Status Close() override;

  // The id of the master key that wrapped the keyring when it was opened.
  const std::string& master_key_id() const { return master_key_id_; }

  // The secrets of rooms; null if they have none.
  const RoomSecrets* room_secrets() const { return secrets_.get(); }

  // For those who change the seal (key_rotation.h): the engine without it, and the seal.
  Engine& unsealed() { return *engine_; }
  const Seal& seal() const { return seal_; }

  // Seals with `key` from now on. Returns when nothing that is sealed with another key is
  // on its way into the store any more. Blocks. Errors: those of Commit; the key seals all
  // the same. One call at a time.
  absl::Status SealWith(const Keyring::DataKey& key);

 private:
  SealedEngine(std::unique_ptr<Engine> engine, std::unique_ptr<RoomSecrets> secrets,
               const Keyring& keyring);

  // A commit, while it is sealed and handed on.
  class Passage;
  // The secrets that a commit's values are sealed with.
  class CommitSecrets;

  using HandOn = void (Engine::*)(CommitRequest, CommitDone);

  // Seals a commit and hands it on.
  void SealCommit(CommitRequest request, CommitDone done, HandOn hand_on);

  CommitDone AnnounceWrites(const CommitRequest& request, CommitDone done);

  // Returns the secret of a room that had one before; null if there is none.
  absl::StatusOr<RoomSecretPtr> FindSecret(absl::string_view room);

  const std::unique_ptr<RoomSecrets> secrets_;  // null: rooms have none
  // Of rooms, as Raw() of keys.h gives them, that have one for sure.
  RecentMap<std::string, RoomSecretPtr> secrets_of_rooms_;
  mutable OpenedValues opened_values_;
  Seal seal_;
  const std::string master_key_id_;

  absl::Mutex mutex_;
  // Counts the changes of the key, modulo 2; and how many commits are being sealed and
  // handed on that began while it was 0, and 1.
  size_t era_ ABSL_GUARDED_BY(mutex_) = 0;
  std::array<int, 2> passing_ ABSL_GUARDED_BY(mutex_) = {0, 0};

  // Behind all that its threads use until it is destroyed.
  const std::unique_ptr<Engine> engine_;
};

}  // namespace innkeeper::storage

#endif  // INNKEEPER_STORAGE_SEALING_SEALED_ENGINE_H_
