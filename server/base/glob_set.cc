#include "server/base/glob_set.h"

#include <algorithm>

#include "server/base/glob.h"

namespace innkeeper {

GlobSet::GlobSet(absl::Span<const std::string> patterns) {
  for (const std::string& pattern : patterns) {
    if (HasWildcard(pattern)) {
      patterns_.push_back(pattern);
    } else {
      names_.insert(pattern);
    }
  }
}

bool GlobSet::Contains(absl::string_view name) const {
  return names_.contains(name) ||
         std::any_of(patterns_.begin(), patterns_.end(),
                     [&](const std::string& pattern) { return MatchesGlob(pattern, name); });
}

}  // namespace innkeeper
