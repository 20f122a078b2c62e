// File: storage/sealing/keyring.h
//
// The keyring: a record in the store with the keys that the rest of it is sealed with,
// each wrapped by a master key.
//
//   master key     outside the store, in a file or with a KMS; wraps the others
//   name key       hides the names in keys (name_cipher.h); one for the store's life
//   data keys      seal values and log entries (value_sealer.h). Every process that opens the
//                  store makes one of its own, and seals with no other: a nonce is a
//                  counter, and no two processes may count for one key

#ifndef INNKEEPER_STORAGE_SEALING_KEYRING_H_
#define INNKEEPER_STORAGE_SEALING_KEYRING_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "storage/engine.h"
#include "storage/sealing/keyring.pb.h"
#include "storage/sealing/master_key.h"
#include "storage/sealing/secret.h"

namespace innkeeper::storage {

// A keyring with its keys unwrapped.
struct Keyring {
  struct DataKey {
    uint32_t id = 0;
    Secret key;
  };

  Secret name_key;
  std::vector<DataKey> data_keys;  // in the order of their ids; at least one
  std::string master_key_id;       // of the one that wraps them
};

// The key of the keyring record.
std::string KeyringKey();

// Returns the keyring record of a store, or nothing if the store is not sealed. Blocks. Errors:
// those of Engine::Get, and DATA_LOSS if the record is damaged.
absl::StatusOr<std::optional<KeyringRecord>> ReadKeyring(const Engine& engine);

// Opens the keyring of a store, and adds to it a data key that this process may seal with:
// the last one. If another than the first of `master_keys` wrapped the keyring, that wraps it from
// now on, and all values are to be sealed anew, as they are when there are many data keys. A store
// with nothing in it gets a keyring. Blocks. `engine` is the one without a seal. Errors: those of
// Engine::Get and Commit, and
//   FAILED_PRECONDITION  a master key is missing: the message names it. Or the store holds
//                        data and no keyring;
//   DATA_LOSS            the keyring is damaged.
absl::StatusOr<Keyring> OpenKeyring(Engine& engine, const MasterKeys& master_keys, absl::Time now);

// Notes where the log entries of data keys end that seal no more: all but the last. Blocks.
// Nothing that is sealed with them may be on its way into the store. Errors as of OpenKeyring.
absl::Status CloseDataKeys(Engine& engine);

// Lets `change` change the keyring record, which is there, until nobody else changed it
// meanwhile; `change` returns false if there is nothing to write. Blocks. Errors as of OpenKeyring.
absl::Status UpdateKeyring(Engine& engine, absl::FunctionRef<bool(KeyringRecord&)> change);

}  // namespace innkeeper::storage

#endif  // INNKEEPER_STORAGE_SEALING_KEYRING_H_
