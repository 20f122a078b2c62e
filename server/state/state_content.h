// File: server/state/state_content.h
//
// What may be set as state by hand, as far as that follows from the event itself. Pure
// functions.

#ifndef INNKEEPER_SERVER_STATE_STATE_CONTENT_H_
#define INNKEEPER_SERVER_STATE_STATE_CONTENT_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "server/errors/errors.h"
#include "server/rooms/json.h"

namespace innkeeper::state {

// Notes under the field `type` why no state event of this type can be set.
void CheckSettableType(absl::string_view type, FieldErrors& errors);

// Notes under `content` and paths from there what is wrong with the content of a state
// event. `server_name` is this server's.
void CheckStateContent(absl::string_view type, const rooms::Json& content,
                       const std::string& server_name, FieldErrors& errors);

// An alias in the content of an m.room.canonical_alias, and the path to it.
struct NamedAlias {
  std::string field;
  std::string alias;
};

// The aliases in such a content, which has passed CheckStateContent.
std::vector<NamedAlias> AliasesIn(const rooms::Json& content);

}  // namespace innkeeper::state

#endif  // INNKEEPER_SERVER_STATE_STATE_CONTENT_H_
