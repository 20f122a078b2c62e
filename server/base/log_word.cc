#include "server/base/log_word.h"

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_replace.h"

namespace innkeeper {
namespace {

// Whether it stands for itself.
bool IsPlain(char c) { return absl::ascii_isgraph(c) && c != '\\' && c != '"' && c != '\''; }

}  // namespace

std::string LogWord(absl::string_view text) {
  if (text.empty()) return "-";
  if (absl::c_all_of(text, IsPlain)) return std::string(text);
  std::string word = absl::CHexEscape(text);
  absl::StrReplaceAll({{" ", "\\x20"}}, &word);
  return word;
}

}  // namespace innkeeper
