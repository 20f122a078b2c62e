#include "server/rooms/graph_auth.h"

#include <cstddef>
#include <string>

#include "absl/strings/str_cat.h"
#include "server/rooms/auth_events.h"
#include "server/rooms/auth_rules.h"
#include "server/rooms/power_levels_view.h"

namespace innkeeper::rooms {
namespace {

// How many contents are kept: enough that those in use stay.
constexpr size_t kMaxKept = 1000;

}  // namespace

absl::Status GraphAuth::CheckIn(const StateSet& state, EventIndex event) {
  return Check(event, [&](PlaceIndex place) { return state.Find(place); });
}

absl::Status GraphAuth::CheckInOrByAuthEvents(const StateSet& state, EventIndex event) {
  return Check(event, [&](PlaceIndex place) {
    const std::optional<EventIndex> found = state.Find(place);
    return found ? found : NamedAuthEvent(event, place);
  });
}

std::optional<EventIndex> GraphAuth::NamedAuthEvent(EventIndex event, PlaceIndex place) const {
  const std::optional<EventIndex> named = graph_.AuthEventAt(event, place);
  const StateKey& key = graph_.key(place);
  if (named || !version_.create_event_implied || key.type != "m.room.create") return named;
  const std::string& room_id = graph_.event(event).room_id;
  return room_id.empty() ? std::nullopt : graph_.Find(absl::StrCat("$", room_id.substr(1)));
}

bool GraphAuth::MayRedactIn(const StateSet& state, EventIndex event) {
  Gather({{"m.room.create", ""}, {"m.room.power_levels", ""}},
         [&](PlaceIndex place) { return state.Find(place); });
  const StateEntry* const create = FindState(state_, "m.room.create");
  if (create == nullptr) return false;
  const PowerLevelsView levels(version_, *create, state_);
  return levels.OfUser(graph_.event(event).sender) >= levels.ForAction("redact");
}

absl::Status GraphAuth::Check(EventIndex index, Lookup find) {
  const Event& event = graph_.event(index);
  Gather(AuthStateKeys(version_, event.type, event.sender, event.state_key, event.content), find);
  return CheckAuthRules(version_, event, state_);
}

void GraphAuth::Gather(absl::Span<const StateKey> keys, Lookup find) {
  if (state_.size() > kMaxKept) state_.clear();
  for (const StateKey& key : keys) {
    const std::optional<PlaceIndex> place = graph_.FindPlace(key);
    const std::optional<EventIndex> found = place ? find(*place) : std::nullopt;
    const auto kept = state_.find(key);
    if (!found) {
      if (kept != state_.end()) state_.erase(kept);
      continue;
    }
    const Event& wanted = graph_.event(*found);
    if (kept == state_.end() || kept->second.reference.event_id != wanted.event_id) {
      ApplyEvent(state_, version_, wanted);
    }
  }
}

}  // namespace innkeeper::rooms
