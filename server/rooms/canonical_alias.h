// File: server/rooms/canonical_alias.h
//
// m.room.canonical_alias: which aliases a room shows to people. Pure functions.
//
// Source: Matrix client-server API, "m.room.canonical_alias".

#ifndef INNKEEPER_SERVER_ROOMS_CANONICAL_ALIAS_H_
#define INNKEEPER_SERVER_ROOMS_CANONICAL_ALIAS_H_

#include <optional>

#include "absl/strings/string_view.h"
#include "server/rooms/json.h"

namespace innkeeper::rooms {

// Returns the content of an m.room.canonical_alias without `alias`, in `alias` and in
// `alt_aliases`; everything else in it stays. Nothing if it does not name the alias.
std::optional<Json> WithoutAlias(const Json& content, absl::string_view alias);

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_CANONICAL_ALIAS_H_
