// File: server/base/log_word.h

#ifndef INNKEEPER_SERVER_BASE_LOG_WORD_H_
#define INNKEEPER_SERVER_BASE_LOG_WORD_H_

#include <string>

#include "absl/strings/string_view.h"

namespace innkeeper {

// Returns `text` as one word of printable ASCII for a line of the log, so that ids, which
// others choose and which may have nearly anything in them, can neither end a line nor pass for
// another part of one: what is no such character, or a blank, stands as \xNN. Empty: "-".
std::string LogWord(absl::string_view text);

}  // namespace innkeeper

#endif  // INNKEEPER_SERVER_BASE_LOG_WORD_H_
