#include "server/rooms/room_links.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "server/rooms/event_types.h"
#include "server/rooms/json.h"
#include "server/rooms/power_levels.h"

namespace innkeeper::rooms {
namespace {

constexpr char kSpaceChild[] = "m.space.child";
constexpr char kSpaceParent[] = "m.space.parent";

// Returns the content of a link with `server_name` first among the servers that know
// the room.
Json WithServer(Json content, const std::string& server_name) {
  Json via = Json::array({server_name});
  const Json* const old_via = FindMember(content, "via");
  if (old_via != nullptr && old_via->is_array()) {
    for (const Json& server : *old_via) {
      if (server != server_name) via.push_back(server);
    }
  }
  content["via"] = std::move(via);
  return content;
}

// Returns `content`, of m.room.join_rules, with the new room in the place of the old
// one. nullopt if it doesn't name the old one.
std::optional<Json> WithNewRoom(Json content, const Replacement& replacement) {
  const auto allow = content.find("allow");
  if (allow == content.end() || !allow->is_array()) return std::nullopt;
  bool found = false;
  Json rewritten = Json::array();
  for (Json& entry : *allow) {
    if (StringViewOrEmpty(entry, "room_id") == replacement.old_room_id) {
      entry["room_id"] = replacement.new_room_id;
      found = true;
    }
    const bool repeated = std::find(rewritten.begin(), rewritten.end(), entry) != rewritten.end();
    if (!repeated) rewritten.push_back(std::move(entry));
  }
  if (!found) return std::nullopt;
  *allow = std::move(rewritten);
  return content;
}

class Repairer {
 public:
  Repairer(const LinkingRoom& room, const std::string& sender, const Replacement& replacement)
      : room_(room),
        sender_(sender),
        replacement_(replacement),
        levels_(*room.version, room.state) {}

  void RepairSpaceLink(const char* type, Unmoved::Kind kind) {
    const Json& link = StateContent(room_.state, type, replacement_.old_room_id);
    if (link.empty() || !MaySet(type, kind)) return;
    Set(type, replacement_.new_room_id, WithServer(link, replacement_.server_name));
    Set(type, replacement_.old_room_id, Json::object());
  }

  void RepairJoinRules() {
    auto content = WithNewRoom(StateContent(room_.state, kJoinRulesType), replacement_);
    if (!content || !MaySet(kJoinRulesType, Unmoved::Kind::kAllowedRoom)) return;
    Set(kJoinRulesType, "", *std::move(content));
  }

  LinkRepair Finish() { return std::move(repair_); }

 private:
  // True if the sender may set state of `type`; else notes that the link stays.
  bool MaySet(const char* type, Unmoved::Kind kind) {
    Unmoved unmoved{.kind = kind, .name = room_.room_id};
    if (Membership(room_.state, sender_) != "join") {
      unmoved.reason = Unmoved::Reason::kNotJoined;
    } else if (levels_.OfUser(sender_) < levels_.ForStateEvent(type)) {
      unmoved.reason = Unmoved::Reason::kInsufficientPower;
    } else {
      return true;
    }
    repair_.unmoved.push_back(std::move(unmoved));
    return false;
  }

  void Set(const char* type, const std::string& state_key, Json content) {
    repair_.events.push_back({.type = type,
                              .state_key = state_key,
                              .sender = sender_,
                              .content = std::move(content),
                              .source_field = "room_id"});
  }

  const LinkingRoom& room_;
  const std::string& sender_;
  const Replacement& replacement_;
  const PowerLevels levels_;
  LinkRepair repair_;
};

}  // namespace

std::vector<StateKey> LinkPositions(absl::string_view old_room_id, absl::string_view sender) {
  return {{"m.room.create", ""},
          {kJoinRulesType, ""},
          {"m.room.member", std::string(sender)},
          {"m.room.power_levels", ""},
          {kSpaceChild, std::string(old_room_id)},
          {kSpaceParent, std::string(old_room_id)}};
}

std::vector<std::string> LinkedRooms(const RoomState& state) {
  std::vector<std::string> rooms;
  for (const char* type : {kSpaceChild, kSpaceParent}) {
    for (auto it = state.lower_bound({type, ""}); it != state.end() && it->first.type == type;
         ++it) {
      if (!it->second.content.empty()) rooms.push_back(it->first.state_key);
    }
  }
  std::sort(rooms.begin(), rooms.end());
  rooms.erase(std::unique(rooms.begin(), rooms.end()), rooms.end());
  return rooms;
}

LinkRepair RepairLinks(const LinkingRoom& room, const std::string& sender,
                       const Replacement& replacement) {
  Repairer repairer(room, sender, replacement);
  repairer.RepairSpaceLink(kSpaceChild, Unmoved::Kind::kSpaceChild);
  repairer.RepairSpaceLink(kSpaceParent, Unmoved::Kind::kSpaceParent);
  repairer.RepairJoinRules();
  return repairer.Finish();
}

}  // namespace innkeeper::rooms
