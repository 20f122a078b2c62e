#include "server/rooms/state_resolution_v2.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/types/span.h"
#include "server/rooms/event_order.h"
#include "server/rooms/graph_auth.h"

namespace innkeeper::rooms {
namespace {

using EventSet = absl::flat_hash_set<EventIndex>;

// True if the event may take away what somebody is allowed.
bool IsPowerEvent(const Event& event) {
  if (event.type == "m.room.power_levels" || event.type == "m.room.join_rules") {
    return event.state_key == "";
  }
  if (event.type != "m.room.member" || event.sender == event.state_key) return false;
  const std::string membership = StringOrEmpty(event.content, "membership");
  return membership == "leave" || membership == "ban";
}

// Returns the power events of `full`, the full conflicted set, and those that they
// lead to within it.
EventSet WithPowerEvents(const EventGraph& graph, const EventSet& full) {
  EventSet chosen;
  std::vector<EventIndex> pending;
  const auto choose = [&](EventIndex event) {
    if (chosen.insert(event).second) pending.push_back(event);
  };
  for (const EventIndex event : full) {
    if (IsPowerEvent(graph.event(event))) choose(event);
  }
  while (!pending.empty()) {
    const EventIndex event = pending.back();
    pending.pop_back();
    for (const EventIndex link : graph.auth_events(event)) {
      if (full.contains(link)) choose(link);
    }
  }
  return chosen;
}

// Puts each of `events` into `state`, in their order, if it is allowed there.
void ApplyAllowed(const EventGraph& graph, GraphAuth& auth, absl::Span<const EventIndex> events,
                  StateSet& state) {
  for (const EventIndex event : events) {
    if (auth.CheckInOrByAuthEvents(state, event).ok()) state.Set(*graph.place(event), event);
  }
}

// Returns what comes of resolving over `full`, starting from `state`, with what is
// agreed put over it.
StateSet Resolve(const RoomVersion& version, const EventGraph& graph, const StateSet& agreed,
                 const EventSet& full, StateSet state) {
  GraphAuth auth(version, graph);
  const EventSet first = WithPowerEvents(graph, full);
  std::vector<EventIndex> power_events;
  std::vector<EventIndex> others;
  for (const EventIndex event : full) {
    (first.contains(event) ? power_events : others).push_back(event);
  }
  ApplyAllowed(graph, auth, ReverseTopologicalPowerOrder(version, graph, power_events), state);
  const std::optional<PlaceIndex> place = graph.FindPlace({"m.room.power_levels", ""});
  const std::optional<EventIndex> power_levels = place ? state.Find(*place) : std::nullopt;
  ApplyAllowed(graph, auth, MainlineOrder(graph, power_levels, others), state);

  StateSet resolved = agreed;
  for (const EventIndex event : full) {
    const PlaceIndex changed = *graph.place(event);
    const std::optional<EventIndex> stands = state.Find(changed);
    if (stands && !agreed.Find(changed)) resolved.Set(changed, *stands);
  }
  return resolved;
}

// Returns the events that both algorithms resolve over.
EventSet ConflictedSet(const EventGraph& graph, const StateConflict& conflict,
                       absl::Span<const EventIndex> disputed) {
  EventSet full(disputed.begin(), disputed.end());
  for (const EventIndex event : AuthDifference(graph, conflict)) full.insert(event);
  return full;
}

}  // namespace

StateSet ResolveStateV2(const RoomVersion& version, const EventGraph& graph,
                        const StateConflict& conflict) {
  const EventSet full = ConflictedSet(graph, conflict, conflict.DisputedEvents());
  return Resolve(version, graph, conflict.agreed, full, conflict.agreed);
}

StateSet ResolveStateV21(const RoomVersion& version, const EventGraph& graph,
                         const StateConflict& conflict) {
  const std::vector<EventIndex> disputed = conflict.DisputedEvents();
  EventSet full = ConflictedSet(graph, conflict, disputed);
  for (const EventIndex event : AuthSubgraph(graph, disputed)) full.insert(event);
  return Resolve(version, graph, conflict.agreed, full, StateSet());
}

}  // namespace innkeeper::rooms
