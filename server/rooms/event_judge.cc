#include "server/rooms/event_judge.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/rooms/auth_events.h"
#include "server/rooms/identifiers.h"
#include "server/rooms/state_resolution.h"

namespace innkeeper::rooms {
namespace {

// Returns `refusal` with where it applies put before it.
absl::Status In(absl::string_view where, const absl::Status& refusal) {
  if (refusal.ok()) return refusal;
  return absl::PermissionDeniedError(absl::StrCat(where, ": ", refusal.message()));
}

}  // namespace

absl::Status EventJudge::Judge(Event event, size_t followers) {
  for (const EventReference& prev : event.prev_events) {
    if (graph_.Find(prev.event_id)) continue;
    CountDown(event.prev_events);
    return absl::FailedPreconditionError(absl::StrCat(
        "comes behind ", prev.event_id, ", which the export lacks or which was refused"));
  }
  const EventIndex index = graph_.Add(std::move(event));
  Progress& progress = progress_.emplace_back();
  progress.followers = followers;
  progress.state = StateBefore(index);
  ++states_;
  absl::Status status = CheckAllowed(index, *progress.state);
  progress.rejected = !status.ok();
  if (status.ok()) Cover(graph_.prev_events(index));
  if (status.ok() && graph_.event(index).type == "m.room.redaction") {
    // Where the authorisation rules decide over redactions, they have.
    redactions_.emplace_back(
        index, version_.redactions_need_power || auth_.MayRedactIn(*progress.state, index));
  }
  CountDown(graph_.event(index).prev_events);
  ReleaseState(index);
  if (states_ > kMaxStates) {
    return absl::ResourceExhaustedError(absl::StrCat("has so many branches that more than ",
                                                     kMaxStates, " states stand side by side"));
  }
  if (!status.ok()) return status;
  // Those before have let go of the state by now, so that mostly it needs no copy.
  if (const auto place = graph_.place(index)) progress.state->Set(*place, index);
  if (graph_.event(index).type == "m.room.create") create_ = index;
  return absl::OkStatus();
}

absl::Status EventJudge::CheckAllowed(EventIndex index, const StateSet& before) {
  if (create_ && graph_.event(index).type == "m.room.create") {
    return absl::PermissionDeniedError("the room has begun already, with another m.room.create");
  }
  absl::Status status = CheckAuthEventsOf(index);
  if (!status.ok()) return status;
  status = In("by the auth events it names", auth_.CheckByAuthEvents(index));
  if (!status.ok()) return status;
  return In("in the state it was sent in", auth_.CheckIn(before, index));
}

absl::Status EventJudge::CheckAuthEventsOf(EventIndex index) const {
  const Event& event = graph_.event(index);
  std::vector<AuthEvent> auth_events;
  for (const EventReference& reference : event.auth_events) {
    const std::optional<EventIndex> found = graph_.Find(reference.event_id);
    if (!found) {
      return absl::PermissionDeniedError(
          absl::StrCat("names the auth event ", reference.event_id,
                       ", which the export lacks or which was refused"));
    }
    auth_events.push_back({&graph_.event(*found), progress_[*found].rejected});
  }
  return CheckAuthEvents(version_, event, auth_events);
}

StateSet EventJudge::StateBefore(EventIndex index) {
  const auto before = graph_.prev_events(index);
  if (before.size() < 2) return StateBehind(before);
  std::vector<EventIndex> joined(before.begin(), before.end());
  std::sort(joined.begin(), joined.end());
  if (joined != joined_) {
    joined_state_ = StateBehind(before);
    joined_ = std::move(joined);
  }
  return joined_state_;
}

StateSet EventJudge::StateBehind(absl::Span<const EventIndex> events) const {
  std::vector<StateSet> states;
  for (const EventIndex event : events) states.push_back(*progress_[event].state);
  return states.empty() ? StateSet() : ResolveState(version_, graph_, states);
}

void EventJudge::Cover(absl::Span<const EventIndex> events) {
  std::vector<EventIndex> pending(events.begin(), events.end());
  while (!pending.empty()) {
    const EventIndex event = pending.back();
    pending.pop_back();
    Progress& progress = progress_[event];
    if (progress.covered) continue;
    progress.covered = true;
    ReleaseState(event);
    if (!progress.rejected) continue;
    const auto before = graph_.prev_events(event);
    pending.insert(pending.end(), before.begin(), before.end());
  }
}

void EventJudge::CountDown(const std::vector<EventReference>& events) {
  for (const EventReference& reference : events) {
    const std::optional<EventIndex> event = graph_.Find(reference.event_id);
    if (!event) continue;
    --progress_[*event].followers;
    ReleaseState(*event);
  }
}

void EventJudge::ReleaseState(EventIndex event) {
  Progress& progress = progress_[event];
  const bool needed_in_the_end = !progress.rejected && !progress.covered;
  if (!progress.state || progress.followers > 0 || needed_in_the_end) return;
  progress.state.reset();
  --states_;
}

std::vector<EventJudge::Redaction> EventJudge::Redactions() const {
  std::vector<Redaction> redactions;
  for (const auto& [index, may_redact_others] : redactions_) {
    const Event& redaction = graph_.event(index);
    const auto target =
        graph_.Find(version_.redacts_in_content ? StringOrEmpty(redaction.content, "redacts")
                                                : redaction.redacts);
    if (!target || graph_.event(*target).type == "m.room.create") continue;
    const bool same_server =
        ServerNameOf(redaction.sender) == ServerNameOf(graph_.event(*target).sender);
    if (may_redact_others || same_server) redactions.push_back({index, *target});
  }
  return redactions;
}

std::vector<EventIndex> EventJudge::LatestEvents() const {
  std::vector<EventIndex> latest;
  for (EventIndex event = 0; event < graph_.size(); ++event) {
    if (!progress_[event].rejected && !progress_[event].covered) latest.push_back(event);
  }
  return latest;
}

StateSet EventJudge::LatestState() const { return StateBehind(LatestEvents()); }

}  // namespace innkeeper::rooms
