#include "server/rooms/event.h"

#include <openssl/evp.h>

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <utility>

#include <glog/logging.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "server/rooms/canonical_writer.h"

namespace innkeeper::rooms {
namespace {

// What the hashes add to the canonical JSON of an event.
constexpr absl::string_view kHashesMember =
    R"("hashes":{"sha256":"0123456789012345678901234567890123456789012"},)";

// What a PDU has around its content, at most, in bytes, as a first guess.
constexpr size_t kEnvelopeBytes = 1024;

void WriteHash(absl::string_view hash, CanonicalWriter& writer) {
  writer.BeginObject();
  writer.Key("sha256");
  writer.String(Base64(hash));
  writer.EndObject();
}

using KeyNames = std::initializer_list<absl::string_view>;

// Removes the members of `object` that are not called one of `keys`.
void KeepMembers(KeyNames keys, Json& object) {
  std::erase_if(object.get_ref<Json::object_t&>(), [&](const auto& member) {
    return std::find(keys.begin(), keys.end(), member.first) == keys.end();
  });
}

// Removes the members of `object` that are called one of `keys`.
void DropMembers(std::initializer_list<const char*> keys, Json& object) {
  for (const char* key : keys) object.erase(key);
}

void WriteReferences(const RoomVersion& version, const std::vector<EventReference>& references,
                     CanonicalWriter& writer) {
  writer.BeginArray();
  for (const EventReference& reference : references) {
    if (!version.event_references_carry_hashes) {
      writer.String(reference.event_id);
      continue;
    }
    writer.BeginArray();
    writer.String(reference.event_id);
    WriteHash(reference.hash, writer);
    writer.EndArray();
  }
  writer.EndArray();
}

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

// Types of events of whose content something can survive a redaction.
constexpr absl::string_view kTypesThatKeepContent[] = {
    "m.room.aliases", "m.room.create",       "m.room.history_visibility", "m.room.join_rules",
    "m.room.member",  "m.room.power_levels", "m.room.redaction"};

// True if some of the content of events of `type` can survive a redaction.
bool MayKeepContent(absl::string_view type) {
  return std::find(std::begin(kTypesThatKeepContent), std::end(kTypesThatKeepContent), type) !=
         std::end(kTypesThatKeepContent);
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

// Returns the canonical text of the PDU with `content`, which is canonical JSON, in the
// place of its own, and `redacts`.
std::string PduText(const RoomVersion& version, const Event& event, absl::string_view content,
                    absl::string_view redacts) {
  CanonicalWriter writer(content.size() + kEnvelopeBytes);
  writer.BeginObject();
  writer.Key("auth_events");
  WriteReferences(version, event.auth_events, writer);
  writer.Key("content");
  writer.Raw(content);
  writer.Key("depth");
  writer.Integer(event.depth);
  if (version.event_id_format == EventIdFormat::kOpaque) {
    writer.Key("event_id");
    writer.String(event.event_id);
  }
  if (!event.content_hash.empty()) {
    writer.Key("hashes");
    WriteHash(event.content_hash, writer);
  }
  writer.Key("origin_server_ts");
  writer.Integer(event.origin_server_ts);
  writer.Key("prev_events");
  WriteReferences(version, event.prev_events, writer);
  if (!redacts.empty()) {
    writer.Key("redacts");
    writer.String(redacts);
  }
  if (NamesRoom(version, event)) {
    writer.Key("room_id");
    writer.String(event.room_id);
  }
  writer.Key("sender");
  writer.String(event.sender);
  if (event.state_key) {
    writer.Key("state_key");
    writer.String(*event.state_key);
  }
  writer.Key("type");
  writer.String(event.type);
  writer.EndObject();
  return writer.Take();
}

// Returns the canonical text of the event's content, redacted.
std::string RedactedContent(const RoomVersion& version, const Event& event) {
  if (!MayKeepContent(event.type)) return "{}";
  Json content = event.content;
  RedactContent(version.redaction_rules, event.type, content);
  return CanonicalJson(content);
}

// Fills in what follows from the event's content hash.
void SetIds(const RoomVersion& version, Event& event) {
  event.reference_hash = event.other_fields.empty()
                             ? Sha256(PduText(version, event, RedactedContent(version, event), ""))
                             : ReferenceHash(version, PduJson(version, event));
  if (version.event_id_format == EventIdFormat::kBase64) {
    event.event_id = absl::StrCat("$", Base64(event.reference_hash));
  } else if (version.event_id_format == EventIdFormat::kBase64UrlSafe) {
    event.event_id = absl::StrCat("$", UrlSafeBase64(event.reference_hash));
  }
  if (!NamesRoom(version, event)) {
    event.room_id = absl::StrCat("!", UrlSafeBase64(event.reference_hash));
  }
}

}  // namespace

Json PduJson(const RoomVersion& version, const Event& event) {
  Json pdu = Json::parse(PduText(version, event, CanonicalJson(event.content), event.redacts));
  pdu.update(event.other_fields);
  return pdu;
}

size_t FinishEvent(const RoomVersion& version, Event& event) {
  event.canonical_content = CanonicalJson(event.content);
  event.content_hash.clear();
  const std::string text = event.other_fields.empty()
                               ? PduText(version, event, event.canonical_content, event.redacts)
                               : CanonicalJson(PduJson(version, event));
  event.content_hash = Sha256(text);
  SetIds(version, event);
  return text.size() + kHashesMember.size();
}

void IdentifyEvent(const RoomVersion& version, Event& event) {
  event.canonical_content = CanonicalJson(event.content);
  SetIds(version, event);
}

EventReference ReferenceTo(const RoomVersion& version, const Event& event) {
  return {event.event_id, version.event_references_carry_hashes ? event.reference_hash : ""};
}

int64_t MinInteger(const RoomVersion& version) {
  return version.strict_canonical_json ? -kMaxCanonicalInteger
                                       : std::numeric_limits<int64_t>::min();
}

int64_t MaxInteger(const RoomVersion& version) {
  return version.strict_canonical_json ? kMaxCanonicalInteger : std::numeric_limits<int64_t>::max();
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

void Redact(const RoomVersion& version, Event& event) {
  Json rest = Redact(version, PduJson(version, event));
  event.content = std::move(rest["content"]);
  event.canonical_content = CanonicalJson(event.content);
  event.redacts.clear();  // survives in no version
  std::erase_if(event.other_fields.get_ref<Json::object_t&>(),
                [&](const auto& field) { return !rest.contains(field.first); });
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
