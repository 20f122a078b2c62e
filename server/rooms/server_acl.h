// File: server/rooms/server_acl.h
//
// Server access control lists: which servers may take part in a room. Pure functions.
//
// Source: Matrix specification, client-server API, "Server Access Control Lists
// (ACLs) for rooms".

#ifndef INNKEEPER_SERVER_ROOMS_SERVER_ACL_H_
#define INNKEEPER_SERVER_ROOMS_SERVER_ACL_H_

#include <string>

#include "server/rooms/json.h"

namespace innkeeper::rooms {

// True if the content `acl` of an m.room.server_acl lets `server_name` in. What is of
// the wrong type in it counts as not there.
bool AdmitsServer(const Json& acl, const std::string& server_name);

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_SERVER_ACL_H_
