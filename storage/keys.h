// File: storage/keys.h
//
// The layout of the keys under which room_store.h keeps its records.
//
//   room      = 'R' str(room_id)                                       RoomRecord
//   state     = 'S' str(room_id) str(type) str(state_key)              StateRecord
//   history   = 'H' str(room_id) str(type) str(state_key) ~u64(revision)
//                                                                      StateRecord
//   event     = 'E' str(room_id) u64(number)                           EventRecord
//   event id  = 'N' str(room_id) str(event_id)                         EventNumberRecord
//   keys      = 'Y' str(room_id)                                       RoomKeysRecord
//   alias     = 'A' str(alias)                                         AliasRecord
//   room's    = 'B' str(room_id) str(alias)                            (empty)
//   listed    = 'D' ~u64(joined_member_count) str(room_id)             (empty)
//   link      = 'K' str(linked_room_id) str(room_id) str(type) str(state_key)
//                                                                      (empty)
//   pending   = 'V' str(room_id) str(user_id)                          PendingInviteRecord
//   user's    = 'U' str(user_id) str(room_id)                          UserRoomRecord
//   locked    = 'L' str(room_id)                                       (empty)
//   staged    = 'G' str(room_id)                                       StagedRoomRecord
//   request   = 'Q' str(owner) str(request_id)                         RequestRecord
//   expiry    = 'X' u64(expire_time_us) str(owner) str(request_id)     (empty)
//   setting   = 'M' str(name)                                          raw bytes
//   subscription
//             = 'W' str(name)                                          SubscriptionRecord
//   progress  = 'J' str(name)                                          SubscriptionProgressRecord
//   parked    = 'P' str(name) u64(sequence)                            ParkedEventRecord
//
//   str(s)    = the bytes of s, each 0x00 in it followed by 0xFF, then 0x00 0x01
//   u64(n)    = n in 8 bytes, big-endian;  ~u64(n) = u64(2^64 - 1 - n)
//
// str and u64 keep order, and no str is a prefix of another, so that a scan over
// the keys that start with some components finds exactly those that have them.
// `history` holds the entries of a room's state that were superseded, latest
// first, by the room revision that they came with. `listed` has the public rooms,
// `link` the places in rooms' state that name another room. A `staged` room has
// no `room` record yet; whoever meets it in another table passes over it.

#ifndef INNKEEPER_STORAGE_KEYS_H_
#define INNKEEPER_STORAGE_KEYS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"

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
  kLockedRoom = 'L',
  kStagedRoom = 'G',
  kRequest = 'Q',
  kRequestExpiry = 'X',
  kSetting = 'M',
  kSubscription = 'W',
  kSubscriptionProgress = 'J',
  kParkedEvent = 'P',
};

// Builds a key from its components.
class KeyBuilder {
 public:
  explicit KeyBuilder(Table table) : key_(1, static_cast<char>(table)) {}

  KeyBuilder& Str(absl::string_view component);
  KeyBuilder& U64(uint64_t component);
  KeyBuilder& DescendingU64(uint64_t component) { return U64(~component); }

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

 private:
  absl::string_view rest_;
};

// The least key that is greater than every key that starts with `prefix`.
std::string PrefixEnd(absl::string_view prefix);

// The least key that is greater than `key`.
std::string KeyAfter(absl::string_view key);

}  // namespace innkeeper::storage

#endif  // INNKEEPER_STORAGE_KEYS_H_
