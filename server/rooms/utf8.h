// File: server/rooms/utf8.h
//
// Checks on UTF-8 text. Pure functions.

#ifndef INNKEEPER_SERVER_ROOMS_UTF8_H_
#define INNKEEPER_SERVER_ROOMS_UTF8_H_

#include <cstddef>

#include "absl/strings/string_view.h"

namespace innkeeper::rooms {

// True if `text` is well-formed UTF-8: shortest forms only, no surrogates,
// nothing above U+10FFFF.
bool IsUtf8(absl::string_view text);

// True if no character of the UTF-8 text `text` is other than white space, by Unicode's
// property White_Space.
bool IsWhiteSpace(absl::string_view text);

// Returns the longest beginning of the UTF-8 text `text` that is at most
// `max_bytes` long and does not end inside a character.
absl::string_view Utf8Prefix(absl::string_view text, size_t max_bytes);

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_UTF8_H_
