// File: storage/sealing/sealed_engine.h
//
// An engine that seals all that another one keeps: whoever has the files, or a copy of
// them, can read nothing of it and change nothing unnoticed without a master key.
//
//   value        sealed for its key (value_sealer.h); an empty one stays empty
//   log entry    sealed for its position in the log
//   key          its private components are hidden (name_cipher.h)
//   keyring      stands as it is: its keys are wrapped (keyring.h)
//
// What can still be seen: how many rooms, entries and events there are, how large, and
// when they were written; ids of rooms and of events; types of state events; which keys
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

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "storage/engine.h"
#include "storage/sealing/keyring.h"
#include "storage/sealing/master_key.h"
#include "storage/sealing/seal.h"

namespace innkeeper::storage {

// Thread-safe. A value that does not open is DATA_LOSS to whoever reads it.
class SealedEngine final : public Engine {
 public:
  // Opens the keyring of `engine`, or makes it if the store is empty. Blocks. Errors: those
  // of OpenKeyring.
  static absl::StatusOr<std::unique_ptr<SealedEngine>> Open(std::unique_ptr<Engine> engine,
                                                            const MasterKeys& master_keys,
                                                            absl::Time now);

  using Engine::NewSnapshot;
  std::unique_ptr<Snapshot> NewSnapshot(ReadTier tier) const override;
  absl::StatusOr<std::optional<Versioned>> Get(absl::string_view key) const override;
  void Commit(CommitRequest request, CommitDone done) override;
  LogBounds log_bounds() const override { return engine_->log_bounds(); }
  std::shared_ptr<const LogEpochs> log_epochs() const override { return engine_->log_epochs(); }
  absl::Status ScanLog(LogPosition from, LogVisitor visit) const override;
  absl::StatusOr<uint64_t> EstimateLogBytes(LogPosition begin, LogPosition end) const override {
    return engine_->EstimateLogBytes(begin, end);
  }
  absl::Status TrimLog(LogPosition before) override { return engine_->TrimLog(before); }
  EngineStats stats() const override { return engine_->stats(); }
  WriteState write_state() const override { return engine_->write_state(); }
  void SetCommitListener(CommitListener listener) override {
    engine_->SetCommitListener(std::move(listener));
  }
  absl::Status Close() override { return engine_->Close(); }

  // The id of the master key that wrapped the keyring when it was opened.
  const std::string& master_key_id() const { return master_key_id_; }

  // For those who change the seal (key_rotation.h): the engine without it, and the seal.
  Engine& unsealed() { return *engine_; }
  const Seal& seal() const { return seal_; }

  // Seals with `key` from now on. Returns when nothing that is sealed with another key is
  // on its way into the store any more. Blocks. Errors: those of Commit; the key seals all
  // the same. One call at a time.
  absl::Status SealWith(const Keyring::DataKey& key);

  // Forgets a data key that nothing is sealed with any more.
  void ForgetDataKey(uint32_t id) { seal_.RemoveDataKey(id); }

 private:
  SealedEngine(std::unique_ptr<Engine> engine, const Keyring& keyring)
      : seal_(keyring), engine_(std::move(engine)), master_key_id_(keyring.master_key_id) {}

  // A commit, while it is sealed and handed on.
  class Passage;

  Seal seal_;  // outlives the engine, whose threads seal log entries
  const std::unique_ptr<Engine> engine_;
  const std::string master_key_id_;

  absl::Mutex mutex_;
  // Counts the changes of the key, modulo 2; and how many commits are being sealed and
  // handed on that began while it was 0, and 1.
  size_t era_ ABSL_GUARDED_BY(mutex_) = 0;
  std::array<int, 2> passing_ ABSL_GUARDED_BY(mutex_) = {0, 0};
};

}  // namespace innkeeper::storage

#endif  // INNKEEPER_STORAGE_SEALING_SEALED_ENGINE_H_
