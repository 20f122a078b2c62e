#include "server/rooms/event.h"

#include <openssl/evp.h>

#include <algorithm>
#include <initializer_list>
#include <utility>

#include <glog/logging.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace innkeeper::rooms {
namespace {

// What the hashes add to the canonical JSON of an event.
constexpr absl::string_view kHashesMember =
    R"("hashes":{"sha256":"0123456789012345678901234567890123456789012"},)";

constexpr size_t kSha256Bytes = 32;

using Keys = std::initializer_list<absl::string_view>;

// Removes the members of `object` that are not called one of `keys`.
void KeepMembers(Keys keys, Json& object) {
  std::erase_if(object.get_ref<Json::object_t&>(), [&](const auto& member) {
    return std::find(keys.begin(), keys.end(), member.first) == keys.end();
  });
}

// Removes the members of `object` that are called one of `keys`.
void DropMembers(std::initializer_list<const char*> keys, Json& object) {
  for (const char* key : keys) object.erase(key);
}

Json ReferencesJson(const RoomVersion& version, const std::vector<EventReference>& references) {
  Json list = Json::array();
  for (const EventReference& reference : references) {
    if (version.event_references_carry_hashes) {
      list.push_back(
          Json::array({reference.event_id, Json::object({{"sha256", Base64(reference.hash)}})}));
    } else {
      list.push_back(reference.event_id);
    }
  }
  return list;
}

Json HashesJson(const Event& event) { return {{"sha256", Base64(event.content_hash)}}; }

// True if the event says in which room it is. An m.room.create whose hash is the
// room's id cannot.
bool NamesRoom(const RoomVersion& version, const Event& event) {
  return version.room_id_format == RoomIdFormat::kOpaque || event.type != "m.room.create";
}

void RedactMember(RedactionRules rules, Json& content) {
  if (rules < RedactionRules::kR4) return KeepMembers({"membership"}, content);
  if (rules < RedactionRules::kR5) {
    return KeepMembers({"membership", "join_authorised_via_users_server"}, content);
  }
  KeepMembers({"membership", "join_authorised_via_users_server", "third_party_invite"}, content);
  const auto invite = content.find("third_party_invite");
  if (invite == content.end()) return;
  if (invite->is_object()) {
    KeepMembers({"signed"}, *invite);
  } else {
    content.erase(invite);
  }
}

void RedactPowerLevels(RedactionRules rules, Json& content) {
  if (rules < RedactionRules::kR5) content.erase("invite");
  KeepMembers({"ban", "events", "events_default", "invite", "kick", "redact", "state_default",
               "users", "users_default"},
              content);
}

void RedactContent(RedactionRules rules, absl::string_view type, Json& content) {
  if (type == "m.room.member") {
    RedactMember(rules, content);
  } else if (type == "m.room.power_levels") {
    RedactPowerLevels(rules, content);
  } else if (type == "m.room.create") {
    if (rules < RedactionRules::kR5) KeepMembers({"creator"}, content);
  } else if (type == "m.room.join_rules") {
    if (rules < RedactionRules::kR3) content.erase("allow");
    KeepMembers({"allow", "join_rule"}, content);
  } else if (type == "m.room.history_visibility") {
    KeepMembers({"history_visibility"}, content);
  } else if (type == "m.room.aliases" && rules == RedactionRules::kR1) {
    KeepMembers({"aliases"}, content);
  } else if (type == "m.room.redaction" && rules == RedactionRules::kR5) {
    KeepMembers({"redacts"}, content);
  } else {
    content = Json::object();
  }
}

}  // namespace

Json PduJson(const RoomVersion& version, const Event& event) {
  Json pdu = event.other_fields;
  pdu["auth_events"] = ReferencesJson(version, event.auth_events);
  pdu["content"] = event.content;
  pdu["depth"] = event.depth;
  pdu["origin_server_ts"] = event.origin_server_ts;
  pdu["prev_events"] = ReferencesJson(version, event.prev_events);
  pdu["sender"] = event.sender;
  pdu["type"] = event.type;
  if (event.state_key) pdu["state_key"] = *event.state_key;
  if (!event.redacts.empty()) pdu["redacts"] = event.redacts;
  if (version.event_id_format == EventIdFormat::kOpaque) pdu["event_id"] = event.event_id;
  if (NamesRoom(version, event)) pdu["room_id"] = event.room_id;
  if (!event.content_hash.empty()) pdu["hashes"] = HashesJson(event);
  return pdu;
}

size_t FinishEvent(const RoomVersion& version, Event& event) {
  event.content_hash.clear();
  Json pdu = PduJson(version, event);
  const std::string text = CanonicalJson(pdu);
  event.content_hash = Sha256(text);
  pdu["hashes"] = HashesJson(event);
  IdentifyEvent(version, std::move(pdu), event);
  return text.size() + kHashesMember.size();
}

void IdentifyEvent(const RoomVersion& version, Json pdu, Event& event) {
  event.reference_hash = ReferenceHash(version, std::move(pdu));
  if (version.event_id_format == EventIdFormat::kBase64) {
    event.event_id = absl::StrCat("$", Base64(event.reference_hash));
  } else if (version.event_id_format == EventIdFormat::kBase64UrlSafe) {
    event.event_id = absl::StrCat("$", UrlSafeBase64(event.reference_hash));
  }
  if (!NamesRoom(version, event)) {
    event.room_id = absl::StrCat("!", UrlSafeBase64(event.reference_hash));
  }
}

EventReference ReferenceTo(const RoomVersion& version, const Event& event) {
  return {event.event_id, version.event_references_carry_hashes ? event.reference_hash : ""};
}

Json Redact(const RoomVersion& version, Json pdu) {
  const RedactionRules rules = version.redaction_rules;
  if (rules == RedactionRules::kR5) DropMembers({"membership", "origin", "prev_state"}, pdu);
  KeepMembers({"auth_events", "content", "depth", "event_id", "hashes", "membership", "origin",
               "origin_server_ts", "prev_events", "prev_state", "room_id", "sender", "signatures",
               "state_key", "type"},
              pdu);
  Json& content = pdu.emplace("content", Json::object()).first.value();
  if (content.is_object()) RedactContent(rules, StringOrEmpty(pdu, "type"), content);
  return pdu;
}

std::string ContentHash(Json pdu) {
  DropMembers({"hashes", "signatures", "unsigned"}, pdu);
  return Sha256(CanonicalJson(pdu));
}

std::string ReferenceHash(const RoomVersion& version, Json pdu) {
  pdu = Redact(version, std::move(pdu));
  pdu.erase("signatures");
  return Sha256(CanonicalJson(pdu));
}

std::string Base64(absl::string_view bytes) {
  std::string text = absl::Base64Escape(bytes);
  text.resize(text.find_last_not_of('=') + 1);
  return text;
}

std::string UrlSafeBase64(absl::string_view bytes) { return absl::WebSafeBase64Escape(bytes); }

std::string Sha256(absl::string_view bytes) {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  CHECK(algorithm != nullptr) << "OpenSSL has no SHA-256";
  std::string digest(kSha256Bytes, '\0');
  CHECK_EQ(EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()),
                      nullptr, algorithm, nullptr),
           1);
  return digest;
}

}  // namespace innkeeper::rooms
