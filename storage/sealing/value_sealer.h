// File: storage/sealing/value_sealer.h
//
// Seals values with the data keys of a keyring. What is sealed looks like this:
//
//   version     1 byte: 1, or 2 for what is of a room that has a secret
//   key id      4 bytes    of the data key, big-endian
//   counter     8 bytes    how many values the key had sealed before, big-endian
//   secret id   8 bytes    of the room's secret, big-endian; only in version 2
//   text        AES-256-GCM of the value, whose nonce is the counter behind four zeros. The
//               key is the data key, or in version 2 HMAC-SHA-256(data key, room's secret)
//   tag         16 bytes
//
// All of it is authenticated, and the place at which it stands as well: moved elsewhere
// it does not open. An older value of the same place does; see docs/security.md.

#ifndef INNKEEPER_STORAGE_SEALING_VALUE_SEALER_H_
#define INNKEEPER_STORAGE_SEALING_VALUE_SEALER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "storage/sealing/aead.h"
#include "storage/sealing/hmac.h"
#include "storage/sealing/keyring.h"
#include "storage/sealing/recent_map.h"
#include "storage/sealing/room_secrets.h"
#include "storage/sealing/secret.h"

namespace innkeeper::storage {

// By how much a value grows when it is sealed, without and with a room's secret.
inline constexpr size_t kSealBytes = 1 + 4 + 8 + Aead::kTagBytes;
inline constexpr size_t kRoomSealBytes = kSealBytes + 8;

// Returns the id of the data key that `sealed` says it was sealed with; nothing if it does
// not look sealed.
std::optional<uint32_t> SealingKeyId(absl::string_view sealed);

// Returns the id of the room's secret that it also takes to open `sealed`; nothing if it takes
// none.
std::optional<uint64_t> SealingSecretId(absl::string_view sealed);

// Thread-safe.
class ValueSealer {
 public:
  // Opens with all of `keys`, seals with the last. Nobody else may seal with that one.
  explicit ValueSealer(const std::vector<Keyring::DataKey>& keys);

  // Returns `value`, sealed for `place`, with a room's secret unless `secret` is null.
  std::string Seal(absl::string_view place, absl::string_view value,
                   const RoomSecret* secret = nullptr) const;

  // Puts into `value` what Seal() made `sealed` of, for the same place. `secret` is the one that
  // SealingSecretId() names. Errors: DATA_LOSS, with a phrase that says why it does not open;
  // `value` is empty then.
  absl::Status Open(absl::string_view place, absl::string_view sealed, std::string& value,
                    const RoomSecret* secret = nullptr) const;

  // Opens with `key`, too, and seals with it from now on.
  void Add(const Keyring::DataKey& key);

  // Forgets what was made of rooms' secrets.
  void ForgetRooms() {
    room_keys_.Clear();
    room_aead_.Forget();
  }

 private:
  struct DataKey {
    explicit DataKey(const Keyring::DataKey& from)
        : id(from.id), aead(from.key), hmac(from.key.Expose()) {}

    const uint32_t id;
    const Aead aead;
    const HmacSha256 hmac;  // makes keys of rooms' secrets
    std::atomic<uint64_t> sealed = 0;
  };

  // Of a data key and a room's secret.
  using RoomKeyName = std::pair<uint32_t, uint64_t>;
  using RoomKey = std::shared_ptr<const Secret>;

  // As Open(), but may leave anything in `value` if it fails.
  absl::Status OpenInto(absl::string_view place, absl::string_view sealed, std::string& value,
                        const RoomSecret* secret) const;
  RoomKey KeyOf(const DataKey& key, const RoomSecret& secret) const;

  mutable absl::Mutex mutex_;
  absl::flat_hash_map<uint32_t, std::unique_ptr<DataKey>> keys_ ABSL_GUARDED_BY(mutex_);
  DataKey* current_ ABSL_GUARDED_BY(mutex_) = nullptr;

  const ManyKeyAead room_aead_;
  mutable RecentMap<RoomKeyName, RoomKey> room_keys_;
};

}  // namespace innkeeper::storage

#endif  // INNKEEPER_STORAGE_SEALING_VALUE_SEALER_H_
