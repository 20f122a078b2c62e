// File: storage/sealing/seal.h
//
// How a store is sealed: what becomes of its keys, values and log entries.

#ifndef INNKEEPER_STORAGE_SEALING_SEAL_H_
#define INNKEEPER_STORAGE_SEALING_SEAL_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/engine.h"
#include "storage/sealing/keyring.h"
#include "storage/sealing/name_cipher.h"
#include "storage/sealing/room_secrets.h"
#include "storage/sealing/value_sealer.h"

namespace innkeeper::storage {

// Thread-safe.
class Seal final : public LogSealer {
 public:
  // `secrets` may be null: then no room has one. Must outlive this.
  Seal(const Keyring& keyring, const RoomSecrets* secrets)
      : names_(keyring.name_key), values_(keyring.data_keys), secrets_(secrets) {}

  // For keys and the bounds of scans.
  const NameCipher& names() const { return names_; }

  // Whether a value is stored as it is: one that is empty, and may be by its key (MayBeEmpty() of
  // keys.h). Of others an empty one, too, is sealed, so that nobody can empty them unnoticed.
  static bool StaysEmpty(absl::string_view sealed_key, absl::string_view value);

  // Seals values for the keys that they stand under, as these are stored, and with a room's
  // secret unless `secret` is null.
  std::string SealValue(absl::string_view sealed_key, absl::string_view value,
                        const RoomSecret* secret = nullptr) const;

  // Opens a value, or returns false if it was sealed with a secret that was destroyed. Blocks as
  // `tier` says. Errors: those of RoomSecrets::Find, and DATA_LOSS.
  absl::StatusOr<bool> OpenValue(absl::string_view sealed_key, absl::string_view sealed,
                                 ReadTier tier, std::string& value) const;

  // Seals a value anew, with the same room's secret as before; nothing if that was destroyed.
  // Blocks. Errors as of OpenValue.
  absl::StatusOr<std::optional<std::string>> Reseal(absl::string_view sealed_key,
                                                    absl::string_view sealed) const;

  // Opens what was read under `sealed_key`: nothing if it can't be opened any more.
  absl::StatusOr<std::optional<Versioned>> Open(absl::string_view sealed_key,
                                                std::optional<Versioned> sealed,
                                                ReadTier tier) const;

  // Log entries are sealed for the position of the last, or were, one by one, for their own.
  std::string SealEntries(LogPosition last, absl::string_view entries) const override;
  absl::Status OpenEntries(LogPosition last, absl::string_view sealed,
                           std::string& entries) const override;
  absl::Status OpenEntry(LogPosition position, absl::string_view sealed,
                         std::string& payload) const override;
  std::string SealAuditEntry(absl::string_view key, absl::string_view value) const override {
    return SealValue(key, value);
  }

  // As of ValueSealer.
  void AddDataKey(const Keyring::DataKey& key) { values_.Add(key); }
  void ForgetRooms() { values_.ForgetRooms(); }

 private:
  // The secret that it takes to open `sealed`: null if none, nothing if it was destroyed.
  absl::StatusOr<std::optional<RoomSecretPtr>> SecretFor(absl::string_view sealed,
                                                         ReadTier tier) const;
  absl::Status OpenWith(const RoomSecret* secret, absl::string_view sealed_key,
                        absl::string_view sealed, std::string& value) const;

  const NameCipher names_;
  ValueSealer values_;
  const RoomSecrets* const secrets_;
};

}  // namespace innkeeper::storage

#endif  // INNKEEPER_STORAGE_SEALING_SEAL_H_
