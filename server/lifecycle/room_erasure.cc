#include "server/lifecycle/room_erasure.h"

#include <cstdint>
#include <limits>

#include "server/lifecycle/room_errors.h"
#include "server/lifecycle/room_records.h"
#include "server/rooms/named_rooms.h"

namespace innkeeper::lifecycle {
namespace {

using storage::RoomCommit;
using storage::RoomReader;

// How many entries of the state, or other records, one commit removes.
constexpr int kErasedAtOnce = 500;

// Erases an entry of the state, and what leads to it from elsewhere.
absl::Status StageErasure(RoomCommit& commit, const std::string& room_id,
                          const storage::StatePosition& position,
                          const storage::StateRecord& state) {
  commit.EraseState(room_id, position);
  if (position.type == "m.room.member") {
    commit.SetUserRoom(position.state_key, room_id, "");
    return absl::OkStatus();
  }
  absl::StatusOr<rooms::StateEntry> entry = ToStateEntry(state);
  if (!entry.ok()) return entry.status();
  for (const std::string& linked :
       rooms::RoomsNamedIn(position.type, position.state_key, entry->content)) {
    commit.SetLink(linked, room_id, position, false);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<bool> RoomErasure::EraseSome() {
  RoomCommit commit;
  bool is_last = false;
  {
    const RoomReader reader(engine_);
    absl::Status staged = StageState(reader, commit);
    if (staged.ok() && commit.empty()) staged = StageRemains(reader, commit);
    is_last = staged.ok() && commit.empty();
    if (is_last) staged = StageEnd(reader, commit);
    if (!staged.ok()) return staged;
  }
  if (note_revision_ != 0) commit.RequireStaging(room_id_, note_revision_);
  const storage::CommitResult result = CommitAndWait(engine_, commit.Take());
  if (!result.status.ok()) return CommitError(result);
  return is_last;
}

absl::Status RoomErasure::StageState(const RoomReader& reader, RoomCommit& commit) {
  int erased = 0;
  absl::Status status;
  absl::Status scanned = reader.ScanState(
      {.room_id = room_id_, .revision = std::numeric_limits<int64_t>::max(), .after = last_entry_},
      [&](storage::StatePosition position, const storage::StateRecord& state) {
        status = StageErasure(commit, room_id_, position, state);
        last_entry_ = std::move(position);
        return status.ok() && ++erased < kErasedAtOnce;
      });
  return scanned.ok() ? status : scanned;
}

absl::Status RoomErasure::StageRemains(const RoomReader& reader, RoomCommit& commit) {
  int erased = 0;
  return reader.ScanRemains(room_id_, std::string(last_key_), [&](absl::string_view key) {
    commit.EraseRemains(key);
    last_key_ = std::string(key);
    return ++erased < kErasedAtOnce;
  });
}

absl::Status RoomErasure::StageEnd(const RoomReader& reader, RoomCommit& commit) {
  const auto note = reader.GetStagedRoom(room_id_);
  if (!note.ok()) return note.status();
  // The secrets of a room that has come again meanwhile stay.
  if (note_revision_ != 0 && (!note->has_value() || (*note)->revision != note_revision_)) {
    return absl::AbortedError("somebody else has removed the room");
  }
  const auto secrets = reader.ListRoomSecrets(room_id_);
  if (!secrets.ok()) return secrets.status();
  absl::Status destroyed = engine_.DestroyRoomSecrets(room_id_, *secrets);
  if (!destroyed.ok()) return destroyed;
  for (const uint64_t id : *secrets) commit.ForgetRoomSecret(room_id_, id);
  commit.EndStaging(room_id_);
  return absl::OkStatus();
}

}  // namespace innkeeper::lifecycle
