// File: server/state/room_writer.h
//
// The writing use cases of RoomState: SetState, SendEvent, RedactEvent.

#ifndef INNKEEPER_SERVER_STATE_ROOM_WRITER_H_
#define INNKEEPER_SERVER_STATE_ROOM_WRITER_H_

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "innkeeper/v1/room_state.pb.h"
#include "server/errors/errors.h"
#include "server/lifecycle/request_log.h"
#include "server/lifecycle/room_edit.h"
#include "server/lifecycle/transaction.h"
#include "server/rooms/json.h"
#include "storage/room_store.h"

namespace innkeeper::state {

// What the commands have in common.
struct WriteCommand {
  std::string room_id;
  std::string requester;
  // What was found wrong with the request already; it is refused with that and with
  // whatever else is wrong with it.
  FieldErrors field_errors;
  lifecycle::RequestIdentity identity;
};

struct SetStateCommand : WriteCommand {
  std::string type;
  std::string state_key;
  rooms::Json content = rooms::Json::object();
};

struct SendEventCommand : WriteCommand {
  std::string type;
  rooms::Json content = rooms::Json::object();
};

struct RedactEventCommand : WriteCommand {
  std::string event_id;
  std::string reason;
};

// Writes events into rooms. Whoever calls has seen to it that the caller may act for
// the command's `requester`. Thread-safe.
class RoomWriter {
 public:
  // What `context` refers to must outlive the writer.
  explicit RoomWriter(lifecycle::EditContext context) : context_(std::move(context)) {}

  // The writes, to be run by a Transactor; the writer must outlive them. Errors as
  // documented for the RPCs, and those without a reason that are internal.
  lifecycle::Write<v1::SetStateResponse> SetState(SetStateCommand command) const;
  lifecycle::Write<v1::SendEventResponse> SendEvent(SendEventCommand command) const;
  lifecycle::Write<v1::RedactEventResponse> RedactEvent(RedactEventCommand command) const;

 private:
  absl::StatusOr<lifecycle::Outcome<v1::SetStateResponse>> Try(
      const SetStateCommand& command, const storage::RoomReader& reader) const;
  absl::StatusOr<lifecycle::Outcome<v1::SendEventResponse>> Try(
      const SendEventCommand& command, const storage::RoomReader& reader) const;
  absl::StatusOr<lifecycle::Outcome<v1::RedactEventResponse>> Try(
      const RedactEventCommand& command, const storage::RoomReader& reader) const;

  // Begins to write to the room of a command in which nothing was found wrong.
  absl::StatusOr<lifecycle::RoomEdit> Begin(const WriteCommand& command,
                                            const storage::RoomReader& reader) const;

  // Notes what is wrong with the command's requester.
  void CheckRequester(WriteCommand& command) const;

  const lifecycle::EditContext context_;
};

}  // namespace innkeeper::state

#endif  // INNKEEPER_SERVER_STATE_ROOM_WRITER_H_
