// File: storage/sealing/master_key.h
//
// The keys at the top: kept outside the store, and used only to wrap the store's own.

#ifndef INNKEEPER_STORAGE_SEALING_MASTER_KEY_H_
#define INNKEEPER_STORAGE_SEALING_MASTER_KEY_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/sealing/aead.h"
#include "storage/sealing/secret.h"

namespace innkeeper::storage {

// A key that wraps keys. Thread-safe, but for moves.
class MasterKey {
 public:
  // `key` has Aead::kKeyBytes bytes.
  explicit MasterKey(const Secret& key);

  // Tells master keys apart and gives nothing away: the start of a hash of the key, in
  // hexadecimal.
  const std::string& id() const { return id_; }

  // Returns `secret`, wrapped; opens with the same `purpose` only.
  std::string Wrap(absl::string_view purpose, const Secret& secret) const;

  // Returns what Wrap() made `wrapped` of; nothing if it was damaged, or made with another
  // key or purpose.
  std::optional<Secret> Unwrap(absl::string_view purpose, absl::string_view wrapped) const;

 private:
  std::unique_ptr<Aead> aead_;
  std::string id_;
};

// The master keys that there are, at least one. The first wraps what is new; the others
// only unwrap.
using MasterKeys = std::vector<MasterKey>;

// Reads master keys from the text of a file: a line each, 32 random bytes in base64, as of
// `openssl rand -base64 32`; empty lines and those that start with '#' don't count. Errors:
// INVALID_ARGUMENT, with a phrase that names the line, and never quotes it.
absl::StatusOr<MasterKeys> ParseMasterKeys(absl::string_view text);

// Returns the text of a file with a new master key.
std::string NewMasterKeyText();

}  // namespace innkeeper::storage

#endif  // INNKEEPER_STORAGE_SEALING_MASTER_KEY_H_
