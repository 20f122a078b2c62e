// File: server/rooms/state_set.h
//
// Which event of a graph stands at which place of the state, for many moments of
// a room at once. A value type: copies share what they have in common.

#ifndef INNKEEPER_SERVER_ROOMS_STATE_SET_H_
#define INNKEEPER_SERVER_ROOMS_STATE_SET_H_

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "absl/functional/function_ref.h"
#include "server/rooms/event_graph.h"

namespace innkeeper::rooms {

// A map from places to events. A copy costs nothing at first; the first change
// behind a copy costs a small part of the map. Not thread-safe: a set and its copies
// belong to one thread.
class StateSet {
 public:
  std::optional<EventIndex> Find(PlaceIndex place) const;

  void Set(PlaceIndex place, EventIndex event);
  void Erase(PlaceIndex place);

  // Visits the entries in the order of their places.
  void ForEach(absl::FunctionRef<void(PlaceIndex, EventIndex)> visit) const;

  // Visits, in order, the places at which `a` and `b` differ, those included where
  // only one has an entry. Fast where they are related by copying.
  static void ForEachDifference(const StateSet& a, const StateSet& b,
                                absl::FunctionRef<void(PlaceIndex)> visit);

  bool operator==(const StateSet& other) const;

 private:
  static constexpr size_t kChunkPlaces = 128;

  // A part of the map; kNoEvent where there is no entry. Shared, and not changed
  // then.
  using Chunk = std::array<EventIndex, kChunkPlaces>;
  using Chunks = std::vector<std::shared_ptr<Chunk>>;

  static constexpr EventIndex kNoEvent = ~EventIndex{0};

  // The chunk with this number; nullptr if it has no entries.
  const Chunk* FindChunk(size_t number) const;

  // The entry at `place`, to be changed: in a chunk that no other set shares.
  EventIndex& Writable(PlaceIndex place);

  std::shared_ptr<Chunks> chunks_;  // null if empty
};

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_STATE_SET_H_
