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
  for (const auto& [key, level] : map.items()) {
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
  for (const auto& [user, level] : users.items()) {
    const auto place = [&user = user] { return FieldPath(FieldPath(kContent, "users"), user); };
    if (!CheckUserId(user).ok()) return Refuse(AuthRule::kPowerLevelsUserId, place());
    if (context.levels.IsUnbounded(user)) return Refuse(AuthRule::kPowerLevelsCreator, place());
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

std::optional<int64_t> LevelAt(const RoomVersion& version, const Json& levels,
                               absl::string_view key) {
  const Json* const level = FindMember(levels, key);
  return level == nullptr ? std::nullopt : ReadLevel(version, *level);
}

// Compares the levels in force with those of the event.
class ChangeChecker {
 public:
  ChangeChecker(const AuthContext& context, const Json& before)
      : version_(context.version),
        sender_(context.event.sender),
        own_level_(context.levels.OfUser(sender_)),
        before_(before),
        after_(context.event.content) {}

  absl::Status CheckDefaults() const {
    for (const absl::string_view key : kDefaults) {
      absl::Status change =
          CheckChange(before_, after_, key, AuthRule::kPowerLevelsDefaults, kContent);
      if (!change.ok()) return change;
    }
    return absl::OkStatus();
  }

  // Of the map called `name`.
  absl::Status CheckMapChanges(absl::string_view name, AuthRule rule) const {
    const Json& before = MapOrNull(before_, name);
    const Json& after = MapOrNull(after_, name);
    for (const Json* const map : {&before, &after}) {
      for (const auto& [key, level] : map->items()) {
        absl::Status change = CheckChange(before, after, key, rule, FieldPath(kContent, name));
        if (!change.ok()) return change;
      }
    }
    return absl::OkStatus();
  }

 private:
  static const Json& MapOrNull(const Json& content, absl::string_view name) {
    static const Json& null = *new Json();
    const Json* const map = FindMember(content, name);
    return map == nullptr || !map->is_object() ? null : *map;
  }

  // Judges the change of the level `key` from `before` to `after`, at `place`.
  absl::Status CheckChange(const Json& before, const Json& after, absl::string_view key,
                           AuthRule rule, absl::string_view place) const {
    const std::optional<int64_t> old_level = LevelAt(version_, before, key);
    const std::optional<int64_t> new_level = LevelAt(version_, after, key);
    if (old_level == new_level) return absl::OkStatus();
    // The levels of other users are safe from their equals.
    const int64_t distance = rule == AuthRule::kPowerLevelsUsers && key != sender_ ? 1 : 0;
    const int64_t required =
        std::max(old_level ? *old_level + distance : own_level_, new_level.value_or(own_level_));
    if (own_level_ >= required) return absl::OkStatus();
    return RefusePower(rule, required, own_level_, FieldPath(place, key));
  }

  const RoomVersion& version_;
  const std::string& sender_;
  const int64_t own_level_;
  const Json& before_;
  const Json& after_;
};

absl::Status CheckChanges(const AuthContext& context, const Json& before) {
  const ChangeChecker changes(context, before);
  absl::Status status = changes.CheckDefaults();
  if (status.ok()) status = changes.CheckMapChanges("events", AuthRule::kPowerLevelsEvents);
  if (status.ok() && context.version.notification_levels_checked) {
    status = changes.CheckMapChanges("notifications", AuthRule::kPowerLevelsNotifications);
  }
  if (status.ok()) status = changes.CheckMapChanges("users", AuthRule::kPowerLevelsUsers);
  return status;
}

}  // namespace

absl::Status CheckPowerLevelsEvent(const AuthContext& context) {
  absl::Status form = CheckForm(context);
  const Json* const before = context.levels.content();
  return form.ok() && before != nullptr ? CheckChanges(context, *before) : form;
}

}  // namespace innkeeper::rooms
