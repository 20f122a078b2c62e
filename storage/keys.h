// File: storage/keys.h
//
// The layout of the keys under which room_store.h keeps its records.
//
//   room      = 'R' str(room_id)                                       RoomRecord
//   state     = 'S' str(room_id) str(type) priv(state_key)             StateRecord
//   history   = 'H' str(room_id) str(type) priv(state_key) ~u64(revision)
//                                                                      StateRecord
//   events    = 'E' str(room_id) u64(number_of_last)                   EventsRecord
//   event id  = 'N' str(room_id) str(event_id) u64(number)             (empty)
//   keys      = 'Y' str(room_id)                                       RoomKeysRecord
//   alias     = 'A' priv(alias)                                        AliasRecord
//   room's    = 'B' str(room_id) priv(alias)                           (empty)
//   listed    = 'D' ~u64(joined_member_count) str(room_id)             (empty)
//   link      = 'K' str(linked_room_id) str(room_id) str(type) priv(state_key)
//                                                                      (empty)
//   pending   = 'V' str(room_id) priv(user_id)                         PendingInviteRecord
//   user's    = 'U' priv(user_id) str(room_id)                         UserRoomRecord
//   created   = 'C' priv(creator) str(room_id)                         (empty)
//   locked    = 'L' str(room_id)                                       (empty)
//   staged    = 'G' str(room_id)                                       StagedRoomRecord
//   request   = 'Q' priv(owner) priv(request_id)                       RequestRecord
//   expiry    = 'X' u64(expire_time_us) priv(owner) priv(request_id)   (empty)
//   setting   = 'M' str(name)                                          raw bytes
//   subscription
//             = 'W' priv(name)                                         SubscriptionRecord
//   progress  = 'J' priv(name)                                         SubscriptionProgressRecord
//   parked    = 'P' priv(name) u64(sequence)                           ParkedEventRecord
//   approval  = 'F' str(approval_id)                                   ApprovalRecord
//   audit     = 'O' u64(number)                                        audit_chain.h
//   room key  = 'I' str(room_id) u64(secret_id)                        (empty)
//   secret    = 'T' u64(secret_id)                                     RoomSecretRecord
//   keyring   = 'Z'                                                    sealing/keyring.h
//
//   str(s)    = the bytes of s, each 0x00 in it followed by 0xFF, then 0x00 0x01
//   priv(s)   = str(s), of what people chose: a sealed store hides it
//   u64(n)    = n in 8 bytes, big-endian;  ~u64(n) = u64(2^64 - 1 - n)
//
// str and u64 keep order, and no str is a prefix of another, so that a scan over
// the keys that start with some components finds exactly those that have them. A
// sealed store has something else in place of private components
// (sealing/name_cipher.h), and scans them in the order of that.
// `events` holds events of a room that came together, some KiB of them. `event id` says where
// those are that are not in the first such record of their room. Stores also have what was
// written before: an EventRecord for each event, and an EventNumberRecord under each event's id
// in place of the number in the key.
// `history` holds the entries of a room's state that were superseded, latest
// first, by the room revision that they came with. `listed` has the public rooms,
// `link` the places in rooms' state that name another room. A `staged` room has
// no `room` record yet, or was deleted and has none any more; whoever meets it in another
// table passes over it. `secret` is in a store of its own (sealing/room_secrets.h), and a
// `room key` in there is of a secret that was destroyed.

#ifndef INNKEEPER_STORAGE_KEYS_H_
#define INNKEEPER_STORAGE_KEYS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace innkeeper::storage {

// The first byte of a key.
enum class Table : char {
  kRoom = 'R',
  kState = 'S',
  kStateHistory = 'H',
  kEvent = 'E',
  kEventId = 'N',
  kRoomKeys = 'Y',
  kAlias = 'A',
  kRoomAlias = 'B',
  kListedRoom = 'D',
  kLink = 'K',
  kPendingInvite = 'V',
  kUserRoom = 'U',
  kCreatedRoom = 'C',
  kLockedRoom = 'L',
  kStagedRoom = 'G',
  kRequest = 'Q',
  kRequestExpiry = 'X',
  kSetting = 'M',
  kSubscription = 'W',
  kSubscriptionProgress = 'J',
  kParkedEvent = 'P',
  kApproval = 'F',
  kAuditEntry = 'O',
  kRoomKey = 'I',
  kRoomSecret = 'T',
  kKeyring = 'Z',
};

// What a component of a key is: str, priv or u64 (and ~u64) of the grammar.
enum class Component { kText, kPrivate, kNumber };

// Returns the components of the keys of `table`, in order; none if there is no such table.
absl::Span<const Component> ComponentsOf(Table table);

// Whether any of them is private.
bool HasPrivateComponents(Table table);

// Whether values of `table` may be empty, because the keys say it all.
bool MayBeEmpty(Table table);

// Returns the room that the record under `key` says something of, other than to others of its
// kind, as Raw() of its first component gives it; nothing for records that are about none or
// that say nothing. Private components may be hidden.
std::optional<absl::string_view> RoomOf(absl::string_view key);

// Returns the room that the record under `key` is one of, and without which it means nothing, as
// Raw() of its component gives it; nothing for records of no room, also if they name one.
// Private components may be hidden.
std::optional<absl::string_view> OwnerOf(absl::string_view key);

// Returns a key as it may be shown in logs and errors: without its private components.
std::string DescribeKey(absl::string_view key);

// Builds a key from its components.
class KeyBuilder {
 public:
  explicit KeyBuilder(Table table) : key_(1, static_cast<char>(table)) {}

  KeyBuilder& Str(absl::string_view component);
  KeyBuilder& U64(uint64_t component);
  KeyBuilder& DescendingU64(uint64_t component) { return U64(~component); }

  // Adds components as KeyReader::Raw() gives them.
  KeyBuilder& Raw(absl::string_view components) {
    key_.append(components.data(), components.size());
    return *this;
  }

  // Returns the key; ends the building.
  std::string Build() { return std::move(key_); }

 private:
  std::string key_;
};

// Takes a key apart again.
class KeyReader {
 public:
  // `key` must outlive the reader.
  explicit KeyReader(absl::string_view key) : rest_(key.substr(1)) {}

  // The next component, or nothing if the key has no such component there.
  std::optional<std::string> Str();
  std::optional<uint64_t> U64();

  // The next component, which is a number or not, as it stands in the key.
  std::optional<absl::string_view> Raw(bool is_number);

  // What is behind the components that were taken.
  absl::string_view rest() const { return rest_; }

 private:
  absl::string_view rest_;
};

// The least key that is greater than every key that starts with `prefix`.
std::string PrefixEnd(absl::string_view prefix);

// The least key that is greater than `key`.
std::string KeyAfter(absl::string_view key);

}  // namespace innkeeper::storage

#endif  // INNKEEPER_STORAGE_KEYS_H_
