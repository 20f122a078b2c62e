// File: server/base/glob_set.h
//
// Names, some of them given as patterns.

#ifndef INNKEEPER_SERVER_BASE_GLOB_SET_H_
#define INNKEEPER_SERVER_BASE_GLOB_SET_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace innkeeper {

// A value; thread-safe as long as it is not assigned to.
class GlobSet {
 public:
  // Has nothing.
  GlobSet() = default;

  // Has the names in `patterns` and those that a pattern among them matches; see
  // server/base/glob.h.
  explicit GlobSet(absl::Span<const std::string> patterns);

  bool Contains(absl::string_view name) const;

 private:
  absl::flat_hash_set<std::string> names_;
  std::vector<std::string> patterns_;  // those with wildcards
};

}  // namespace innkeeper

#endif  // INNKEEPER_SERVER_BASE_GLOB_SET_H_
