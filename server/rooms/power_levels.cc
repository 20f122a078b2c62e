#include "server/rooms/power_levels.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <glog/logging.h>

#include "absl/strings/str_cat.h"
#include "server/errors/errors.h"
#include "server/rooms/identifiers.h"

namespace innkeeper::rooms {
namespace {

constexpr int64_t kTombstoneLevelBelowCreators = 150;
constexpr int64_t kLeastLockLevel = 50;

constexpr absl::string_view kLevels[] = {"ban",    "events_default", "invite",       "kick",
                                         "redact", "state_default",  "users_default"};
constexpr absl::string_view kMaps[] = {"events", "notifications", "users"};

bool IsLevelKey(absl::string_view key) {
  return std::find(std::begin(kLevels), std::end(kLevels), key) != std::end(kLevels);
}

bool IsMapKey(absl::string_view key) {
  return std::find(std::begin(kMaps), std::end(kMaps), key) != std::end(kMaps);
}

int64_t ToCanonicalRange(int64_t level) {
  return std::clamp(level, -kMaxCanonicalInteger, kMaxCanonicalInteger);
}

// Notes what is wrong with one level.
void CheckLevel(const Json& level, std::string field, int64_t highest, FieldErrors& errors) {
  if (!level.is_number_integer()) {
    errors.Add(std::move(field), "must be an integer");
  } else if (level.get<int64_t>() > highest) {
    errors.Add(std::move(field),
               absl::StrCat("must be at most ", highest,
                            ", the highest level of a user here, or nobody could change it"));
  }
}

// Returns the levels in the object `map` of a room of `version` as integers.
Json CopyLevelMap(const RoomVersion& version, const Json& map) {
  Json copy = Json::object();
  if (!map.is_object()) return copy;
  for (const auto& [key, value] : map.items()) {
    if (const auto level = ReadLevel(version, value)) copy[key] = ToCanonicalRange(*level);
  }
  return copy;
}

// Returns `content` of a room of `version` in a form that every version takes.
Json CopyLevels(const RoomVersion& version, const Json& content) {
  Json copy = {{"users", Json::object()}};
  for (const auto& [key, value] : content.items()) {
    if (IsMapKey(key)) {
      copy[key] = CopyLevelMap(version, value);
    } else if (IsLevelKey(key)) {
      if (const auto level = ReadLevel(version, value)) copy[key] = ToCanonicalRange(*level);
    } else if (CheckCanonical(value, key, kMaxContentDepth).ok()) {
      copy[key] = value;
    }
  }
  std::erase_if(copy["users"].get_ref<Json::object_t&>(),
                [](const auto& user) { return !CheckUserId(user.first).ok(); });
  return copy;
}

// Returns the content of m.room.power_levels, or what says the same where there is no
// such event.
Json ContentInForce(const RoomVersion& version, const RoomState& state) {
  const StateEntry* const entry = FindState(state, "m.room.power_levels");
  if (entry != nullptr) return entry->content;
  Json content = Json::object();
  if (version.creators_have_unbounded_power) return content;
  for (const std::string& creator : Creators(version, state)) {
    content["users"][creator] = kCreatorLevel;
  }
  return content;
}

// Puts `heirs` above everybody else.
void RaiseAbove(const std::vector<std::string>& heirs, Json& content) {
  const auto cap = [](Json& level) {
    level = std::min(level.get<int64_t>(), kMaxCanonicalInteger - 1);
  };
  if (content.contains("users_default")) cap(content["users_default"]);
  Json& users = content["users"];
  for (auto& level : users) cap(level);
  for (const std::string& heir : heirs) users[heir] = kMaxCanonicalInteger;
}

}  // namespace

PowerLevels::PowerLevels(const RoomVersion& version, const RoomState& state)
    : version_(version),
      creators_(Creators(version, state)),
      has_event_(FindState(state, "m.room.power_levels") != nullptr),
      content_(StateContent(state, "m.room.power_levels")) {}

PowerLevels::PowerLevels(const RoomVersion& version, std::vector<std::string> creators,
                         Json content)
    : version_(version),
      creators_(std::move(creators)),
      has_event_(true),
      content_(std::move(content)) {}

PowerLevelsView PowerLevels::View() const {
  return {version_, {creators_.begin(), creators_.end()}, has_event_ ? &content_ : nullptr};
}

std::vector<std::string> Creators(const RoomVersion& version, const RoomState& state) {
  const StateEntry* const create = FindState(state, "m.room.create");
  CHECK(create != nullptr) << "a room without m.room.create";
  const CreatorViews creators = ViewCreators(version, *create);
  return {creators.begin(), creators.end()};
}

Json DefaultPowerLevels(const RoomVersion& version, absl::string_view creator) {
  static const Json& content = *new Json({{"ban", 50},
                                          {"events",
                                           {{"m.room.avatar", 50},
                                            {"m.room.canonical_alias", 50},
                                            {"m.room.encryption", 100},
                                            {"m.room.history_visibility", 100},
                                            {"m.room.name", 50},
                                            {"m.room.power_levels", 100},
                                            {"m.room.server_acl", 100},
                                            {"m.room.tombstone", 100}}},
                                          {"events_default", 0},
                                          {"invite", 50},
                                          {"kick", 50},
                                          {"redact", 50},
                                          {"state_default", kDefaultStateLevel},
                                          {"users", Json::object()},
                                          {"users_default", 0}});
  if (version.creators_have_unbounded_power) return WithRaisedTombstoneLevel(content);
  Json levels = content;
  levels["users"][std::string(creator)] = kCreatorLevel;
  return levels;
}

absl::Status CheckPowerLevels(const Json& content, absl::string_view field, int64_t highest) {
  FieldErrors errors;
  if (!content.is_object()) {
    errors.Add(std::string(field), "must be an object");
    return errors.ToStatus();
  }
  absl::Status canonical = CheckCanonical(content, field);
  if (!canonical.ok()) return canonical;
  for (const auto& [key, value] : content.items()) {
    const std::string path = FieldPath(field, key);
    if (IsLevelKey(key)) CheckLevel(value, path, highest, errors);
    if (!IsMapKey(key)) continue;
    if (!value.is_object()) {
      errors.Add(path, "must be an object of integers");
      continue;
    }
    for (const auto& [name, level] : value.items()) {
      if (key == "users") errors.AddStatus(FieldPath(path, name), CheckUserId(name));
      CheckLevel(level, FieldPath(path, name), highest, errors);
    }
  }
  return errors.ToStatus();
}

Json WithRaisedTombstoneLevel(Json content) {
  const int64_t state_default = content.value("state_default", kDefaultStateLevel);
  Json& level = content["events"]["m.room.tombstone"];
  const int64_t before = level.is_null() ? state_default : level.get<int64_t>();
  level = std::min(std::max({before, state_default + 1, kTombstoneLevelBelowCreators}),
                   kMaxCanonicalInteger);
  return content;
}

Json MergePowerLevels(Json base, const Json& override) {
  for (const auto& [key, value] : override.items()) {
    Json& target = base[key];
    if (IsMapKey(key) && target.is_object() && value.is_object()) {
      target.update(value);
    } else {
      target = value;
    }
  }
  return base;
}

Json UpgradedPowerLevels(const RoomVersion& old_version, const RoomState& old_state,
                         const RoomVersion& new_version,
                         const std::vector<std::string>& new_creators) {
  Json content = CopyLevels(old_version, ContentInForce(old_version, old_state));
  std::vector<std::string> heirs;  // of creators' unbounded power
  if (old_version.creators_have_unbounded_power) heirs = Creators(old_version, old_state);
  if (new_version.creators_have_unbounded_power) {
    for (const std::string& creator : new_creators) {
      content["users"].erase(creator);
      heirs.erase(std::remove(heirs.begin(), heirs.end(), creator), heirs.end());
    }
  }
  if (!heirs.empty()) RaiseAbove(heirs, content);
  if (!new_version.creators_have_unbounded_power) return content;
  return WithRaisedTombstoneLevel(std::move(content));
}

std::optional<Json> LockedPowerLevels(const RoomVersion& version, const RoomState& state) {
  const int64_t users_default = PowerLevels(version, state).OfAnybody();
  if (users_default >= kMaxCanonicalInteger) return std::nullopt;
  const int64_t locked = std::max(users_default + 1, kLeastLockLevel);
  Json content = ContentInForce(version, state);
  for (const char* key : {"events_default", "invite"}) {
    const Json* const value = FindMember(content, key);
    const int64_t level = value == nullptr ? 0 : ReadLevel(version, *value).value_or(0);
    if (level < locked) content[key] = locked;
  }
  return content;
}

}  // namespace innkeeper::rooms
