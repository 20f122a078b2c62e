// File: server/rooms/power_levels_view.h
//
// Who may do what in a room, read where it stands: nothing of m.room.power_levels
// is copied or parsed, since the rules ask for a few levels of it with every event.
//
// Source: Matrix client-server API, "m.room.power_levels"; room version 12 for
// creators with unbounded power.

#ifndef INNKEEPER_SERVER_ROOMS_POWER_LEVELS_VIEW_H_
#define INNKEEPER_SERVER_ROOMS_POWER_LEVELS_VIEW_H_

#include <cstdint>
#include <limits>
#include <optional>

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "server/rooms/json.h"
#include "server/rooms/room_state.h"
#include "server/rooms/room_version.h"

namespace innkeeper::rooms {

// Above every level that can be written down: the power of creators in
// version 12.
inline constexpr int64_t kUnboundedPower = std::numeric_limits<int64_t>::max();

// The level of the creator of a room without m.room.power_levels, where creators
// have no unbounded power.
inline constexpr int64_t kCreatorLevel = 100;

// The level needed to set state of which m.room.power_levels says nothing.
inline constexpr int64_t kDefaultStateLevel = 50;

// Reads a level as `version` does; nullopt if it is none there. Versions that take
// more than integers take what Python's int() takes: strings may have spaces around
// and a sign, and in versions without strict canonical JSON fractions are cut off.
// Never kUnboundedPower: levels as high or higher count as one less, and as far down.
std::optional<int64_t> ReadLevel(const RoomVersion& version, const Json& value);

using CreatorViews = absl::InlinedVector<absl::string_view, 1>;

// The creators of the room that begins with `create`: the creator that it names,
// and in versions where creators have unbounded power its additional_creators.
// Points into `create`.
CreatorViews ViewCreators(const RoomVersion& version, const StateEntry& create);

// The power levels in force in a room. What it is made from must outlive it,
// unchanged. A key whose value is no level counts as one that is not there.
class PowerLevelsView {
 public:
  // The levels of a room of `creators` with `content` as its m.room.power_levels,
  // or without any if that is nullptr.
  PowerLevelsView(const RoomVersion& version, CreatorViews creators, const Json* content);

  // Those of the room that begins with `create` and has `state`.
  PowerLevelsView(const RoomVersion& version, const StateEntry& create, const RoomState& state);

  // True if creators have unbounded power here and `user_id` is one of them.
  bool IsUnbounded(absl::string_view user_id) const;

  // The level of `user_id`; kUnboundedPower for a creator in version 12.
  int64_t OfUser(absl::string_view user_id) const;

  // The level of everybody whom neither `users` nor m.room.create names.
  int64_t OfAnybody() const;

  // The level needed to send an event of `type`.
  int64_t ForStateEvent(absl::string_view type) const;
  int64_t ForMessage(absl::string_view type) const;

  // The level needed for an action: "invite", "kick", "ban" or "redact".
  int64_t ForAction(absl::string_view action) const;

  // The content of m.room.power_levels; nullptr if the room has none.
  const Json* content() const { return content_; }

 private:
  bool IsCreator(absl::string_view user_id) const;

  // The level under `key` of the content, or `fallback`.
  int64_t Level(absl::string_view key, int64_t fallback) const;

  // The level under `key` of the object under `map` of the content, or nullopt.
  std::optional<int64_t> LevelIn(absl::string_view map, absl::string_view key) const;

  const RoomVersion& version_;
  CreatorViews creators_;
  const Json* content_;
};

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_POWER_LEVELS_VIEW_H_
