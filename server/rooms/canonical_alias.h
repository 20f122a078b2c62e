// File: server/rooms/canonical_alias.h
//
// m.room.canonical_alias when a room is replaced: the aliases of this server move
// to the new room, those of other servers cannot. Pure functions.

#ifndef INNKEEPER_SERVER_ROOMS_CANONICAL_ALIAS_H_
#define INNKEEPER_SERVER_ROOMS_CANONICAL_ALIAS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "server/rooms/json.h"

namespace innkeeper::rooms {

// The content of an m.room.canonical_alias, divided.
struct DividedAlias {
  Json local = Json::object();      // what the new room gets; empty if nothing moves
  Json remaining = Json::object();  // what the old room is left with
  std::vector<std::string> remote;  // the aliases in `remaining`
};

DividedAlias DivideAlias(const Json& content, absl::string_view server_name);

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_CANONICAL_ALIAS_H_
