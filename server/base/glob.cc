#include "server/base/glob.h"

namespace innkeeper {

bool HasWildcard(absl::string_view pattern) {
  return pattern.find_first_of("*?") != absl::string_view::npos;
}

bool MatchesGlob(absl::string_view pattern, absl::string_view text) {
  size_t p = 0;
  size_t t = 0;
  // Where to go on when a match fails: behind the last '*', which then takes
  // one byte more.
  size_t retry_p = absl::string_view::npos;
  size_t retry_t = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      retry_p = ++p;
      retry_t = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (retry_p != absl::string_view::npos) {
      p = retry_p;
      t = ++retry_t;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == absl::string_view::npos;
}

}  // namespace innkeeper
