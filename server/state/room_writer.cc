#include "server/state/room_writer.h"

#include "absl/strings/str_cat.h"
#include "server/rooms/identifiers.h"
#include "server/state/writable_room.h"

namespace innkeeper::state {

void RoomWriter::CheckRequester(WriteCommand& command) const {
  const absl::Status status = rooms::CheckUserId(command.requester);
  command.field_errors.AddStatus("requester", status);
  if (status.ok() && !rooms::IsLocal(command.requester, context_.server_name)) {
    command.field_errors.Add("requester",
                             absl::StrCat("must be a user of this server, ", context_.server_name));
  }
}

absl::StatusOr<lifecycle::RoomEdit> RoomWriter::Begin(const WriteCommand& command,
                                                      const storage::RoomReader& reader) const {
  absl::Status valid = command.field_errors.ToStatus();
  if (!valid.ok()) return valid;
  auto room = ReadWritableRoom(reader, command.room_id, command.requester);
  if (!room.ok()) return room.status();
  return lifecycle::RoomEdit(reader, *std::move(room), context_);
}

}  // namespace innkeeper::state
