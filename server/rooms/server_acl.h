// File: server/rooms/server_acl.h
//
// Which servers m.room.server_acl keeps out of a room. Pure functions.
//
// Source: Matrix client-server API, "m.room.server_acl".

#ifndef INNKEEPER_SERVER_ROOMS_SERVER_ACL_H_
#define INNKEEPER_SERVER_ROOMS_SERVER_ACL_H_

#include "absl/strings/string_view.h"
#include "server/rooms/json.h"

namespace innkeeper::rooms {

// True if a room whose m.room.server_acl has this content lets `server_name` take
// part. Its port does not count, nor does the case of letters.
bool AclAllows(const Json& content, absl::string_view server_name);

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_SERVER_ACL_H_
