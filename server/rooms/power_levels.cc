#include "server/rooms/power_levels.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include <glog/logging.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "server/errors/errors.h"
#include "server/rooms/identifiers.h"

namespace innkeeper::rooms {
namespace {

constexpr int64_t kCreatorLevel = 100;
constexpr int64_t kDefaultStateLevel = 50;
constexpr int64_t kTombstoneLevelBelowCreators = 150;

constexpr absl::string_view kLevels[] = {"ban",    "events_default", "invite",       "kick",
                                         "redact", "state_default",  "users_default"};
constexpr absl::string_view kMaps[] = {"events", "notifications", "users"};

bool IsLevelKey(absl::string_view key) {
  return std::find(std::begin(kLevels), std::end(kLevels), key) != std::end(kLevels);
}

bool IsMapKey(absl::string_view key) {
  return std::find(std::begin(kMaps), std::end(kMaps), key) != std::end(kMaps);
}

const Json* Find(const Json& object, absl::string_view key) {
  if (!object.is_object()) return nullptr;
  const auto it = object.find(std::string_view(key.data(), key.size()));
  return it == object.end() ? nullptr : &*it;
}

// Reads a level as `version` does. Versions that take more than integers take
// what Python's int() takes: fractions are cut off, strings may have spaces around
// and a sign.
std::optional<int64_t> ReadLevel(const RoomVersion& version, const Json* value) {
  if (value == nullptr) return std::nullopt;
  if (value->is_number_unsigned()) {
    return static_cast<int64_t>(std::min(value->get<uint64_t>(), uint64_t{kUnboundedPower}));
  }
  if (value->is_number_integer()) return value->get<int64_t>();
  if (version.integer_power_levels) return std::nullopt;
  if (value->is_number_float()) {
    const double level = std::trunc(value->get<double>());
    if (!(std::abs(level) <= static_cast<double>(kMaxCanonicalInteger))) return std::nullopt;
    return static_cast<int64_t>(level);
  }
  int64_t level = 0;
  if (!value->is_string() || !absl::SimpleAtoi(value->get_ref<const std::string&>(), &level)) {
    return std::nullopt;
  }
  return level;
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
    if (const auto level = ReadLevel(version, &value)) copy[key] = ToCanonicalRange(*level);
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
      if (const auto level = ReadLevel(version, &value)) copy[key] = ToCanonicalRange(*level);
    } else if (CheckCanonical(value, key).ok()) {
      copy[key] = value;
    }
  }
  std::erase_if(copy["users"].get_ref<Json::object_t&>(),
                [](const auto& user) { return !CheckUserId(user.first).ok(); });
  return copy;
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

int64_t PowerLevels::OfUser(absl::string_view user_id) const {
  const bool creator = std::find(creators_.begin(), creators_.end(), user_id) != creators_.end();
  if (creator && version_.creators_have_unbounded_power) return kUnboundedPower;
  if (!has_event_) return creator ? kCreatorLevel : 0;
  const std::optional<int64_t> level = LevelIn("users", user_id);
  return level ? *level : Level("users_default", 0);
}

int64_t PowerLevels::ForStateEvent(absl::string_view type) const {
  const std::optional<int64_t> level = LevelIn("events", type);
  return level ? *level : Level("state_default", kDefaultStateLevel);
}

int64_t PowerLevels::ForMessage(absl::string_view type) const {
  const std::optional<int64_t> level = LevelIn("events", type);
  return level ? *level : Level("events_default", 0);
}

int64_t PowerLevels::ForAction(absl::string_view action) const {
  return Level(action, action == "invite" ? 0 : 50);
}

int64_t PowerLevels::Level(absl::string_view key, int64_t fallback) const {
  return ReadLevel(version_, Find(content_, key)).value_or(fallback);
}

std::optional<int64_t> PowerLevels::LevelIn(absl::string_view map, absl::string_view key) const {
  const Json* const levels = Find(content_, map);
  return levels == nullptr ? std::nullopt : ReadLevel(version_, Find(*levels, key));
}

std::vector<std::string> Creators(const RoomVersion& version, const RoomState& state) {
  const StateEntry* const create = FindState(state, "m.room.create");
  CHECK(create != nullptr) << "a room without m.room.create";
  std::vector<std::string> creators = {version.creator_in_create_content
                                           ? StringOrEmpty(create->content, "creator")
                                           : create->sender};
  const Json* const additional = Find(create->content, "additional_creators");
  if (!version.creators_have_unbounded_power || additional == nullptr) return creators;
  for (const Json& user : *additional) {
    if (user.is_string() && user != creators.front()) creators.push_back(user);
  }
  return creators;
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
                         const RoomVersion& new_version, absl::string_view requester) {
  std::vector<std::string> creators = Creators(old_version, old_state);
  Json content = CopyLevels(old_version, StateContent(old_state, "m.room.power_levels"));
  const bool has_event = FindState(old_state, "m.room.power_levels") != nullptr;
  if (!has_event && !old_version.creators_have_unbounded_power) {
    for (const std::string& creator : creators) content["users"][creator] = kCreatorLevel;
  }

  if (new_version.creators_have_unbounded_power) {
    creators.erase(std::remove(creators.begin(), creators.end(), requester), creators.end());
  }
  if (old_version.creators_have_unbounded_power && !creators.empty()) {
    RaiseAbove(creators, content);
  }
  if (new_version.creators_have_unbounded_power) {
    content["users"].erase(std::string(requester));
    content = WithRaisedTombstoneLevel(std::move(content));
  }
  return content;
}

}  // namespace innkeeper::rooms
