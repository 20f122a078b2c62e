// File: server/rooms/identifiers.h
//
// The grammar of Matrix identifiers. Pure functions.
//
// Source: Matrix specification, appendices, "Identifier Grammar".

#ifndef INNKEEPER_SERVER_ROOMS_IDENTIFIERS_H_
#define INNKEEPER_SERVER_ROOMS_IDENTIFIERS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace innkeeper::rooms {

// Identifiers are at most this many bytes long, sigil and server name included.
inline constexpr size_t kMaxIdentifierBytes = 255;

// Each of these returns OK, or INVALID_ARGUMENT whose message is a phrase that
// says what is wrong and how to mend it ("must start with '@', as in
// @alice:example.org"), fit for a BadRequest field violation.

// `hostname[:port]`: DNS name, IPv4 address or [IPv6 address].
absl::Status CheckServerName(absl::string_view server_name);

// `@localpart:server`. Historical localparts (any characters but ':' and NUL,
// even none) are accepted.
absl::Status CheckUserId(absl::string_view user_id);

// `!opaque:server`, or `!hash` (43 characters of URL-safe base64) as in room
// version 12.
absl::Status CheckRoomId(absl::string_view room_id);

// `#localpart:server`, localpart not empty, without white space, ':' and NUL.
absl::Status CheckRoomAlias(absl::string_view alias);

// A name in a namespace, such as an encryption algorithm: 1 to 255 characters of
// a-z 0-9 - _ . starting with a letter.
absl::Status CheckNamespacedIdentifier(absl::string_view identifier);

// An event type that may be set as state when a room is created: not empty, at
// most 255 bytes, and either a state event type of the Matrix specification
// (types starting with "m." are reserved for it) or in another namespace.
absl::Status CheckStateEventType(absl::string_view type);

// True if `type` is one of the state event types of the Matrix specification.
bool IsStateEventType(absl::string_view type);

// Returns what follows the first ':' of a user id, room id or alias: its server
// name; "" if there is no ':'.
absl::string_view ServerNameOf(absl::string_view identifier);

// True if `user_id` is one of `server_name`'s.
bool IsLocal(absl::string_view user_id, absl::string_view server_name);

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_IDENTIFIERS_H_
