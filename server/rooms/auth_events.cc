#include "server/rooms/auth_events.h"

#include <algorithm>
#include <utility>

#include "server/rooms/auth_refusal.h"

namespace innkeeper::rooms {
namespace {

// Collects places, each once.
class Keys {
 public:
  void Add(absl::string_view type, absl::string_view state_key) {
    StateKey key{std::string(type), std::string(state_key)};
    if (std::find(keys_.begin(), keys_.end(), key) == keys_.end()) keys_.push_back(std::move(key));
  }

  std::vector<StateKey> Take() { return std::move(keys_); }

 private:
  std::vector<StateKey> keys_;
};

void AddKeysOfMember(const RoomVersion& version, absl::string_view target, const Json& content,
                     Keys& keys) {
  const absl::string_view membership = StringViewOrEmpty(content, "membership");
  keys.Add("m.room.member", target);
  if (membership == "join" || membership == "invite" || membership == "knock") {
    keys.Add("m.room.join_rules", "");
  }
  const Json* const invite = FindMember(content, "third_party_invite");
  if (membership == "invite" && invite != nullptr) {
    const Json* const signed_json = FindMember(*invite, "signed");
    const absl::string_view token =
        signed_json == nullptr ? "" : StringViewOrEmpty(*signed_json, "token");
    if (!token.empty()) keys.Add("m.room.third_party_invite", token);
  }
  if (membership == "join" && version.restricted_joins) {
    const absl::string_view authoriser =
        StringViewOrEmpty(content, "join_authorised_via_users_server");
    if (!authoriser.empty()) keys.Add("m.room.member", authoriser);
  }
}

bool Contains(const std::vector<StateKey>& keys, const Event& event) {
  return event.state_key &&
         std::find(keys.begin(), keys.end(), StateKey{event.type, *event.state_key}) != keys.end();
}

// Judges one of the auth events by itself; `selected` are the places where one may be.
absl::Status CheckAuthEvent(const Event& event, const AuthEvent& auth_event,
                            const std::vector<StateKey>& selected) {
  if (!Contains(selected, *auth_event.event)) return Refuse(AuthRule::kAuthEventsNotSelected);
  if (auth_event.rejected) return Refuse(AuthRule::kAuthEventsRejected);
  if (auth_event.event->room_id != event.room_id) return Refuse(AuthRule::kAuthEventsOtherRoom);
  return absl::OkStatus();
}

}  // namespace

std::vector<StateKey> AuthEventKeys(const RoomVersion& version, absl::string_view type,
                                    absl::string_view sender,
                                    const std::optional<std::string>& state_key,
                                    const Json& content) {
  Keys keys;
  if (type == "m.room.create") return keys.Take();
  if (!version.create_event_implied) keys.Add("m.room.create", "");
  keys.Add("m.room.power_levels", "");
  keys.Add("m.room.member", sender);
  if (type == "m.room.member" && state_key) AddKeysOfMember(version, *state_key, content, keys);
  return keys.Take();
}

std::vector<StateKey> AuthStateKeys(const RoomVersion& version, absl::string_view type,
                                    absl::string_view sender,
                                    const std::optional<std::string>& state_key,
                                    const Json& content) {
  std::vector<StateKey> keys = AuthEventKeys(version, type, sender, state_key, content);
  if (version.create_event_implied && type != "m.room.create") {
    keys.push_back({"m.room.create", ""});
  }
  return keys;
}

absl::Status CheckAuthEvents(const RoomVersion& version, const Event& event,
                             absl::Span<const AuthEvent> auth_events) {
  if (event.type == "m.room.create") return absl::OkStatus();
  const std::vector<StateKey> selected =
      AuthEventKeys(version, event.type, event.sender, event.state_key, event.content);
  std::vector<StateKey> seen;
  for (const AuthEvent& auth_event : auth_events) {
    absl::Status status = CheckAuthEvent(event, auth_event, selected);
    if (!status.ok()) return status;
    if (Contains(seen, *auth_event.event)) return Refuse(AuthRule::kAuthEventsDuplicate);
    seen.push_back({auth_event.event->type, *auth_event.event->state_key});
  }
  const bool has_create =
      std::find(seen.begin(), seen.end(), StateKey{"m.room.create", ""}) != seen.end();
  return has_create || version.create_event_implied ? absl::OkStatus()
                                                    : Refuse(AuthRule::kAuthEventsNoCreate);
}

}  // namespace innkeeper::rooms
