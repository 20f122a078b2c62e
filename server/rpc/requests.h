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
#include "server/auth/principal.h"
#include "server/lifecycle/create_room.h"
#include "server/lifecycle/delete_room.h"
#include "server/lifecycle/link_upgrade.h"
#include "server/lifecycle/upgrade_room.h"

namespace innkeeper::rpc {

// `principal` is the name of the caller; `default_version` the room version of
// rooms that name none, which must be supported. What is wrong with the room itself
// is found by RoomCreator; what is wrong with the rest of the request is noted in
// the command, to be reported together with that.
lifecycle::CreateRoomCommand ToCommand(const v1::CreateRoomRequest& request,
                                       absl::string_view principal,
                                       absl::string_view default_version);

// The errors of the others are INVALID_ARGUMENT with a BadRequest that names every
// field that was found wrong.

absl::StatusOr<lifecycle::UpgradeRoomCommand> ToCommand(const v1::UpgradeRoomRequest& request,
                                                        absl::string_view principal);

absl::StatusOr<lifecycle::CancelUpgradeCommand> ToCommand(const v1::CancelUpgradeRequest& request);

absl::StatusOr<lifecycle::LinkUpgradeCommand> ToCommand(const v1::LinkUpgradeRequest& request,
                                                        absl::string_view principal);

absl::StatusOr<lifecycle::DeleteRoomCommand> ToCommand(const v1::DeleteRoomRequest& request,
                                                       const auth::Principal& principal);

absl::Status CheckRequest(const v1::GetRoomRequest& request);
absl::Status CheckRequest(const v1::GetRoomStateRequest& request);
absl::Status CheckRequest(const v1::ListRoomsRequest& request);
absl::Status CheckRequest(const v1::ExportRoomRequest& request);

}  // namespace innkeeper::rpc

#endif  // INNKEEPER_SERVER_RPC_REQUESTS_H_
