#include "server/rooms/event_graph.h"

#include <algorithm>

#include <glog/logging.h>

namespace innkeeper::rooms {

EventIndex EventGraph::Add(Event event) {
  const auto index = static_cast<EventIndex>(nodes_.size());
  Node& node = nodes_.emplace_back();
  node.prev_events = LinksTo(event.prev_events);
  node.auth_events = LinksTo(event.auth_events);
  if (event.state_key) node.place = AddPlace({event.type, *event.state_key});
  node.event = std::move(event);
  const bool added = by_id_.emplace(node.event.event_id, index).second;
  CHECK(added) << "two events " << node.event.event_id;
  return index;
}

std::vector<Event> EventGraph::TakeEvents() {
  std::vector<Event> events;
  events.reserve(nodes_.size());
  for (Node& node : nodes_) events.push_back(std::move(node.event));
  return events;
}

std::optional<EventIndex> EventGraph::Find(absl::string_view event_id) const {
  const auto it = by_id_.find(event_id);
  return it == by_id_.end() ? std::nullopt : std::optional(it->second);
}

std::optional<EventIndex> EventGraph::AuthEventAt(EventIndex index, PlaceIndex place) const {
  const Links& links = nodes_[index].auth_events;
  const auto it = std::find_if(links.begin(), links.end(),
                               [&](EventIndex link) { return nodes_[link].place == place; });
  return it == links.end() ? std::nullopt : std::optional(*it);
}

std::optional<PlaceIndex> EventGraph::FindPlace(const StateKey& key) const {
  const auto it = places_.find({key.type, key.state_key});
  return it == places_.end() ? std::nullopt : std::optional(it->second);
}

EventGraph::Links EventGraph::LinksTo(absl::Span<const EventReference> references) const {
  Links links;
  for (const EventReference& reference : references) {
    const std::optional<EventIndex> index = Find(reference.event_id);
    if (index && std::find(links.begin(), links.end(), *index) == links.end()) {
      links.push_back(*index);
    }
  }
  return links;
}

PlaceIndex EventGraph::AddPlace(StateKey key) {
  if (const std::optional<PlaceIndex> place = FindPlace(key)) return *place;
  const auto place = static_cast<PlaceIndex>(keys_.size());
  const StateKey& added = keys_.emplace_back(std::move(key));
  places_.emplace(std::make_pair(absl::string_view(added.type), absl::string_view(added.state_key)),
                  place);
  return place;
}

}  // namespace innkeeper::rooms
