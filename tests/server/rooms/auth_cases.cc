#include "tests/server/rooms/auth_cases.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "server/rooms/auth_events.h"

namespace innkeeper::rooms {
namespace {

constexpr char kNothing[] = "nothing";

std::string RoomIdOf(const RoomVersion& version) {
  return version.room_id_format == RoomIdFormat::kCreateHash ? "!create" : "!room:here";
}

Json CreateContent(const RoomVersion& version) {
  Json content = {{"room_version", std::string(version.id)}};
  if (version.creator_in_create_content) content["creator"] = kAlice;
  return content;
}

}  // namespace

void Append(std::vector<AuthCase>& cases, std::vector<AuthCase> more) {
  cases.insert(cases.end(), more.begin(), more.end());
}

Entry Create(Json more) { return {.type = "m.room.create", .content = std::move(more)}; }

Entry NoCreate() { return {.type = kNothing}; }

Entry Levels(Json content) {
  return {.type = "m.room.power_levels", .content = std::move(content)};
}

Entry JoinRule(const std::string& join_rule) {
  return {.type = "m.room.join_rules", .content = {{"join_rule", join_rule}}};
}

Entry Member(const std::string& user, const std::string& membership) {
  return {.type = "m.room.member", .state_key = user, .content = {{"membership", membership}}};
}

Entry Joined(const std::string& user) { return Member(user, "join"); }

Judged Creation(Json changes) {
  return WithPrevEvents({}, State(kAlice, "m.room.create", "", std::move(changes)));
}

Judged Message(const std::string& sender, const std::string& type) {
  return {.type = type, .sender = sender};
}

Judged State(const std::string& sender, const std::string& type, const std::string& state_key,
             Json content) {
  return {.type = type, .state_key = state_key, .sender = sender, .content = std::move(content)};
}

Judged Sets(const std::string& sender, const std::string& target, const std::string& membership,
            Json more) {
  more["membership"] = membership;
  return State(sender, "m.room.member", target, std::move(more));
}

Judged WithPrevEvents(std::vector<std::string> prev_events, Judged event) {
  event.prev_events = std::move(prev_events);
  return event;
}

RoomState MakeState(const RoomVersion& version, const std::vector<Entry>& entries) {
  RoomState state;
  state[{"m.room.create", ""}] = {
      .reference = {.event_id = kCreateId}, .sender = kAlice, .content = CreateContent(version)};
  for (const Entry& entry : entries) {
    if (entry.type == kNothing) {
      state.erase({"m.room.create", ""});
      continue;
    }
    StateEntry& place = state[{entry.type, entry.state_key}];
    place.sender = entry.sender;
    if (entry.type == "m.room.create") {
      place.content.merge_patch(entry.content);
      continue;
    }
    place.reference.event_id = absl::StrCat("$", entry.type, "|", entry.state_key);
    place.content = entry.content;
  }
  return state;
}

Event MakeEvent(const RoomVersion& version, const Judged& judged) {
  Event event{.event_id = "$event:here",
              .room_id = judged.room_id.empty() ? RoomIdOf(version) : judged.room_id,
              .type = judged.type,
              .state_key = judged.state_key,
              .sender = judged.sender,
              .content = judged.content,
              .redacts = judged.redacts,
              .depth = 9};
  if (judged.type == "m.room.create") {
    event.content = CreateContent(version);
    event.content.merge_patch(judged.content);
    if (version.room_id_format == RoomIdFormat::kCreateHash && judged.room_id.empty()) {
      event.room_id = "!event:here";
    }
  }
  for (const std::string& id : judged.prev_events) event.prev_events.push_back({.event_id = id});
  return event;
}

RoomState NeededOf(const RoomState& state, const RoomVersion& version, const Event& event) {
  RoomState needed;
  for (const StateKey& key :
       AuthStateKeys(version, event.type, event.sender, event.state_key, event.content)) {
    if (const auto it = state.find(key); it != state.end()) needed.insert(*it);
  }
  return needed;
}

}  // namespace innkeeper::rooms
