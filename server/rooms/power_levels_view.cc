#include "server/rooms/power_levels_view.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"

namespace innkeeper::rooms {
namespace {

// One step away from either end of the type, so that a level can be counted up or
// down by one.
constexpr int64_t kHighestLevel = kUnboundedPower - 1;

int64_t Saturated(int64_t level) { return std::clamp(level, -kHighestLevel, kHighestLevel); }

std::optional<int64_t> ReadFraction(const RoomVersion& version, double value) {
  const double level = std::trunc(value);
  if (version.strict_canonical_json) return std::nullopt;
  if (!(std::abs(level) <= static_cast<double>(kMaxCanonicalInteger))) return std::nullopt;
  return static_cast<int64_t>(level);
}

// Reads an integer of any length.
std::optional<int64_t> ReadText(absl::string_view text) {
  int64_t level = 0;
  if (absl::SimpleAtoi(text, &level)) return Saturated(level);
  text = absl::StripAsciiWhitespace(text);
  const bool negative = absl::ConsumePrefix(&text, "-");
  if (!negative) absl::ConsumePrefix(&text, "+");
  if (text.empty() || !std::all_of(text.begin(), text.end(), absl::ascii_isdigit)) {
    return std::nullopt;
  }
  return negative ? -kHighestLevel : kHighestLevel;
}

}  // namespace

std::optional<int64_t> ReadLevel(const RoomVersion& version, const Json& value) {
  if (value.is_number_unsigned()) {
    return static_cast<int64_t>(std::min(value.get<uint64_t>(), uint64_t{kHighestLevel}));
  }
  if (value.is_number_integer()) return Saturated(value.get<int64_t>());
  if (version.integer_power_levels) return std::nullopt;
  if (value.is_number_float()) return ReadFraction(version, value.get<double>());
  return value.is_string() ? ReadText(value.get_ref<const std::string&>()) : std::nullopt;
}

CreatorViews ViewCreators(const RoomVersion& version, const StateEntry& create) {
  CreatorViews creators = {version.creator_in_create_content
                               ? StringViewOrEmpty(create.content, "creator")
                               : absl::string_view(create.sender)};
  if (!version.creators_have_unbounded_power) return creators;
  const Json* const additional = FindMember(create.content, "additional_creators");
  if (additional == nullptr) return creators;
  for (const Json& user : *additional) {
    if (!user.is_string()) continue;
    const absl::string_view creator = user.get_ref<const std::string&>();
    if (creator != creators.front()) creators.push_back(creator);
  }
  return creators;
}

PowerLevelsView::PowerLevelsView(const RoomVersion& version, CreatorViews creators,
                                 const Json* content)
    : version_(version), creators_(std::move(creators)), content_(content) {}

PowerLevelsView::PowerLevelsView(const RoomVersion& version, const StateEntry& create,
                                 const RoomState& state)
    : version_(version), creators_(ViewCreators(version, create)), content_(nullptr) {
  const StateEntry* const levels = FindState(state, "m.room.power_levels");
  if (levels != nullptr) content_ = &levels->content;
}

bool PowerLevelsView::IsCreator(absl::string_view user_id) const {
  return std::find(creators_.begin(), creators_.end(), user_id) != creators_.end();
}

bool PowerLevelsView::IsUnbounded(absl::string_view user_id) const {
  return version_.creators_have_unbounded_power && IsCreator(user_id);
}

int64_t PowerLevelsView::OfUser(absl::string_view user_id) const {
  if (IsUnbounded(user_id)) return kUnboundedPower;
  if (content_ == nullptr) return IsCreator(user_id) ? kCreatorLevel : 0;
  const std::optional<int64_t> level = LevelIn("users", user_id);
  return level ? *level : OfAnybody();
}

int64_t PowerLevelsView::OfAnybody() const { return Level("users_default", 0); }

int64_t PowerLevelsView::ForStateEvent(absl::string_view type) const {
  const std::optional<int64_t> level = LevelIn("events", type);
  return level ? *level : Level("state_default", kDefaultStateLevel);
}

int64_t PowerLevelsView::ForMessage(absl::string_view type) const {
  const std::optional<int64_t> level = LevelIn("events", type);
  return level ? *level : Level("events_default", 0);
}

int64_t PowerLevelsView::ForAction(absl::string_view action) const {
  return Level(action, action == "invite" ? 0 : 50);
}

int64_t PowerLevelsView::Level(absl::string_view key, int64_t fallback) const {
  const Json* const value = content_ == nullptr ? nullptr : FindMember(*content_, key);
  return value == nullptr ? fallback : ReadLevel(version_, *value).value_or(fallback);
}

std::optional<int64_t> PowerLevelsView::LevelIn(absl::string_view map,
                                                absl::string_view key) const {
  const Json* const levels = content_ == nullptr ? nullptr : FindMember(*content_, map);
  const Json* const value = levels == nullptr ? nullptr : FindMember(*levels, key);
  return value == nullptr ? std::nullopt : ReadLevel(version_, *value);
}

}  // namespace innkeeper::rooms
