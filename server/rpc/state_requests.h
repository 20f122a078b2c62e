// File: server/rpc/state_requests.h
//
// From the requests of RoomState to the commands of its use cases; see requests.h.

#ifndef INNKEEPER_SERVER_RPC_STATE_REQUESTS_H_
#define INNKEEPER_SERVER_RPC_STATE_REQUESTS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "innkeeper/v1/room_state.pb.h"
#include "server/state/room_writer.h"

namespace innkeeper::rpc {

// `principal` is the name of the caller. What is found wrong here is noted in the
// command, to be reported together with what the use case finds.
state::SetStateCommand ToCommand(const v1::SetStateRequest& request, absl::string_view principal);
state::SendEventCommand ToCommand(const v1::SendEventRequest& request, absl::string_view principal);
state::RedactEventCommand ToCommand(const v1::RedactEventRequest& request,
                                    absl::string_view principal);

// INVALID_ARGUMENT with a BadRequest that names every field that was found wrong.
absl::Status CheckRequest(const v1::GetEventRequest& request);
absl::Status CheckRequest(const v1::ListEventsRequest& request);

}  // namespace innkeeper::rpc

#endif  // INNKEEPER_SERVER_RPC_STATE_REQUESTS_H_
