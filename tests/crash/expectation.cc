#include "tests/crash/expectation.h"

#include <initializer_list>

namespace innkeeper::crash {
namespace {

google::protobuf::Struct Content(
    std::initializer_list<std::pair<const char*, std::string>> fields) {
  google::protobuf::Struct content;
  for (const auto& [key, value] : fields) {
    (*content.mutable_fields())[key].set_string_value(value);
  }
  return content;
}

v1::RoomPreset PresetOf(const v1::CreateRoomRequest& request) {
  if (request.preset() != v1::ROOM_PRESET_UNSPECIFIED) return request.preset();
  return request.is_public() ? v1::ROOM_PRESET_PUBLIC_CHAT : v1::ROOM_PRESET_PRIVATE_CHAT;
}

}  // namespace

ExpectedRoom ExpectCreated(const v1::CreateRoomRequest& request) {
  ExpectedRoom room{.creator = request.creator(),
                    .version = request.room_version(),
                    .preset = PresetOf(request),
                    .is_public = request.is_public(),
                    .name = request.name(),
                    .topic = request.topic(),
                    .alias = request.alias(),
                    .encryption_algorithm = request.encryption_algorithm(),
                    .invited = request.invites_size()};
  const auto type = request.creation_content().fields().find("type");
  if (type != request.creation_content().fields().end()) room.type = type->second.string_value();

  ExpectedState& state = room.state;
  state[{"m.room.create", ""}] = std::nullopt;
  state[{"m.room.member", room.creator}] = Content({{"membership", "join"}});
  state[{"m.room.power_levels", ""}] = std::nullopt;
  state[{"m.room.join_rules", ""}] = std::nullopt;
  state[{"m.room.guest_access", ""}] = std::nullopt;
  state[{"m.room.history_visibility", ""}] = Content({{"history_visibility", "shared"}});
  if (!room.alias.empty()) state[{"m.room.canonical_alias", ""}] = Content({{"alias", room.alias}});
  for (const v1::InitialStateEvent& event : request.initial_state()) {
    state[{event.type(), event.state_key()}] = event.content();
  }
  if (!room.encryption_algorithm.empty()) {
    state[{"m.room.encryption", ""}] = Content({{"algorithm", room.encryption_algorithm}});
  }
  if (!room.name.empty()) state[{"m.room.name", ""}] = Content({{"name", room.name}});
  if (!room.topic.empty()) state[{"m.room.topic", ""}] = Content({{"topic", room.topic}});
  google::protobuf::Struct invite = Content({{"membership", "invite"}});
  if (request.is_direct()) (*invite.mutable_fields())["is_direct"].set_bool_value(true);
  for (const std::string& user : request.invites()) state[{"m.room.member", user}] = invite;
  return room;
}

ExpectedRoom ExpectSuccessor(const ExpectedRoom& old_room, const std::string& new_version) {
  ExpectedRoom room = old_room;
  room.version = new_version;
  room.preset = v1::ROOM_PRESET_UNSPECIFIED;
  // A namespace of one's own has no place among what an upgrade copies.
  std::erase_if(room.state,
                [](const auto& entry) { return entry.first.first == "org.example.note"; });
  return room;
}

ExpectedRoom ExpectTombstoned(ExpectedRoom room, const std::string& successor_room_id) {
  room.is_public = false;
  if (!room.alias.empty()) room.state[{"m.room.canonical_alias", ""}].emplace();
  room.alias.clear();
  room.state[{"m.room.tombstone", ""}] =
      Content({{"body", "This room has been replaced"}, {"replacement_room", successor_room_id}});
  return room;
}

}  // namespace innkeeper::crash
