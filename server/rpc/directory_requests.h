// File: server/rpc/directory_requests.h
//
// Checks of the requests of RoomDirectory that need no store. Pure functions.

#ifndef INNKEEPER_SERVER_RPC_DIRECTORY_REQUESTS_H_
#define INNKEEPER_SERVER_RPC_DIRECTORY_REQUESTS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "innkeeper/v1/room_directory.pb.h"

namespace innkeeper::rpc {

// INVALID_ARGUMENT with a BadRequest that names every field that was found wrong.
// `server_name` is this server's.
absl::Status CheckRequest(const v1::SetAliasRequest& request, absl::string_view server_name);
absl::Status CheckRequest(const v1::DeleteAliasRequest& request, absl::string_view server_name);
absl::Status CheckRequest(const v1::SetVisibilityRequest& request, absl::string_view server_name);
absl::Status CheckRequest(const v1::ResolveAliasRequest& request);
absl::Status CheckRequest(const v1::ListAliasesRequest& request);
absl::Status CheckRequest(const v1::ListPublicRoomsRequest& request);

}  // namespace innkeeper::rpc

#endif  // INNKEEPER_SERVER_RPC_DIRECTORY_REQUESTS_H_
