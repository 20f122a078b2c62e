// File: storage/audit_chain.h
//
// The audit log as a store keeps it: entries in a chain of hashes, of which none can be
// changed, taken out, put in between or moved without all behind it being made anew.
//
// An entry is a payload, which the engine does not look at. The engine numbers entries
// 1, 2, 3 ... in the order of their commits and keeps each, in its commit, as the value
//
//   value(n) = hash(n - 1)     32 bytes; zeros for the first
//              commit time     microseconds since the Unix epoch, in two's complement
//              payload
//
// under the key `audit` u64(n) of keys.h, where
//
//   hash(n)  = SHA-256("innkeeper audit entry" n value(n))
//
// Numbers and times are 8 bytes, big-endian. A sealed store seals value(n); what is hashed is
// the text. hash(n) stands in the next entry, and that of the latest entry in the clear
// with its number: the head, by which the loss of the last entries is noticed. So nobody
// must be able to guess a payload, or its hash would tell whether the guess is right.
//
// Old entries may be deleted, oldest first. The chain then starts with an entry whose
// predecessor is known by its hash alone.

#ifndef INNKEEPER_STORAGE_AUDIT_CHAIN_H_
#define INNKEEPER_STORAGE_AUDIT_CHAIN_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace innkeeper::storage {

// A SHA-256; zeros stand for "of no entry".
inline constexpr size_t kAuditHashBytes = 32;
using AuditHash = std::array<char, kAuditHashBytes>;
inline constexpr AuditHash kNoAuditHash = {};

inline absl::string_view BytesOf(const AuditHash& hash) { return {hash.data(), hash.size()}; }

// Returns the hash that `bytes` are, or nothing if they are more or fewer.
std::optional<AuditHash> ParseAuditHash(absl::string_view bytes);

// The latest entry of an audit log, by its number and hash; 0 and zeros if there was none yet.
struct AuditHead {
  uint64_t number = 0;
  AuditHash hash = {};

  bool operator==(const AuditHead&) const = default;
};

// The parts of an entry's value. The payload is a view of it.
struct AuditValue {
  AuditHash previous_hash = {};
  absl::Time commit_time;
  absl::string_view payload;
};

// The key of the entry `number`; and the number of the entry that has `key`, nothing if it
// is no entry's.
std::string AuditKey(uint64_t number);
std::optional<uint64_t> ParseAuditKey(absl::string_view key);

// Returns the value of the entry behind the one whose hash is `previous_hash`.
std::string EncodeAuditValue(const AuditHash& previous_hash, absl::Time commit_time,
                             absl::string_view payload);

// Returns the parts of `value`, or nothing if it is too short to be one.
std::optional<AuditValue> ParseAuditValue(absl::string_view value);

// Returns the hash of the entry `number`.
AuditHash HashAuditEntry(uint64_t number, absl::string_view value);

}  // namespace innkeeper::storage

#endif  // INNKEEPER_STORAGE_AUDIT_CHAIN_H_
