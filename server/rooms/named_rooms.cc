#include "server/rooms/named_rooms.h"

#include <algorithm>

#include "server/rooms/identifiers.h"

namespace innkeeper::rooms {

std::vector<std::string> RoomsNamedIn(absl::string_view type, absl::string_view state_key,
                                      const Json& content) {
  std::vector<std::string> rooms;
  if (type == "m.space.child" || type == "m.space.parent") {
    if (content.contains("via")) rooms.emplace_back(state_key);
    return rooms;
  }
  if (type != "m.room.join_rules") return rooms;
  const auto allow = content.find("allow");
  if (allow == content.end() || !allow->is_array()) return rooms;
  for (const Json& condition : *allow) {
    if (!condition.is_object()) continue;
    std::string room_id = StringOrEmpty(condition, "room_id");
    // Longer than an id can be, it would not fit into a key of the store either.
    if (room_id.empty() || room_id.size() > kMaxIdentifierBytes) continue;
    rooms.push_back(std::move(room_id));
  }
  std::sort(rooms.begin(), rooms.end());
  rooms.erase(std::unique(rooms.begin(), rooms.end()), rooms.end());
  return rooms;
}

}  // namespace innkeeper::rooms
