#include "server/base/log_word.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_replace.h"

namespace innkeeper {

std::string LogWord(absl::string_view text) {
  if (text.empty()) return "-";
  std::string word = absl::CHexEscape(text);
  absl::StrReplaceAll({{" ", "\\x20"}}, &word);
  return word;
}

}  // namespace innkeeper
