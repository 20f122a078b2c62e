#include "server/rooms/state_resolution.h"

#include <algorithm>

#include <glog/logging.h>

#include "server/rooms/auth_difference.h"
#include "server/rooms/state_resolution_v1.h"
#include "server/rooms/state_resolution_v2.h"

namespace innkeeper::rooms {

StateSet ResolveState(const RoomVersion& version, const EventGraph& graph,
                      absl::Span<const StateSet> states) {
  CHECK(!states.empty());
  const StateConflict conflict = FindConflict(states);
  const bool disputed = std::any_of(conflict.disputed.begin(), conflict.disputed.end(),
                                    [](const auto& events) { return !events.empty(); });
  if (!disputed) return states[0];
  switch (version.state_resolution) {
    case StateResolution::kV1:
      return ResolveStateV1(version, graph, conflict);
    case StateResolution::kV2:
      return ResolveStateV2(version, graph, conflict);
    case StateResolution::kV2_1:
      return ResolveStateV21(version, graph, conflict);
  }
  LOG(FATAL) << "no such algorithm of state resolution";
}

}  // namespace innkeeper::rooms
