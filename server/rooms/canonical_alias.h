// File: server/rooms/canonical_alias.h
//
// m.room.canonical_alias, when a room is replaced and when an alias goes. Pure
// functions.
//
// Source: Matrix client-server API, "m.room.canonical_alias".

#ifndef INNKEEPER_SERVER_ROOMS_CANONICAL_ALIAS_H_
#define INNKEEPER_SERVER_ROOMS_CANONICAL_ALIAS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "server/rooms/json.h"

namespace innkeeper::rooms {

// The content of an m.room.canonical_alias, divided when the room is replaced: the
// aliases of this server move to the new room, those of other servers cannot.
struct DividedAlias {
  Json local = Json::object();      // what the new room gets; empty if nothing moves
  Json remaining = Json::object();  // what the old room is left with
  std::vector<std::string> remote;  // the aliases in `remaining`
};

DividedAlias DivideAlias(const Json& content, absl::string_view server_name);

// Returns the content of an m.room.canonical_alias without `alias`, in `alias` and in
// `alt_aliases`; everything else in it stays. Nothing if it does not name the alias.
std::optional<Json> WithoutAlias(const Json& content, absl::string_view alias);

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_CANONICAL_ALIAS_H_
