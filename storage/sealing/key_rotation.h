// File: storage/sealing/key_rotation.h
//
// Changes the keys of a sealed store while it is in use.
//
// A rotation adds a data key, seals with it from then on, and then seals all values anew that
// were sealed with others, by and by. What is in the log stays as it is, until it is trimmed.
// A key that nothing is sealed with any more is retired: taken out of the keyring. In memory it
// stays until the store is closed, for snapshots that were taken before. The keyring
// says how far that is, so that it goes on where it was after a crash.

#ifndef INNKEEPER_STORAGE_SEALING_KEY_ROTATION_H_
#define INNKEEPER_STORAGE_SEALING_KEY_ROTATION_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "storage/engine.h"
#include "storage/sealing/keyring.h"
#include "storage/sealing/keyring.pb.h"
#include "storage/sealing/master_key.h"
#include "storage/sealing/sealed_engine.h"

namespace innkeeper::storage {

// Thread-safe: its functions wait for one another. No other process may have the store open.
class KeyRotation {
 public:
  // `engine` must outlive this.
  explicit KeyRotation(SealedEngine& engine) : engine_(engine) {}

  // Rotates: the keyring is wrapped with the first of `master_keys`, and all values are to be
  // sealed anew, with a new data key. Blocks until the new key seals. Errors: those of
  // OpenKeyring; then nothing has changed, or, if it was UNAVAILABLE, maybe: it has to be called
  // again until it says for sure.
  absl::Status Rotate(const MasterKeys& master_keys, absl::Time now);

  // What became of a part of the work.
  struct Step {
    size_t looked_at = 0;  // values
    size_t resealed = 0;   // of these
    bool done = true;      // nothing is left to seal anew
    size_t data_keys = 0;  // that there are behind it
  };

  // Does a part of the work that is left: looks at no more than `max_values` values, and retires
  // keys. Blocks; reads nothing if nothing is left. While a Rotate() has to be called again, it
  // changes nothing. Errors: those of Engine, and DATA_LOSS if a value does not open.
  absl::StatusOr<Step> Continue(size_t max_values);

 private:
  // A value that is to be sealed anew.
  struct Candidate {
    std::string sealed_key;
    std::string sealed;
    Revision revision = 0;
  };

  // Seals with `key` from now on, and has all values sealed anew that are sealed with others.
  absl::Status BeginPass(const Keyring::DataKey& key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status ReadKeyringOnce() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // As UpdateKeyring.
  absl::Status Update(absl::FunctionRef<bool(KeyringRecord&)> change)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<Step> ResealFrom(uint32_t reseal_before, size_t max_values)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Seals them all anew; leaves out what was changed meanwhile.
  absl::Status Reseal(const std::vector<Candidate>& candidates, Step& step)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status FinishPass(uint32_t reseal_before) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Retire() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  SealedEngine& engine_;
  absl::Mutex mutex_;
  // As the store has it, or had it before a commit of which nobody knows what became: what that
  // was to do is done again then. Nothing: it has to be read.
  std::optional<KeyringRecord> keyring_ ABSL_GUARDED_BY(mutex_);
  // Whether a Rotate() that may have changed the keyring was not brought to its end: values that
  // the old key seals may be on their way into the store.
  bool is_rotating_ ABSL_GUARDED_BY(mutex_) = false;
  // Where the present pass over the store is, and whether it left out a value that somebody
  // changed meanwhile.
  std::string next_key_ ABSL_GUARDED_BY(mutex_);
  bool left_out_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace innkeeper::storage

#endif  // INNKEEPER_STORAGE_SEALING_KEY_ROTATION_H_
