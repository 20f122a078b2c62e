#include "server/rooms/event_order.h"

#include <algorithm>
#include <cstdint>
#include <queue>
#include <tuple>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "server/rooms/graph_auth.h"
#include "server/rooms/power_levels_view.h"
#include "server/rooms/room_state.h"

namespace innkeeper::rooms {
namespace {

// The level of the sender of an event, as its auth events have it.
class SenderLevels {
 public:
  SenderLevels(const RoomVersion& version, const EventGraph& graph)
      : version_(version),
        graph_(graph),
        auth_(version, graph),
        create_place_(graph.FindPlace({"m.room.create", ""})),
        power_levels_place_(graph.FindPlace({"m.room.power_levels", ""})) {}

  int64_t Of(EventIndex event) const {
    const Event* const create = Named(event, create_place_);
    if (create == nullptr) return 0;
    const Event* const power_levels = Named(event, power_levels_place_);
    const StateEntry entry = {.sender = create->sender, .content = create->content};
    return PowerLevelsView(version_, ViewCreators(version_, entry),
                           power_levels == nullptr ? nullptr : &power_levels->content)
        .OfUser(graph_.event(event).sender);
  }

 private:
  const Event* Named(EventIndex event, std::optional<PlaceIndex> place) const {
    if (!place) return nullptr;
    const std::optional<EventIndex> named = auth_.NamedAuthEvent(event, *place);
    return named ? &graph_.event(*named) : nullptr;
  }

  const RoomVersion& version_;
  const EventGraph& graph_;
  const GraphAuth auth_;
  const std::optional<PlaceIndex> create_place_;
  const std::optional<PlaceIndex> power_levels_place_;
};

// An event that could come next.
struct Candidate {
  int64_t level = 0;  // of its sender
  int64_t origin_server_ts = 0;
  absl::string_view event_id;
  EventIndex index = 0;

  // True if the other one comes first.
  bool operator<(const Candidate& other) const {
    if (level != other.level) return level < other.level;
    return std::tie(origin_server_ts, event_id) > std::tie(other.origin_server_ts, other.event_id);
  }
};

// For each event where it goes back to in the line of power levels that ends at one
// of them: 0 if nowhere, else the higher the later. The line is followed only as far as
// it takes.
class Mainline {
 public:
  Mainline(const EventGraph& graph, std::optional<EventIndex> end)
      : graph_(graph), place_(graph.FindPlace({"m.room.power_levels", ""})), next_(end) {}

  size_t PositionOf(EventIndex event) {
    std::vector<EventIndex> way;
    std::optional<EventIndex> power_levels = PowerLevelsOf(event);
    for (; power_levels; power_levels = PowerLevelsOf(*power_levels)) {
      FollowTo(*power_levels);
      if (positions_.contains(*power_levels)) break;
      way.push_back(*power_levels);
    }
    const size_t position = power_levels ? positions_[*power_levels] : 0;
    for (const EventIndex passed : way) positions_[passed] = position;
    return position;
  }

 private:
  std::optional<EventIndex> PowerLevelsOf(EventIndex event) const {
    return place_ ? graph_.AuthEventAt(event, *place_) : std::nullopt;
  }

  // Follows the line down to `event`, or where that would be: numbers fall along it.
  void FollowTo(EventIndex event) {
    for (; next_ && *next_ >= event; next_ = PowerLevelsOf(*next_)) {
      positions_[*next_] = size_t{*next_} + 1;
    }
  }

  const EventGraph& graph_;
  const std::optional<PlaceIndex> place_;
  std::optional<EventIndex> next_;                     // of the line
  absl::flat_hash_map<EventIndex, size_t> positions_;  // of power levels
};

}  // namespace

std::vector<EventIndex> ReverseTopologicalPowerOrder(const RoomVersion& version,
                                                     const EventGraph& graph,
                                                     absl::Span<const EventIndex> events) {
  // How many of the auth events are still to come, and whom that concerns.
  absl::flat_hash_map<EventIndex, size_t> missing;
  absl::flat_hash_map<EventIndex, std::vector<EventIndex>> dependents;
  for (const EventIndex event : events) missing[event] = 0;
  for (const EventIndex event : events) {
    for (const EventIndex link : graph.auth_events(event)) {
      if (!missing.contains(link)) continue;
      ++missing[event];
      dependents[link].push_back(event);
    }
  }

  std::priority_queue<Candidate> candidates;
  const SenderLevels levels(version, graph);
  const auto add = [&](EventIndex index) {
    const Event& event = graph.event(index);
    candidates.push({levels.Of(index), event.origin_server_ts, event.event_id, index});
  };
  for (const EventIndex event : events) {
    if (missing[event] == 0) add(event);
  }
  std::vector<EventIndex> ordered;
  while (!candidates.empty()) {
    const EventIndex event = candidates.top().index;
    candidates.pop();
    ordered.push_back(event);
    for (const EventIndex dependent : dependents[event]) {
      if (--missing[dependent] == 0) add(dependent);
    }
  }
  return ordered;
}

std::vector<EventIndex> MainlineOrder(const EventGraph& graph,
                                      std::optional<EventIndex> power_levels,
                                      absl::Span<const EventIndex> events) {
  Mainline mainline(graph, power_levels);
  std::vector<std::tuple<size_t, int64_t, absl::string_view, EventIndex>> keys;
  keys.reserve(events.size());
  for (const EventIndex index : events) {
    const Event& event = graph.event(index);
    keys.emplace_back(mainline.PositionOf(index), event.origin_server_ts, event.event_id, index);
  }
  std::sort(keys.begin(), keys.end());
  std::vector<EventIndex> ordered;
  ordered.reserve(keys.size());
  for (const auto& key : keys) ordered.push_back(std::get<EventIndex>(key));
  return ordered;
}

}  // namespace innkeeper::rooms
