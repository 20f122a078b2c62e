#include "server/rooms/state_resolution_v1.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <glog/logging.h>

#include "absl/container/btree_map.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "server/rooms/graph_auth.h"

namespace innkeeper::rooms {
namespace {

using Disputes = absl::btree_map<PlaceIndex, std::vector<EventIndex>>;
using Sha1Hash = std::array<unsigned char, 20>;

// The types of events that decide whether others are allowed, in the order in which
// they are resolved.
constexpr absl::string_view kDecidingTypes[] = {"m.room.power_levels", "m.room.join_rules",
                                                "m.room.member"};

Sha1Hash Sha1(absl::string_view bytes) {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  CHECK(algorithm != nullptr) << "OpenSSL has no SHA-1";
  Sha1Hash hash;
  CHECK_EQ(EVP_Digest(bytes.data(), bytes.size(), hash.data(), nullptr, algorithm, nullptr), 1);
  return hash;
}

// Sorts by ascending depth, then descending SHA-1 of the event id.
void SortByDepth(const EventGraph& graph, std::vector<EventIndex>& events) {
  std::vector<std::pair<std::pair<int64_t, Sha1Hash>, EventIndex>> keyed;
  for (const EventIndex index : events) {
    const Event& event = graph.event(index);
    // Descending by the hash is ascending by its complement.
    Sha1Hash complement = Sha1(event.event_id);
    for (unsigned char& byte : complement) byte = static_cast<unsigned char>(~byte);
    keyed.push_back({{event.depth, complement}, index});
  }
  std::sort(keyed.begin(), keyed.end());
  std::transform(keyed.begin(), keyed.end(), events.begin(),
                 [](const auto& entry) { return entry.second; });
}

// Returns the events in dispute by their places, sorted. An entry that other states
// merely lack is not in dispute here: it goes to `resolved`.
Disputes TakeDisputes(const EventGraph& graph, const StateConflict& conflict, StateSet& resolved) {
  Disputes disputes;
  for (const EventIndex event : conflict.DisputedEvents()) {
    disputes[*graph.place(event)].push_back(event);
  }
  for (auto it = disputes.begin(); it != disputes.end();) {
    if (it->second.size() == 1) {
      resolved.Set(it->first, it->second.front());
      it = disputes.erase(it);
    } else {
      SortByDepth(graph, it->second);
      ++it;
    }
  }
  return disputes;
}

// Returns the last of `events`, which all set `place`, that is allowed where the one
// before it stands in `state`, up to the first that isn't.
EventIndex LastInLine(GraphAuth& auth, StateSet state, PlaceIndex place,
                      absl::Span<const EventIndex> events) {
  EventIndex last = events.front();
  for (const EventIndex event : events.subspan(1)) {
    state.Set(place, last);
    if (!auth.CheckIn(state, event).ok()) break;
    last = event;
  }
  return last;
}

// Returns the last of `events` that is allowed in `state`, or the first.
EventIndex LastAllowed(GraphAuth& auth, const StateSet& state,
                       absl::Span<const EventIndex> events) {
  const auto allowed = std::find_if(events.rbegin(), events.rend(), [&](EventIndex event) {
    return auth.CheckIn(state, event).ok();
  });
  return allowed == events.rend() ? events.front() : *allowed;
}

}  // namespace

StateSet ResolveStateV1(const RoomVersion& version, const EventGraph& graph,
                        const StateConflict& conflict) {
  GraphAuth auth(version, graph);
  StateSet resolved = conflict.agreed;
  Disputes disputes = TakeDisputes(graph, conflict, resolved);
  for (const absl::string_view type : kDecidingTypes) {
    const StateSet before = resolved;
    for (auto it = disputes.begin(); it != disputes.end();) {
      if (graph.key(it->first).type != type) {
        ++it;
        continue;
      }
      resolved.Set(it->first, LastInLine(auth, before, it->first, it->second));
      it = disputes.erase(it);
    }
  }
  const StateSet before = resolved;
  for (const auto& [place, events] : disputes) {
    resolved.Set(place, LastAllowed(auth, before, events));
  }
  return resolved;
}

}  // namespace innkeeper::rooms
