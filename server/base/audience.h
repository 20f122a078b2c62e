// File: server/base/audience.h
//
// Audiences: labels of rooms, by which events are chosen and callers are kept apart. A
// room has one or none; the empty string stands for none. See
// docs/decisions/0014-audiences.md.

#ifndef INNKEEPER_SERVER_BASE_AUDIENCE_H_
#define INNKEEPER_SERVER_BASE_AUDIENCE_H_

#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "server/base/glob_set.h"

namespace innkeeper {

inline constexpr size_t kMaxAudienceBytes = 128;

// OK if `text` is an audience: 1 to 128 characters of A-Z a-z 0-9 . _ : -. Else
// INVALID_ARGUMENT, which says so. Pure.
absl::Status CheckAudience(absl::string_view text);

// OK if `text` is an audience, or a pattern of audiences: the same, with * and ? among
// the characters. Else INVALID_ARGUMENT, which says so. Pure.
absl::Status CheckAudiencePattern(absl::string_view text);

// Which audiences somebody may see. A value; thread-safe as long as it is not assigned
// to.
class AudienceScope {
 public:
  // Every audience, and rooms that have none.
  static AudienceScope All() { return AudienceScope(std::nullopt); }

  // Nothing at all.
  static AudienceScope Nothing() { return AudienceScope(GlobSet()); }

  // The audiences that `patterns` names (see server/base/glob.h), and no room that has
  // none.
  static AudienceScope Of(absl::Span<const std::string> patterns) {
    return AudienceScope(GlobSet(patterns));
  }

  // True for All() alone.
  bool IsAll() const { return !audiences_.has_value(); }

  // True if rooms of the audience, or with "" those that have none, may be seen.
  bool Includes(absl::string_view audience) const {
    return IsAll() || (!audience.empty() && audiences_->Contains(audience));
  }

 private:
  explicit AudienceScope(std::optional<GlobSet> audiences) : audiences_(std::move(audiences)) {}

  std::optional<GlobSet> audiences_;  // not set: all
};

}  // namespace innkeeper

#endif  // INNKEEPER_SERVER_BASE_AUDIENCE_H_
