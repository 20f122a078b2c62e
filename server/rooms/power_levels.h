// File: server/rooms/power_levels.h
//
// Who may do what in a room: m.room.power_levels and the levels that are implied
// where it is silent. Pure functions.
//
// Source: Matrix client-server API, "m.room.power_levels"; room version 12 for
// creators with unbounded power.

#ifndef INNKEEPER_SERVER_ROOMS_POWER_LEVELS_H_
#define INNKEEPER_SERVER_ROOMS_POWER_LEVELS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/rooms/json.h"
#include "server/rooms/power_levels_view.h"
#include "server/rooms/room_state.h"
#include "server/rooms/room_version.h"

namespace innkeeper::rooms {

// The power levels in force in a room. Holds copies, so that it may outlive what
// it was made from; for a look at them see PowerLevelsView.
class PowerLevels {
 public:
  // Reads them from `state`, which must have its m.room.create.
  PowerLevels(const RoomVersion& version, const RoomState& state);

  // The levels of a room of `creators` with `content` as its m.room.power_levels.
  PowerLevels(const RoomVersion& version, std::vector<std::string> creators, Json content);

  // As in PowerLevelsView.
  int64_t OfUser(absl::string_view user_id) const { return View().OfUser(user_id); }
  int64_t OfAnybody() const { return View().OfAnybody(); }
  int64_t ForStateEvent(absl::string_view type) const { return View().ForStateEvent(type); }
  int64_t ForMessage(absl::string_view type) const { return View().ForMessage(type); }
  int64_t ForAction(absl::string_view action) const { return View().ForAction(action); }

 private:
  PowerLevelsView View() const;

  const RoomVersion& version_;
  std::vector<std::string> creators_;
  bool has_event_;
  Json content_;
};

// The creators of the room: the creator that m.room.create names, and in
// versions where creators have unbounded power its additional_creators.
std::vector<std::string> Creators(const RoomVersion& version, const RoomState& state);

// The content of m.room.power_levels in a new room before the preset and the
// creator's override.
Json DefaultPowerLevels(const RoomVersion& version, absl::string_view creator);

// Returns OK if `content` can be the content of an m.room.power_levels in every
// version, with no level above `highest`: it is canonical JSON, levels are
// integers, `events`, `notifications` and `users` are objects of levels, the keys of
// `users` are user ids. Otherwise INVALID_ARGUMENT with a BadRequest that names
// each wrong place by its path, starting from `field`.
absl::Status CheckPowerLevels(const Json& content, absl::string_view field,
                              int64_t highest = kMaxCanonicalInteger);

// Returns `content`, which has passed CheckPowerLevels, with the level for
// m.room.tombstone that a room needs whose creators have unbounded power: at
// least 150, above state_default, and not lower than it was.
Json WithRaisedTombstoneLevel(Json content);

// Returns `base` with the changes in `override`: the maps `users`, `events` and
// `notifications` merged key by key, other keys replaced.
Json MergePowerLevels(Json base, const Json& override);

// The content of m.room.power_levels for a room of `new_version`, created by
// `new_creators`, that replaces one with the state `old_state`. Nobody but creators
// gains or loses power: levels are copied as integers; the new creators leave `users`
// where creators have unbounded power; old creators who lose unbounded power get the
// highest expressible level with everybody else capped one below; the tombstone level
// is raised where creators have unbounded power, as in WithRaisedTombstoneLevel. What
// is no level, or no user id, is not copied.
Json UpgradedPowerLevels(const RoomVersion& old_version, const RoomState& old_state,
                         const RoomVersion& new_version,
                         const std::vector<std::string>& new_creators);

// Returns what m.room.power_levels become in a room that is replaced: as they are,
// with `events_default` and `invite` raised to 50, or above users_default if that is
// more. Where there is no such event, the new one leaves the creators the power that
// they have without. nullopt if everybody has the highest level that can be written.
std::optional<Json> LockedPowerLevels(const RoomVersion& version, const RoomState& state);

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_POWER_LEVELS_H_
