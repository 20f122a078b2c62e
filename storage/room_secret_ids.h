// File: storage/room_secret_ids.h
//
// Which secrets a room has: its records `room key` of keys.h.

#ifndef INNKEEPER_STORAGE_ROOM_SECRET_IDS_H_
#define INNKEEPER_STORAGE_ROOM_SECRET_IDS_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/engine.h"

namespace innkeeper::storage {

// Returns the ids of the secrets of a room, in order; of none if it has none. `prefix` is what the
// keys of its records `room key` start with, their ids aside. Blocks as the snapshot does. Errors:
// those of Snapshot, and DATA_LOSS if such a key is damaged.
absl::StatusOr<std::vector<uint64_t>> ReadRoomSecretIds(const Snapshot& snapshot,
                                                        absl::string_view prefix);

}  // namespace innkeeper::storage

#endif  // INNKEEPER_STORAGE_ROOM_SECRET_IDS_H_
