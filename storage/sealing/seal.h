// File: storage/sealing/seal.h
//
// How a store is sealed: what becomes of its keys, values and log entries.

#ifndef INNKEEPER_STORAGE_SEALING_SEAL_H_
#define INNKEEPER_STORAGE_SEALING_SEAL_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/engine.h"
#include "storage/sealing/keyring.h"
#include "storage/sealing/name_cipher.h"
#include "storage/sealing/value_sealer.h"

namespace innkeeper::storage {

// Thread-safe.
class Seal final : public LogSealer {
 public:
  explicit Seal(const Keyring& keyring) : names_(keyring.name_key), values_(keyring.data_keys) {}

  // For keys and the bounds of scans.
  const NameCipher& names() const { return names_; }

  // Values, sealed for the keys that they stand under, as these are stored. An empty value
  // stays empty.
  std::string SealValue(absl::string_view sealed_key, absl::string_view value) const;
  absl::Status OpenValue(absl::string_view sealed_key, absl::string_view sealed,
                         std::string& value) const;

  // Opens what was read under `sealed_key`.
  absl::StatusOr<std::optional<Versioned>> Open(absl::string_view sealed_key,
                                                std::optional<Versioned> sealed) const;

  // Log entries, sealed for their positions.
  std::string SealEntry(LogPosition position, absl::string_view payload) const override;
  std::string SealAuditEntry(absl::string_view key, absl::string_view value) const override {
    return SealValue(key, value);
  }
  absl::Status OpenEntry(LogPosition position, absl::string_view sealed,
                         std::string& payload) const;

  // Which data keys there are: as of ValueSealer.
  void AddDataKey(const Keyring::DataKey& key) { values_.Add(key); }
  void RemoveDataKey(uint32_t id) { values_.Remove(id); }

 private:
  const NameCipher names_;
  ValueSealer values_;
};

}  // namespace innkeeper::storage

#endif  // INNKEEPER_STORAGE_SEALING_SEAL_H_
