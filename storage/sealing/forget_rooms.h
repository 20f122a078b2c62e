// File: storage/sealing/forget_rooms.h
//
// A store that was put back to an earlier state may have rooms again that were deleted since.
// Their secrets stay destroyed, so nobody can read them; but lists and aliases name them.

#ifndef INNKEEPER_STORAGE_SEALING_FORGET_ROOMS_H_
#define INNKEEPER_STORAGE_SEALING_FORGET_ROOMS_H_

#include <cstddef>

#include "absl/status/statusor.h"
#include "storage/sealing/sealed_engine.h"

namespace innkeeper::storage {

// Removes all that the store has of rooms whose secrets were destroyed, other than in its log,
// and returns how many rooms that were. Goes through the whole store if there is one.
// To be called when a store was opened, before it is used. Blocks. Errors: those of Engine.
absl::StatusOr<size_t> ForgetDestroyedRooms(SealedEngine& engine);

}  // namespace innkeeper::storage

#endif  // INNKEEPER_STORAGE_SEALING_FORGET_ROOMS_H_
