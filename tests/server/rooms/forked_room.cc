#include "tests/server/rooms/forked_room.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/rooms/auth_events.h"
#include "server/rooms/auth_rules.h"
#include "server/rooms/event.h"
#include "server/rooms/room_state.h"
#include "server/rooms/state_resolution.h"

namespace innkeeper::rooms {

ForkedRoom::ForkedRoom(absl::string_view version) : version_(*FindRoomVersion(version)) {
  if (version_.room_id_format == RoomIdFormat::kOpaque) room_id_ = "!room:a.example";
}

Event ForkedRoom::Build(const std::string& name, Step& step) const {
  if (step.after.empty() && !last_.empty()) step.after = {last_};
  if (!step.state) step.state = step.after.empty() ? StateSet() : After(step.after.at(0));

  Event event{.event_id = absl::StrCat("$", name, ":a.example"),
              .room_id = room_id_,
              .type = step.type,
              .state_key = step.state_key,
              .sender = step.sender,
              .origin_server_ts = step.timestamp.value_or(timestamp_ + 1),
              .content = step.content,
              .redacts = step.redacts};
  for (const std::string& before : step.after) {
    const Event& prev = graph_.event(Index(before));
    event.prev_events.push_back(ReferenceTo(version_, prev));
    event.depth = std::max(event.depth, prev.depth + 1);
  }
  event.depth = step.depth.value_or(event.depth);
  if (step.type != "m.room.create") {
    for (const StateKey& key :
         AuthEventKeys(version_, step.type, step.sender, step.state_key, step.content)) {
      const auto place = graph_.FindPlace(key);
      const auto found = place ? step.state->Find(*place) : std::nullopt;
      if (found) event.auth_events.push_back(ReferenceTo(version_, graph_.event(*found)));
    }
  }
  FinishEvent(version_, event);
  return event;
}

bool ForkedRoom::TryAdd(const std::string& name, Step step) {
  Event event = Build(name, step);
  RoomState state;
  step.state->ForEach(
      [&](PlaceIndex, EventIndex index) { ApplyEvent(state, version_, graph_.event(index)); });
  if (!CheckAuthRules(version_, event, state).ok()) return false;

  const EventIndex index = Put(name, std::move(event), *std::move(step.state));
  if (const auto place = graph_.place(index)) states_[index].Set(*place, index);
  return true;
}

EventIndex ForkedRoom::Put(const std::string& name, Event event, StateSet state) {
  room_id_ = event.room_id;
  timestamp_ = event.origin_server_ts;
  const EventIndex index = graph_.Add(std::move(event));
  indexes_[name] = index;
  names_[index] = name;
  states_[index] = std::move(state);
  last_ = name;
  return index;
}

void ForkedRoom::AddForbidden(const std::string& name, Step step) {
  Event event = Build(name, step);
  Put(name, std::move(event), *std::move(step.state));
}

void ForkedRoom::Add(const std::string& name, Step step) {
  EXPECT_TRUE(TryAdd(name, std::move(step))) << name << " is not allowed there";
}

void ForkedRoom::Create(const std::string& name, const std::string& sender) {
  Json content = {{"room_version", std::string(version_.id)}};
  if (version_.creator_in_create_content) content["creator"] = sender;
  Add(name, {.sender = sender, .type = "m.room.create", .content = content});
}

void ForkedRoom::Join(const std::string& name, const std::string& user,
                      std::vector<std::string> after) {
  Add(name, {.sender = user,
             .type = "m.room.member",
             .state_key = user,
             .content = {{"membership", "join"}},
             .after = std::move(after)});
}

void ForkedRoom::Kick(const std::string& name, const std::string& sender, const std::string& user,
                      std::vector<std::string> after) {
  Add(name, {.sender = sender,
             .type = "m.room.member",
             .state_key = user,
             .content = {{"membership", "leave"}},
             .after = std::move(after)});
}

void ForkedRoom::Ban(const std::string& name, const std::string& sender, const std::string& user,
                     std::vector<std::string> after) {
  Add(name, {.sender = sender,
             .type = "m.room.member",
             .state_key = user,
             .content = {{"membership", "ban"}},
             .after = std::move(after)});
}

void ForkedRoom::PowerLevels(const std::string& name, const std::string& sender,
                             const std::map<std::string, int>& users,
                             std::vector<std::string> after) {
  Add(name, {.sender = sender,
             .type = "m.room.power_levels",
             .content = {{"users", users}},
             .after = std::move(after)});
}

void ForkedRoom::JoinRule(const std::string& name, const std::string& sender,
                          const std::string& rule, std::vector<std::string> after) {
  Add(name, {.sender = sender,
             .type = "m.room.join_rules",
             .content = {{"join_rule", rule}},
             .after = std::move(after)});
}

void ForkedRoom::Topic(const std::string& name, const std::string& sender,
                       std::vector<std::string> after) {
  Add(name, {.sender = sender,
             .type = "m.room.topic",
             .content = {{"topic", name}},
             .after = std::move(after)});
}

void ForkedRoom::Message(const std::string& name, const std::string& sender,
                         std::vector<std::string> after) {
  Add(name, {.sender = sender,
             .type = "m.room.message",
             .state_key = std::nullopt,
             .content = {{"body", name}},
             .after = std::move(after)});
}

void ForkedRoom::Begin() {
  Create("Create", kAlice);
  Join("JoinAlice", kAlice);
  std::map<std::string, int> levels;
  if (!version_.creators_have_unbounded_power) levels[kAlice] = 100;
  PowerLevels("PL", kAlice, levels);
  JoinRule("JR", kAlice, "public");
}

StateSet ForkedRoom::With(StateSet state, const std::string& event) const {
  state.Set(*graph_.place(Index(event)), Index(event));
  return state;
}

NamedState ForkedRoom::ResolveStates(const std::vector<StateSet>& states) const {
  return Named(ResolveState(version_, graph_, states));
}

NamedState ForkedRoom::Resolve(const std::vector<std::string>& names) const {
  std::vector<StateSet> states;
  for (const std::string& name : names) states.push_back(After(name));
  return ResolveStates(states);
}

NamedState ForkedRoom::Named(const StateSet& state) const {
  NamedState named;
  state.ForEach([&](PlaceIndex place, EventIndex event) {
    const StateKey& key = graph_.key(place);
    named[key.state_key.empty() ? key.type : absl::StrCat(key.type, " ", key.state_key)] =
        Name(event);
  });
  return named;
}

}  // namespace innkeeper::rooms
