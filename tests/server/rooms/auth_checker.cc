#include "tests/server/rooms/auth_checker.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/rooms/ed25519.h"
#include "server/rooms/identifiers.h"

namespace innkeeper::rooms {
namespace {

constexpr int64_t kInfinite = INT64_MAX;

const char* const kScalars[] = {"users_default", "events_default", "state_default", "ban",
                                "redact",        "kick",           "invite"};

std::string DomainOf(const std::string& id) { return id.substr(id.find(':') + 1); }

bool Contains(std::initializer_list<const char*> list, const std::string& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

// The keys of both objects.
std::set<std::string> KeysOfBoth(const Json& a, const Json& b) {
  std::set<std::string> keys;
  for (const Json* object : {&a, &b}) {
    for (const auto& [key, value] : object->items()) keys.insert(key);
  }
  return keys;
}

}  // namespace

AuthChecker::AuthChecker(const RoomVersion& version)
    : version_(version), number_(std::stoi(std::string(version.id))) {}

std::string AuthChecker::Check(const Event& event) {
  for (const std::string& refusal : {CheckForm(event), CheckAuthEvents(event), CheckRules(event)}) {
    if (!refusal.empty()) {
      return absl::StrCat("version ", version_.id, ", ", event.type, " ",
                          event.state_key.value_or("-"), " ", CanonicalJson(event.content), ": ",
                          refusal);
    }
  }
  events_[event.event_id] = event;
  if (event.state_key) state_[{event.type, *event.state_key}] = event;
  last_event_id_ = event.event_id;
  depth_ = event.depth;
  return "";
}

std::string AuthChecker::CheckForm(const Event& event) const {
  const Json pdu = PduJson(version_, event);
  if (!CheckCanonical(pdu, "", kMaxJsonDepth).ok()) return "form: not canonical";
  if (CanonicalJson(pdu).size() + 200 > 65536) return "form: too large";
  if (pdu["hashes"]["sha256"] != Base64(ContentHash(pdu))) return "form: content hash";
  const std::string hash = ReferenceHash(version_, pdu);
  const std::string id = number_ <= 2   ? event.event_id
                         : number_ == 3 ? absl::StrCat("$", Base64(hash))
                                        : absl::StrCat("$", UrlSafeBase64(hash));
  if (event.event_id != id) return "form: event id";
  if (events_.contains(event.event_id)) return "form: event id seen before";
  if (event.depth != depth_ + 1) return "form: depth";
  if (events_.empty()) return event.prev_events.empty() ? "" : "form: prev_events";
  if (event.prev_events.size() != 1 || event.prev_events[0].event_id != last_event_id_) {
    return "form: prev_events";
  }
  std::vector<EventReference> references = event.auth_events;
  references.push_back(event.prev_events[0]);
  for (const auto& [event_id, reference_hash] : references) {
    const auto it = events_.find(event_id);
    if (it == events_.end()) return "form: reference to an unknown event";
    if (number_ > 2) continue;
    if (reference_hash != ReferenceHash(version_, PduJson(version_, it->second))) {
      return "form: hash of a reference";
    }
  }
  return event.room_id == events_.begin()->second.room_id ? "" : "form: room id";
}

std::string AuthChecker::CheckAuthEvents(const Event& event) const {
  std::set<Key> selected;
  if (event.type != "m.room.create") {
    if (number_ <= 11) selected.insert({"m.room.create", ""});
    selected.insert({"m.room.power_levels", ""});
    selected.insert({"m.room.member", event.sender});
  }
  if (event.type == "m.room.member") {
    const std::string membership = event.content.value("membership", "");
    selected.insert({"m.room.member", *event.state_key});
    if (Contains({"join", "invite", "knock"}, membership)) {
      selected.insert({"m.room.join_rules", ""});
    }
    if (number_ >= 8 && membership == "join" &&
        event.content.contains("join_authorised_via_users_server")) {
      selected.insert({"m.room.member", event.content["join_authorised_via_users_server"]});
    }
    if (membership == "invite" && event.content.contains("third_party_invite")) {
      const std::string token = event.content["third_party_invite"]["signed"]["token"];
      selected.insert({"m.room.third_party_invite", token});
    }
  }
  std::set<std::string> expected;
  for (const Key& key : selected) {
    if (const auto it = state_.find(key); it != state_.end()) expected.insert(it->second.event_id);
  }
  std::set<std::string> actual;
  for (const EventReference& reference : event.auth_events) {
    if (!actual.insert(reference.event_id).second) return "auth_events: twice the same";
  }
  return actual == expected ? "" : "auth_events: not those selected";
}

std::string AuthChecker::CheckRules(const Event& event) const {
  if (event.type == "m.room.create") return CheckCreate(event);
  if (!state_.contains({"m.room.create", ""})) return "no create event";
  if (number_ >= 12) {
    const Event& create = state_.at({"m.room.create", ""});
    if (event.room_id.substr(1) != create.event_id.substr(1)) return "room id is not the hash";
  }
  const Json create = Content("m.room.create");
  const bool federated = !create.contains("m.federate") || create["m.federate"] == true;
  const std::string creator_domain = DomainOf(state_.at({"m.room.create", ""}).sender);
  if (!federated && DomainOf(event.sender) != creator_domain) return "not federated: sender";
  if (number_ <= 5 && event.type == "m.room.aliases") {
    return event.state_key == DomainOf(event.sender) ? "" : "aliases of another server";
  }
  if (event.type == "m.room.member") {
    // What Synapse asks for beyond the specification.
    if (!federated && DomainOf(*event.state_key) != creator_domain) return "not federated: target";
    return CheckMember(event);
  }
  if (MembershipOf(event.sender) != "join") return "sender not joined";
  if (event.type == "m.room.third_party_invite") {
    return LevelOf(event.sender) >= LevelFor("invite", 0) ? "" : "invite level";
  }
  if (LevelOf(event.sender) < LevelToSend(event)) return "level to send";
  if (event.state_key && absl::StartsWith(*event.state_key, "@") &&
      *event.state_key != event.sender) {
    return "state key of another user";
  }
  if (event.type == "m.room.power_levels") return CheckPowerLevels(event);
  return number_ <= 2 && event.type == "m.room.redaction" ? CheckRedaction(event) : "";
}

std::string AuthChecker::CheckRedaction(const Event& event) const {
  if (LevelOf(event.sender) >= LevelFor("redact", 50)) return "";
  return DomainOf(event.redacts) == DomainOf(event.event_id) ? "" : "redact level";
}

std::string AuthChecker::CheckCreate(const Event& event) const {
  if (!event.prev_events.empty()) return "create: prev_events";
  if (number_ <= 11 && DomainOf(event.room_id) != DomainOf(event.sender)) return "create: domain";
  if (number_ >= 12 && PduJson(version_, event).contains("room_id")) return "create: room id";
  if (event.content["room_version"] != std::string(version_.id)) return "create: version";
  if (number_ <= 10 && !event.content.contains("creator")) return "create: creator";
  if (number_ >= 11 && event.content.contains("creator")) return "create: creator in 11 on";
  if (number_ >= 12 && event.content.contains("additional_creators")) {
    const Json& creators = event.content["additional_creators"];
    if (!creators.is_array()) return "create: additional creators";
    for (const Json& creator : creators) {
      if (!creator.is_string() || !CheckUserId(creator.get<std::string>()).ok()) {
        return "create: additional creators";
      }
    }
  }
  return "";
}

std::string AuthChecker::CheckMember(const Event& event) const {
  if (!event.content.contains("membership")) return "member: no membership";
  const std::string membership = event.content["membership"];
  const std::string target = *event.state_key;
  const std::string target_membership = MembershipOf(target);
  if (number_ >= 8 && membership != "join" &&
      event.content.contains("join_authorised_via_users_server")) {
    return "member: authorising server's signature";
  }
  if (membership == "join") return CheckJoin(event);
  if (membership == "knock") {
    const std::string rule = Content("m.room.join_rules").value("join_rule", "invite");
    if (number_ < 7 || !(rule == "knock" || (number_ >= 10 && rule == "knock_restricted"))) {
      return "knock: rule";
    }
    if (event.sender != target) return "knock: for another";
    return Contains({"ban", "invite", "join"}, target_membership) ? "knock: membership" : "";
  }
  if (membership == "leave") return CheckLeave(event);
  if (membership == "invite" && event.content.contains("third_party_invite")) {
    return CheckThirdPartyInvite(event);
  }
  if (MembershipOf(event.sender) != "join") return "member: sender not joined";
  if (membership == "invite") {
    if (Contains({"join", "ban"}, target_membership)) return "invite: target in or banned";
    return LevelOf(event.sender) >= LevelFor("invite", 0) ? "" : "invite: level";
  }
  if (membership == "ban") {
    if (LevelOf(event.sender) < LevelFor("ban", 50)) return "ban: level";
    return LevelOf(target) < LevelOf(event.sender) ? "" : "ban: target's level";
  }
  return "member: unknown membership";
}

std::string AuthChecker::CheckJoin(const Event& event) const {
  const bool first = depth_ == 1;
  if (first && *event.state_key == Creator()) return "";
  if (event.sender != *event.state_key) return "join: for another";
  const std::string before = MembershipOf(event.sender);
  if (before == "ban") return "join: banned";
  const std::string rule = Content("m.room.join_rules").value("join_rule", "invite");
  const bool asked_in = before == "invite" || before == "join";
  if (rule == "public") return "";
  if (rule == "invite" || (number_ >= 7 && rule == "knock")) return asked_in ? "" : "join: rule";
  if ((number_ >= 8 && rule == "restricted") || (number_ >= 10 && rule == "knock_restricted")) {
    if (asked_in) return "";
    const std::string via = event.content.value("join_authorised_via_users_server", "");
    if (MembershipOf(via) != "join") return "join: authorising user not joined";
    return LevelOf(via) >= LevelFor("invite", 0) ? "" : "join: authorising user's level";
  }
  return "join: rule lets nobody in";
}

// Knows one key and one signature.
std::string AuthChecker::CheckThirdPartyInvite(const Event& event) const {
  if (MembershipOf(*event.state_key) == "ban") return "third party: banned";
  Json agreed = event.content["third_party_invite"]["signed"];
  if (agreed["mxid"] != *event.state_key) return "third party: another user";
  const auto pending = state_.find({"m.room.third_party_invite", agreed["token"]});
  if (pending == state_.end()) return "third party: unknown token";
  if (pending->second.sender != event.sender) return "third party: another sender";
  std::string key;
  std::string signature;
  absl::Base64Unescape(pending->second.content["public_key"].get<std::string>(), &key);
  absl::Base64Unescape(agreed["signatures"]["id"]["ed25519:0"].get<std::string>(), &signature);
  agreed.erase("signatures");
  return VerifyEd25519(key, CanonicalJson(agreed), signature) ? "" : "third party: signature";
}

std::string AuthChecker::CheckLeave(const Event& event) const {
  const std::string& target = *event.state_key;
  if (event.sender == target) {
    const bool may = Contains({"invite", "join"}, MembershipOf(target)) ||
                     (number_ >= 7 && MembershipOf(target) == "knock");
    return may ? "" : "leave: not in";
  }
  if (MembershipOf(event.sender) != "join") return "leave: sender not joined";
  const int64_t own = LevelOf(event.sender);
  if (MembershipOf(target) == "ban" && own < LevelFor("ban", 50)) return "leave: ban level";
  return own >= LevelFor("kick", 50) && LevelOf(target) < own ? "" : "leave: kick level";
}

std::string AuthChecker::CheckPowerLevels(const Event& event) const {
  const Json& content = event.content;
  int64_t level = 0;
  if (number_ >= 10) {
    for (const char* key : kScalars) {
      if (content.contains(key) && !content[key].is_number_integer()) return "levels: scalar";
    }
  }
  for (const char* map : {"events", "notifications"}) {
    if (number_ < 10 || !content.contains(map)) continue;
    if (!content[map].is_object()) return "levels: map";
    for (const Json& entry : content[map]) {
      if (!entry.is_number_integer()) return "levels: entry";
    }
  }
  const Json users = content.value("users", Json::object());
  if (!users.is_object()) return "levels: users";
  for (const auto& [user, entry] : users.items()) {
    if (!CheckUserId(user).ok() || !ReadLevel(entry, level)) return "levels: entry of users";
    if (number_ >= 12 && IsCreator(user)) return "levels: creator in users";
  }
  const auto before = state_.find({"m.room.power_levels", ""});
  return before == state_.end() ? "" : CheckLevelChanges(event, before->second.content);
}

std::string AuthChecker::CheckLevelChanges(const Event& event, const Json& before) const {
  const int64_t own = LevelOf(event.sender);
  // The level under `key`, as a list of one; empty if there is none.
  const auto level_at = [&](const Json& levels, const std::string& key) {
    int64_t level = 0;
    const bool there = levels.is_object() && levels.contains(key) && ReadLevel(levels[key], level);
    return there ? std::vector<int64_t>{level} : std::vector<int64_t>{};
  };
  const auto is_above = [&](const std::vector<int64_t>& level, bool or_equal) {
    return !level.empty() && (or_equal ? level[0] >= own : level[0] > own);
  };
  const auto refuses = [&](const Json& old_levels, const Json& new_levels, const std::string& key,
                           bool or_equal) {
    const auto old_level = level_at(old_levels, key);
    const auto new_level = level_at(new_levels, key);
    return old_level != new_level && (is_above(old_level, or_equal) || is_above(new_level, false));
  };
  for (const char* key : kScalars) {
    if (refuses(before, event.content, key, false)) return absl::StrCat("levels: change of ", key);
  }
  for (const std::string map : {"events", "notifications", "users"}) {
    if (map == "notifications" && number_ < 6) continue;
    const Json old_levels = before.value(map, Json::object());
    const Json new_levels = event.content.value(map, Json::object());
    for (const std::string& key : KeysOfBoth(old_levels, new_levels)) {
      if (refuses(old_levels, new_levels, key, map == "users" && key != event.sender)) {
        return absl::StrCat("levels: change of ", map, " ", key);
      }
    }
  }
  return "";
}

Json AuthChecker::Content(const std::string& type) const {
  const auto it = state_.find({type, ""});
  return it == state_.end() ? Json::object() : it->second.content;
}

std::string AuthChecker::MembershipOf(const std::string& user) const {
  const auto it = state_.find({"m.room.member", user});
  return it == state_.end() ? "leave" : it->second.content["membership"].get<std::string>();
}

std::string AuthChecker::Creator() const {
  const Event& create = state_.at({"m.room.create", ""});
  return number_ <= 10 ? create.content["creator"].get<std::string>() : create.sender;
}

bool AuthChecker::IsCreator(const std::string& user) const {
  const Json additional = Content("m.room.create").value("additional_creators", Json::array());
  return user == Creator() || (number_ >= 12 && std::find(additional.begin(), additional.end(),
                                                          user) != additional.end());
}

bool AuthChecker::ReadLevel(const Json& value, int64_t& level) const {
  if (value.is_number_integer()) {
    level = value.get<int64_t>();
    return true;
  }
  if (number_ >= 10 || !value.is_string()) return false;
  char* end = nullptr;
  const std::string text = value;
  level = std::strtoll(text.c_str(), &end, 10);
  return !text.empty() && std::string(end).find_first_not_of(" \t\n") == std::string::npos;
}

int64_t AuthChecker::LevelOf(const std::string& user) const {
  if (number_ >= 12 && IsCreator(user)) return kInfinite;
  if (!state_.contains({"m.room.power_levels", ""})) return IsCreator(user) ? 100 : 0;
  const Json users = Content("m.room.power_levels").value("users", Json::object());
  int64_t level = 0;
  if (users.contains(user) && ReadLevel(users[user], level)) return level;
  return LevelFor("users_default", 0);
}

int64_t AuthChecker::LevelFor(const std::string& action, int64_t fallback) const {
  const Json content = Content("m.room.power_levels");
  int64_t level = 0;
  return content.contains(action) && ReadLevel(content[action], level) ? level : fallback;
}

int64_t AuthChecker::LevelToSend(const Event& event) const {
  const Json events = Content("m.room.power_levels").value("events", Json::object());
  int64_t level = 0;
  if (events.contains(event.type) && ReadLevel(events[event.type], level)) return level;
  return event.state_key ? LevelFor("state_default", 50) : LevelFor("events_default", 0);
}

}  // namespace innkeeper::rooms
