// File: server/rpc/requests.h
//
// From the API's requests to the commands of the use cases: checks what the use
// cases don't, and fills in defaults. Pure functions.

#ifndef INNKEEPER_SERVER_RPC_REQUESTS_H_
#define INNKEEPER_SERVER_RPC_REQUESTS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "innkeeper/v1/room_lifecycle.pb.h"
#include "server/lifecycle/create_room.h"
#include "server/lifecycle/upgrade_room.h"

namespace innkeeper::rpc {

// All errors are INVALID_ARGUMENT with a BadRequest that names every field that
// was found wrong.

// `principal` is the name of the caller; `default_version` the room version of
// rooms that name none. What is wrong with the room itself is found by
// RoomCreator; errors that must be reported together with those are in the
// command.
absl::StatusOr<lifecycle::CreateRoomCommand> ToCommand(const v1::CreateRoomRequest& request,
                                                       absl::string_view principal,
                                                       absl::string_view default_version);

absl::StatusOr<lifecycle::UpgradeRoomCommand> ToCommand(const v1::UpgradeRoomRequest& request,
                                                        absl::string_view principal);

absl::Status CheckRequest(const v1::GetRoomRequest& request);
absl::Status CheckRequest(const v1::GetRoomStateRequest& request);
absl::Status CheckRequest(const v1::ListRoomsRequest& request);

}  // namespace innkeeper::rpc

#endif  // INNKEEPER_SERVER_RPC_REQUESTS_H_
