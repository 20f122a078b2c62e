// File: server/rooms/event_content.h
//
// What the content of an event must be like, by its type, beyond what authorisation
// looks at: what clients and other servers count on. Other servers do not check it when
// they get an event; whoever makes one must. Pure functions.
//
// Source: Matrix specification, client-server API, the events of each module.

#ifndef INNKEEPER_SERVER_ROOMS_EVENT_CONTENT_H_
#define INNKEEPER_SERVER_ROOMS_EVENT_CONTENT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/rooms/json.h"

namespace innkeeper::rooms {

// Returns OK if an event of `type` that this server, `server_name`, makes may have
// `content`, an object. Otherwise INVALID_ARGUMENT with a BadRequest whose fields are
// paths that start with `field`.
//
//  * m.room.name and m.room.topic have their text, m.room.message its text and kind.
//  * m.room.server_acl lets this server in: it could not change it again.
//  * m.mentions, in any event, has a list of users and a flag, as far as it has them.
absl::Status CheckEventContent(absl::string_view type, const Json& content, absl::string_view field,
                               const std::string& server_name);

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_EVENT_CONTENT_H_
