// File: server/base/glob.h
//
// Patterns with wildcards. Pure functions.

#ifndef INNKEEPER_SERVER_BASE_GLOB_H_
#define INNKEEPER_SERVER_BASE_GLOB_H_

#include "absl/strings/string_view.h"

namespace innkeeper {

// True if `pattern` has a '*' or a '?'.
bool HasWildcard(absl::string_view pattern);

// True if `pattern` matches the whole of `text`. '*' stands for any bytes, also
// none, '?' for any one byte, every other byte for itself. Takes at most
// |pattern| * |text| steps.
bool MatchesGlob(absl::string_view pattern, absl::string_view text);

}  // namespace innkeeper

#endif  // INNKEEPER_SERVER_BASE_GLOB_H_
