// File: server/rooms/auth_difference.h
//
// Which events two or more states of a room must be resolved over. Pure functions.
//
// Source: Matrix specification, room versions 2 and 12, "State resolution",
// "Definitions".

#ifndef INNKEEPER_SERVER_ROOMS_AUTH_DIFFERENCE_H_
#define INNKEEPER_SERVER_ROOMS_AUTH_DIFFERENCE_H_

#include <vector>

#include "absl/types/span.h"
#include "server/rooms/event_graph.h"
#include "server/rooms/state_set.h"

namespace innkeeper::rooms {

// States of one room, taken apart.
struct StateConflict {
  // The entries that the states have in common.
  StateSet agreed;
  // For each state the events of its other entries.
  std::vector<std::vector<EventIndex>> disputed;

  // The events of all `disputed`, each once, ascending.
  std::vector<EventIndex> DisputedEvents() const;
};

// Takes `states`, at least one, apart: an entry is in `agreed` if every one of them
// has it.
StateConflict FindConflict(absl::Span<const StateSet> states);

// Returns, ascending, the events that are in the auth chains of some of the states
// but not of all: the auth difference. It may lack events that are disputed, which
// are resolved over anyway.
//
// An event of a state counts as one of that state's auth chain, as with other
// servers. The specification, taken by the word, leaves it out unless another event
// of the state leads to it.
//
// Takes time in proportion to the auth chains of the disputed events down to where they
// meet; only if they differ in more than those events, to the size of the state too.
std::vector<EventIndex> AuthDifference(const EventGraph& graph, const StateConflict& conflict);

// Returns, ascending, the events on the ways that lead from one of `events` to
// another by auth events, both ends included: the conflicted state subgraph.
std::vector<EventIndex> AuthSubgraph(const EventGraph& graph, absl::Span<const EventIndex> events);

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_AUTH_DIFFERENCE_H_
