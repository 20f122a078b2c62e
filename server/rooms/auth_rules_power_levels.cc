#include "server/rooms/auth_rules_power_levels.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "server/rooms/identifiers.h"

namespace innkeeper::rooms {
namespace {

constexpr absl::string_view kContent = "content";

constexpr absl::string_view kDefaults[] = {"ban",    "events_default", "invite",       "kick",
                                           "redact", "state_default",  "users_default"};

// The rules for the form of the content.

bool IsLevel(const RoomVersion& version, const Json& value) {
  return ReadLevel(version, value).has_value();
}

// Checks that `map`, the member of the content called `name`, is an object of levels.
absl::Status CheckMap(const RoomVersion& version, const Json& map, absl::string_view name) {
  const std::string place = FieldPath(kContent, name);
  if (!map.is_object()) return Refuse(AuthRule::kPowerLevelsMap, place);
  for (const auto& [key, level] : map.get_ref<const Json::object_t&>()) {
    if (!IsLevel(version, level)) {
      return Refuse(AuthRule::kPowerLevelsLevel, FieldPath(place, key));
    }
  }
  return absl::OkStatus();
}

// What versions that take only integers for levels ask for.
absl::Status CheckIntegers(const RoomVersion& version, const Json& content) {
  for (const absl::string_view key : kDefaults) {
    const Json* const level = FindMember(content, key);
    if (level != nullptr && !IsLevel(version, *level)) {
      return Refuse(AuthRule::kPowerLevelsLevel, FieldPath(kContent, key));
    }
  }
  for (const absl::string_view name : {"events", "notifications"}) {
    const Json* const map = FindMember(content, name);
    absl::Status levels = map == nullptr ? absl::OkStatus() : CheckMap(version, *map, name);
    if (!levels.ok()) return levels;
  }
  return absl::OkStatus();
}

absl::Status CheckUsers(const AuthContext& context, const Json& users) {
  absl::Status levels = CheckMap(context.version, users, "users");
  if (!levels.ok()) return levels;
  const std::string place = FieldPath(kContent, "users");
  for (const auto& [user, level] : users.get_ref<const Json::object_t&>()) {
    if (!CheckUserId(user).ok()) {
      return Refuse(AuthRule::kPowerLevelsUserId, FieldPath(place, user));
    }
    if (context.levels.IsUnbounded(user)) {
      return Refuse(AuthRule::kPowerLevelsCreator, FieldPath(place, user));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckForm(const AuthContext& context) {
  const Json& content = context.event.content;
  if (context.version.integer_power_levels) {
    absl::Status integers = CheckIntegers(context.version, content);
    if (!integers.ok()) return integers;
  }
  const Json* const users = FindMember(content, "users");
  return users == nullptr ? absl::OkStatus() : CheckUsers(context, *users);
}

// The rules for changes.

const Json& MapOrEmpty(const Json& content, absl::string_view name) {
  static const Json& empty = *new Json(Json::object());
  const Json* const map = FindMember(content, name);
  return map == nullptr || !map->is_object() ? empty : *map;
}

std::optional<int64_t> LevelAt(const RoomVersion& version, const Json& levels,
                               absl::string_view key) {
  const Json* const level = FindMember(levels, key);
  return level == nullptr ? std::nullopt : ReadLevel(version, *level);
}

// The levels in force, `before`, beside those of the event, `after`.
struct Levels {
  const Json& before;
  const Json& after;
};

// Judges what becomes of the level `key`. `name` is that of the map that the levels
// are in; "" if they are the content itself.
absl::Status CheckChange(const AuthContext& context, const Levels& levels, absl::string_view key,
                         absl::string_view name, AuthRule rule) {
  const auto before = LevelAt(context.version, levels.before, key);
  const auto after = LevelAt(context.version, levels.after, key);
  if (before == after) return absl::OkStatus();
  const int64_t own = context.levels.OfUser(context.event.sender);
  // The levels of other users are safe from their equals.
  const int64_t distance = name == "users" && key != context.event.sender ? 1 : 0;
  const int64_t required = std::max(before ? *before + distance : own, after.value_or(own));
  if (own >= required) return absl::OkStatus();
  return RefusePower(rule, required, own,
                     FieldPath(name.empty() ? kContent : FieldPath(kContent, name), key));
}

absl::Status CheckMapChanges(const AuthContext& context, const Json& before, absl::string_view name,
                             AuthRule rule) {
  const Levels levels{MapOrEmpty(before, name), MapOrEmpty(context.event.content, name)};
  for (const Json* const map : {&levels.before, &levels.after}) {
    for (const auto& [key, level] : map->get_ref<const Json::object_t&>()) {
      absl::Status change = CheckChange(context, levels, key, name, rule);
      if (!change.ok()) return change;
    }
  }
  return absl::OkStatus();
}

absl::Status CheckChanges(const AuthContext& context, const Json& before) {
  for (const absl::string_view key : kDefaults) {
    absl::Status change = CheckChange(context, {before, context.event.content}, key, "",
                                      AuthRule::kPowerLevelsDefaults);
    if (!change.ok()) return change;
  }
  absl::Status status = CheckMapChanges(context, before, "events", AuthRule::kPowerLevelsEvents);
  if (status.ok() && context.version.notification_levels_checked) {
    status = CheckMapChanges(context, before, "notifications", AuthRule::kPowerLevelsNotifications);
  }
  if (status.ok()) status = CheckMapChanges(context, before, "users", AuthRule::kPowerLevelsUsers);
  return status;
}

}  // namespace

absl::Status CheckPowerLevelsEvent(const AuthContext& context) {
  absl::Status form = CheckForm(context);
  const Json* const before = context.levels.content();
  return form.ok() && before != nullptr ? CheckChanges(context, *before) : form;
}

}  // namespace innkeeper::rooms
