#include "server/lifecycle/delete_room.h"

#include <utility>

#include "absl/status/status.h"
#include "server/events/event_codec.h"
#include "server/lifecycle/room_errors.h"
#include "server/lifecycle/room_records.h"
#include "storage/records.pb.h"

namespace innkeeper::lifecycle {
namespace {

using storage::RoomCommit;
using storage::RoomReader;
using storage::RoomRecord;

bool IsUpgrading(const RoomRecord& room) {
  return room.status() == storage::ROOM_STATUS_RECORD_UPGRADING;
}

// Frees the room's aliases. That of each stands under the room's head.
absl::Status StageAliases(RoomCommit& commit, const RoomReader& reader,
                          const std::string& room_id) {
  auto aliases = reader.ListAliases(room_id);
  if (!aliases.ok()) return aliases.status();
  for (const std::string& alias : *aliases) {
    auto stored = reader.GetAlias(alias);
    if (!stored.ok()) return stored.status();
    if (!stored->has_value()) return absl::DataLossError("the index of aliases is damaged");
    commit.DeleteAlias(alias, room_id, (*stored)->revision);
  }
  return absl::OkStatus();
}

absl::StatusOr<Outcome<v1::DeleteRoomResponse>> Try(const DeleteRoomCommand& command,
                                                    const RoomReader& reader) {
  auto stored = reader.GetRoom(command.room_id);
  if (!stored.ok()) return stored.status();
  if (!stored->has_value() || !command.may_know_of.Includes((*stored)->record.audience())) {
    return RoomNotFound(command.room_id);
  }
  const RoomRecord& room = (*stored)->record;
  if (IsUpgrading(room)) return UpgradeInProgress();

  Outcome<v1::DeleteRoomResponse> outcome;
  RoomCommit& commit = outcome.commit.emplace();
  commit.UseReserve();
  commit.DeleteRoom(room, (*stored)->revision);
  absl::Status staged = StageAliases(commit, reader, command.room_id);
  if (!staged.ok()) return staged;
  v1::RoomDeleted deleted;
  deleted.set_room_id(command.room_id);
  commit.AppendLog(EncodeEvent(deleted, LabelsOf(room)));
  *outcome.response.mutable_room() = ToProto(room);
  return outcome;
}

}  // namespace

Write<v1::DeleteRoomResponse> RoomDeleter::Delete(DeleteRoomCommand command) const {
  Write<v1::DeleteRoomResponse> write;
  write.identity = command.identity;
  // In its turn behind an upgrade it would delete what the upgrade has left.
  if (!IsUpgrading(command.room_id)) write.room_id = command.room_id;
  write.attempt = [command = std::move(command)](const RoomReader& reader) {
    return Try(command, reader);
  };
  return write;
}

bool RoomDeleter::IsUpgrading(const std::string& room_id) const {
  const auto room = RoomReader(engine_).GetRoom(room_id);
  return room.ok() && room->has_value() && lifecycle::IsUpgrading((*room)->record);
}

}  // namespace innkeeper::lifecycle
