#include "server/rooms/auth_difference.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
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

// Finds the events that are in some of several auth chains but not in all. Takes the
// events from the highest number down, so that of each it is known by then in which
// chains it is; and ends as soon as all that is left is in all of them.
class ChainComparison {
 public:
  // `is_common` says of what event it is known to be in all chains.
  ChainComparison(const EventGraph& graph, size_t chains,
                  absl::FunctionRef<bool(EventIndex)> is_common)
      : graph_(graph), chains_(chains), is_common_(is_common) {}

  // Adds an event to a chain, and so all that it leads to.
  void Add(size_t chain, EventIndex event) {
    Chains alone(chains_);
    alone[chain] = true;
    Reach(event, alone);
  }

  EventSet Difference() {
    EventSet difference;
    while (partial_ > 0) {
      const auto first = pending_.begin();
      const EventIndex event = first->first;
      const Chains chains = std::move(first->second);
      pending_.erase(first);
      if (!InAll(chains)) {
        --partial_;
        difference.insert(event);
      }
      for (const EventIndex link : graph_.auth_events(event)) Reach(link, chains);
    }
    return difference;
  }

 private:
  using Chains = std::vector<bool>;  // which ones an event is in

  static bool InAll(const Chains& chains) {
    return std::find(chains.begin(), chains.end(), false) == chains.end();
  }

  // Notes that `event` is in `chains`.
  void Reach(EventIndex event, const Chains& chains) {
    const auto [it, added] = pending_.try_emplace(event, chains_);
    Chains& known = it->second;
    if (!added && InAll(known)) return;
    const bool common = added && is_common_(event);
    for (size_t i = 0; i < chains_; ++i) known[i] = known[i] || chains[i] || common;
    const bool in_all = InAll(known);
    if (added && !in_all) ++partial_;
    if (!added && in_all) --partial_;
  }

  const EventGraph& graph_;
  const size_t chains_;
  const absl::FunctionRef<bool(EventIndex)> is_common_;
  // Those reached but not taken yet.
  absl::btree_map<EventIndex, Chains, std::greater<>> pending_;
  size_t partial_ = 0;  // how many of them are not in all chains
};

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
  for (const std::vector<EventIndex>& of_one : disputed) {
    events.insert(of_one.begin(), of_one.end());
  }
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
  ChainComparison comparison(graph, conflict.disputed.size(), is_agreed);
  for (size_t chain = 0; chain < conflict.disputed.size(); ++chain) {
    for (const EventIndex event : conflict.disputed[chain]) comparison.Add(chain, event);
  }
  EventSet difference = comparison.Difference();
  for (const EventIndex event : conflict.DisputedEvents()) difference.erase(event);
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
