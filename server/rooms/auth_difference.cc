#include "server/rooms/auth_difference.h"

#include <algorithm>
#include <cstddef>
#include <optional>

#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"

namespace innkeeper::rooms {
namespace {

using EventSet = absl::flat_hash_set<EventIndex>;

// Visits `roots` and what can be reached from them by auth events, each event once.
// Goes on behind an event only if `visit` returns true.
void WalkAuthChain(const EventGraph& graph, std::vector<EventIndex> roots,
                   absl::FunctionRef<bool(EventIndex)> visit) {
  EventSet seen(roots.begin(), roots.end());
  std::vector<EventIndex>& pending = roots;
  while (!pending.empty()) {
    const EventIndex event = pending.back();
    pending.pop_back();
    if (!visit(event)) continue;
    for (const EventIndex next : graph.auth_events(event)) {
      if (seen.insert(next).second) pending.push_back(next);
    }
  }
}

// Removes from `events`, which are not agreed on themselves, those that agreed ones
// lead to.
void RemoveAgreed(const EventGraph& graph, const StateSet& agreed, EventSet& events) {
  if (events.empty()) return;
  // An event leads only to events with lower numbers.
  const EventIndex lowest = *std::min_element(events.begin(), events.end());
  std::vector<EventIndex> roots;
  agreed.ForEach([&](PlaceIndex, EventIndex event) {
    if (event > lowest) roots.push_back(event);
  });
  WalkAuthChain(graph, std::move(roots), [&](EventIndex event) {
    events.erase(event);
    return event > lowest;
  });
}

std::vector<EventIndex> Sorted(const EventSet& events) {
  std::vector<EventIndex> sorted(events.begin(), events.end());
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

}  // namespace

std::vector<EventIndex> StateConflict::DisputedEvents() const {
  EventSet events;
  for (const std::vector<EventIndex>& of_one : disputed)
    events.insert(of_one.begin(), of_one.end());
  return Sorted(events);
}

StateConflict FindConflict(absl::Span<const StateSet> states) {
  absl::btree_set<PlaceIndex> places;
  for (const StateSet& state : states.subspan(1)) {
    StateSet::ForEachDifference(states[0], state, [&](PlaceIndex place) { places.insert(place); });
  }
  StateConflict conflict{.agreed = states[0]};
  for (const PlaceIndex place : places) conflict.agreed.Erase(place);
  for (const StateSet& state : states) {
    std::vector<EventIndex>& events = conflict.disputed.emplace_back();
    for (const PlaceIndex place : places) {
      if (const std::optional<EventIndex> event = state.Find(place)) events.push_back(*event);
    }
  }
  return conflict;
}

std::vector<EventIndex> AuthDifference(const EventGraph& graph, const StateConflict& conflict) {
  const auto is_agreed = [&](EventIndex event) {
    const std::optional<PlaceIndex> place = graph.place(event);
    return place && conflict.agreed.Find(*place) == event;
  };
  // In how many chains an event is that no agreed one was met before.
  absl::flat_hash_map<EventIndex, size_t> chains;
  for (const std::vector<EventIndex>& events : conflict.disputed) {
    WalkAuthChain(graph, events, [&](EventIndex event) {
      if (is_agreed(event)) return false;
      ++chains[event];
      return true;
    });
  }
  const std::vector<EventIndex> disputed = conflict.DisputedEvents();
  EventSet difference;
  for (const auto& [event, count] : chains) {
    if (count < conflict.disputed.size()) difference.insert(event);
  }
  for (const EventIndex event : disputed) difference.erase(event);
  RemoveAgreed(graph, conflict.agreed, difference);
  return Sorted(difference);
}

std::vector<EventIndex> AuthSubgraph(const EventGraph& graph, absl::Span<const EventIndex> events) {
  if (events.empty()) return {};
  const EventSet ends(events.begin(), events.end());
  const EventIndex lowest = *std::min_element(events.begin(), events.end());
  std::vector<EventIndex> above;
  WalkAuthChain(graph, {events.begin(), events.end()}, [&](EventIndex event) {
    above.push_back(event);
    return event > lowest;
  });
  std::sort(above.begin(), above.end());

  EventSet subgraph;
  for (const EventIndex event : above) {
    const auto links = graph.auth_events(event);
    const bool leads_there = std::any_of(links.begin(), links.end(),
                                         [&](EventIndex link) { return subgraph.contains(link); });
    if (leads_there || ends.contains(event)) subgraph.insert(event);
  }
  return Sorted(subgraph);
}

}  // namespace innkeeper::rooms
