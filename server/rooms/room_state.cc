#include "server/rooms/room_state.h"

#include <glog/logging.h>

namespace innkeeper::rooms {

const StateEntry* FindState(const RoomState& state, absl::string_view type,
                            absl::string_view state_key) {
  const auto it = state.find(StateKeyView{type, state_key});
  return it == state.end() ? nullptr : &it->second;
}

const Json& StateContent(const RoomState& state, absl::string_view type,
                         absl::string_view state_key) {
  static const Json& empty = *new Json(Json::object());
  const StateEntry* const entry = FindState(state, type, state_key);
  return entry == nullptr ? empty : entry->content;
}

std::string Membership(const RoomState& state, absl::string_view user_id) {
  std::string membership =
      StringOrEmpty(StateContent(state, "m.room.member", user_id), "membership");
  return membership.empty() ? "leave" : membership;
}

bool IsFederated(const Json& create_content) {
  const auto federate = create_content.find("m.federate");
  return federate == create_content.end() || *federate == true;
}

void ApplyEvent(RoomState& state, const RoomVersion& version, const Event& event) {
  CHECK(event.state_key.has_value()) << event.type << " is no state event";
  state[StateKey{event.type, *event.state_key}] = {.reference = ReferenceTo(version, event),
                                                   .sender = event.sender,
                                                   .origin_server_ts = event.origin_server_ts,
                                                   .content = event.content};
}

RoomSummary Summarise(const RoomState& state) {
  const Json& create = StateContent(state, "m.room.create");
  const auto predecessor = create.find("predecessor");
  RoomSummary summary{
      .name = StringOrEmpty(StateContent(state, "m.room.name"), "name"),
      .topic = StringOrEmpty(StateContent(state, "m.room.topic"), "topic"),
      .canonical_alias = StringOrEmpty(StateContent(state, "m.room.canonical_alias"), "alias"),
      .encryption_algorithm = StringOrEmpty(StateContent(state, "m.room.encryption"), "algorithm"),
      .room_type = StringOrEmpty(create, "type"),
      .predecessor_room_id =
          predecessor == create.end() ? "" : StringOrEmpty(*predecessor, "room_id"),
      .other_entry_count = static_cast<int64_t>(state.size())};
  for (auto it = state.lower_bound({"m.room.member", ""});
       it != state.end() && it->first.type == "m.room.member"; ++it) {
    const std::string membership = StringOrEmpty(it->second.content, "membership");
    if (membership == "join") ++summary.joined_member_count;
    if (membership == "invite") ++summary.invited_member_count;
    --summary.other_entry_count;
  }
  return summary;
}

}  // namespace innkeeper::rooms
