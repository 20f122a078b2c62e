#include "server/rpc/state_requests.h"

#include <string>

#include "server/errors/errors.h"
#include "server/rpc/request_checks.h"
#include "server/values/struct_json.h"

namespace innkeeper::rpc {
namespace {

// Fills in what all requests that write have.
template <typename Request>
void FillIn(const Request& request, state::WriteCommand& command) {
  CheckRoomIdField(request.room_id(), command.field_errors);
  command.room_id = request.room_id();
  command.requester = request.requester();
}

// As above, for requests that have a transaction id.
template <typename Request>
void FillInTransaction(const Request& request, absl::string_view principal,
                       state::WriteCommand& command) {
  FillIn(request, command);
  CheckRequestId("transaction_id", request.transaction_id(), command.field_errors);
  command.identity =
      IdentityAmongUsersOf(request, request.transaction_id(), principal, request.requester());
}

}  // namespace

state::SetStateCommand ToCommand(const v1::SetStateRequest& request, absl::string_view principal) {
  state::SetStateCommand command;
  FillIn(request, command);
  CheckRequestId("request_id", request.request_id(), command.field_errors);
  command.identity = IdentityOf(request, request.request_id(), principal);
  command.type = request.type();
  command.state_key = request.state_key();
  command.content = JsonFromStruct(request.content());
  return command;
}

state::SendEventCommand ToCommand(const v1::SendEventRequest& request,
                                  absl::string_view principal) {
  state::SendEventCommand command;
  FillInTransaction(request, principal, command);
  command.type = request.type();
  command.content = JsonFromStruct(request.content());
  return command;
}

state::RedactEventCommand ToCommand(const v1::RedactEventRequest& request,
                                    absl::string_view principal) {
  state::RedactEventCommand command;
  FillInTransaction(request, principal, command);
  command.event_id = request.event_id();
  command.reason = request.reason();
  return command;
}

absl::Status CheckRequest(const v1::GetEventRequest& request) {
  FieldErrors errors;
  CheckRoomIdField(request.room_id(), errors);
  CheckRequesterField(request.requester(), errors);
  if (request.event_id().empty()) errors.Add("event_id", "must be given");
  return errors.ToStatus();
}

absl::Status CheckRequest(const v1::ListEventsRequest& request) {
  FieldErrors errors;
  CheckRoomIdField(request.room_id(), errors);
  CheckRequesterField(request.requester(), errors);
  if (!v1::TimelineDirection_IsValid(request.direction())) {
    errors.Add("direction",
               "must be TIMELINE_DIRECTION_BACKWARD or TIMELINE_DIRECTION_FORWARD, or left out");
  }
  CheckPageSize(request.page_size(), errors);
  return errors.ToStatus();
}

}  // namespace innkeeper::rpc
