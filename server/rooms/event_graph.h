// File: server/rooms/event_graph.h
//
// The events of a room and how they refer to each other, by numbers: events and
// places in the state are numbered, so that walking over many of them is cheap.

#ifndef INNKEEPER_SERVER_ROOMS_EVENT_GRAPH_H_
#define INNKEEPER_SERVER_ROOMS_EVENT_GRAPH_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "server/rooms/event.h"
#include "server/rooms/room_state.h"

namespace innkeeper::rooms {

// The number of an event in a graph: 0, 1, ... in the order in which they were
// added.
using EventIndex = uint32_t;

// The number of a place in the state: of a type and state key that an event of the
// graph has.
using PlaceIndex = uint32_t;

// Owns the events. Movable. Not thread-safe while events are added, thread-safe
// then.
class EventGraph {
 public:
  EventGraph() = default;
  EventGraph(EventGraph&&) = default;
  EventGraph& operator=(EventGraph&&) = default;

  // Adds an event, whose id no other event of the graph has. It is linked to the
  // events that it refers to as far as they are there already; links to others are
  // left out for good. So there are no cycles, and an event's number is above those
  // of all events that it can be followed to.
  EventIndex Add(Event event);

  size_t size() const { return nodes_.size(); }

  // Gives the events away, in the order of their numbers. The graph must not be used
  // after that.
  std::vector<Event> TakeEvents();

  // Returns the event of this id.
  std::optional<EventIndex> Find(absl::string_view event_id) const;

  // All of these want a number that Add returned.
  const Event& event(EventIndex index) const { return nodes_[index].event; }
  absl::Span<const EventIndex> prev_events(EventIndex index) const {
    return nodes_[index].prev_events;
  }
  absl::Span<const EventIndex> auth_events(EventIndex index) const {
    return nodes_[index].auth_events;
  }

  // The place in the state that the event sets; nullopt if it is no state event.
  std::optional<PlaceIndex> place(EventIndex index) const { return nodes_[index].place; }

  // Returns the one of the event's auth events that sets `place`.
  std::optional<EventIndex> AuthEventAt(EventIndex index, PlaceIndex place) const;

  // Returns the number of a place; nullopt if no event of the graph sets it.
  std::optional<PlaceIndex> FindPlace(const StateKey& key) const;

  // The place of this number, which must be one.
  const StateKey& key(PlaceIndex place) const { return keys_[place]; }

 private:
  using Links = absl::InlinedVector<EventIndex, 4>;

  struct Node {
    Event event;
    Links prev_events;
    Links auth_events;
    std::optional<PlaceIndex> place;
  };

  Links LinksTo(absl::Span<const EventReference> references) const;
  PlaceIndex AddPlace(StateKey key);

  // Elements of a deque stay where they are: the maps refer to them.
  std::deque<Node> nodes_;
  std::deque<StateKey> keys_;
  absl::flat_hash_map<absl::string_view, EventIndex> by_id_;
  absl::flat_hash_map<std::pair<absl::string_view, absl::string_view>, PlaceIndex> places_;
};

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_EVENT_GRAPH_H_
