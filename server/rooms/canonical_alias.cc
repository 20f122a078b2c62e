#include "server/rooms/canonical_alias.h"

#include <string>
#include <utility>

#include "server/rooms/identifiers.h"

namespace innkeeper::rooms {

DividedAlias DivideAlias(const Json& content, absl::string_view server_name) {
  DividedAlias divided{.remaining = content};
  const std::string alias = StringOrEmpty(content, "alias");
  if (!alias.empty() && IsLocal(alias, server_name)) {
    divided.local["alias"] = alias;
    divided.remaining.erase("alias");
  } else if (!alias.empty()) {
    divided.remote.push_back(alias);
  }
  const Json* const others = FindMember(content, "alt_aliases");
  if (others == nullptr || !others->is_array()) return divided;
  Json moving = Json::array();
  Json staying = Json::array();
  for (const Json& other : *others) {
    const std::string* const name = other.get_ptr<const std::string*>();
    const bool moves = name != nullptr && IsLocal(*name, server_name);
    (moves ? moving : staying).push_back(other);
    if (name != nullptr && !moves) divided.remote.push_back(*name);
  }
  if (moving.empty()) return divided;
  divided.local["alt_aliases"] = std::move(moving);
  divided.remaining["alt_aliases"] = std::move(staying);
  return divided;
}

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
