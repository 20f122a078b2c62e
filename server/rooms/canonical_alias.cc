#include "server/rooms/canonical_alias.h"

#include <string>
#include <utility>

namespace innkeeper::rooms {

std::optional<Json> WithoutAlias(const Json& content, absl::string_view alias) {
  if (!content.is_object()) return std::nullopt;
  const Json name = std::string(alias);
  Json rest = content;
  const auto main = rest.find("alias");
  if (main != rest.end() && *main == name) rest.erase(main);
  const auto others = rest.find("alt_aliases");
  if (others != rest.end() && others->is_array()) {
    Json kept = Json::array();
    for (const Json& other : *others) {
      if (other != name) kept.push_back(other);
    }
    *others = std::move(kept);
  }
  if (rest == content) return std::nullopt;
  return rest;
}

}  // namespace innkeeper::rooms
