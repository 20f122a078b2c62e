#include "server/membership/restricted_join.h"

#include <vector>

#include "server/lifecycle/joined_member.h"
#include "server/rooms/identifiers.h"
#include "server/rooms/power_levels.h"

namespace innkeeper::membership {
namespace {

using rooms::Json;
using rooms::StringOrEmpty;
using storage::RoomReader;

absl::StatusOr<bool> IsJoined(const RoomReader& reader, const std::string& room_id,
                              const std::string& user_id) {
  auto found = reader.GetRoomOfUser(room_id, user_id);
  if (!found.ok()) return found.status();
  // What is left of a room that was deleted lets nobody in.
  return found->room && found->user_room && found->user_room->membership() == "join";
}

// True if the user is in a room that the `allow` of the join rule names.
absl::StatusOr<bool> MeetsCondition(const RoomReader& reader, const Json& join_rules,
                                    const std::string& user_id) {
  const auto allow = join_rules.find("allow");
  if (allow == join_rules.end() || !allow->is_array()) return false;
  for (const Json& condition : *allow) {
    if (!condition.is_object() || StringOrEmpty(condition, "type") != "m.room_membership") continue;
    absl::StatusOr<bool> joined = IsJoined(reader, StringOrEmpty(condition, "room_id"), user_id);
    if (!joined.ok() || *joined) return joined;
  }
  return false;
}

// The creators, and the users whose level is written down: those to ask first.
absl::StatusOr<std::vector<std::string>> NamedUsers(lifecycle::RoomEdit& edit,
                                                    const Json& power_levels) {
  auto create = edit.State("m.room.create");
  if (!create.ok()) return create.status();
  const rooms::CreatorViews creators = rooms::ViewCreators(edit.version(), **create);
  std::vector<std::string> users(creators.begin(), creators.end());
  const auto named = power_levels.find("users");
  if (named == power_levels.end() || !named->is_object()) return users;
  for (const auto& [user_id, level] : named->items()) users.push_back(user_id);
  return users;
}

}  // namespace

absl::StatusOr<std::string> FindAuthorisingMember(lifecycle::RoomEdit& edit,
                                                  const RoomReader& reader,
                                                  const std::string& user_id,
                                                  absl::string_view server_name) {
  absl::StatusOr<Json> join_rules = edit.Content("m.room.join_rules");
  if (!join_rules.ok()) return join_rules.status();
  const std::string rule = StringOrEmpty(*join_rules, "join_rule");
  if (!edit.version().restricted_joins || (rule != "restricted" && rule != "knock_restricted")) {
    return "";
  }
  absl::StatusOr<bool> allowed = MeetsCondition(reader, *join_rules, user_id);
  if (!allowed.ok()) return allowed.status();
  if (!*allowed) return "";

  absl::StatusOr<rooms::PowerLevels> levels = edit.Levels();
  if (!levels.ok()) return levels.status();
  absl::StatusOr<Json> power_levels = edit.Content("m.room.power_levels");
  if (!power_levels.ok()) return power_levels.status();
  auto named_users = NamedUsers(edit, *power_levels);
  if (!named_users.ok()) return named_users.status();
  for (const std::string& named : *named_users) {
    if (!rooms::IsLocal(named, server_name)) continue;
    if (levels->OfUser(named) < levels->ForAction("invite")) continue;
    absl::StatusOr<bool> joined = IsJoined(reader, edit.room().room_id(), named);
    if (!joined.ok()) return joined.status();
    if (*joined) return named;
  }
  // A room may have very many members.
  if (levels->OfAnybody() < levels->ForAction("invite")) return "";
  return lifecycle::FindJoinedMember(reader, edit.room(), server_name, *levels,
                                     levels->ForAction("invite"));
}

}  // namespace innkeeper::membership
