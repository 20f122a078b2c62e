#include "server/rooms/pdu.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "server/errors/errors.h"
#include "server/rooms/identifiers.h"

namespace innkeeper::rooms {
namespace {

constexpr size_t kSha256Bytes = 32;

// Reads {"sha256": hash}; "" if `hashes` is not that.
std::string ReadHash(const Json& hashes) {
  const std::string text = StringOrEmpty(hashes, "sha256");
  std::string hash;
  // Written as we would, or the event would not come out as it came in.
  const bool valid = hashes.is_object() && hashes.size() == 1 &&
                     absl::Base64Unescape(text, &hash) && hash.size() == kSha256Bytes &&
                     Base64(hash) == text;
  return valid ? hash : "";
}

bool AreSignatures(const Json& value) {
  const auto is_string = [](const Json& signature) { return signature.is_string(); };
  const auto is_object_of_strings = [&](const Json& of_server) {
    return of_server.is_object() && std::all_of(of_server.begin(), of_server.end(), is_string);
  };
  return value.is_object() && std::all_of(value.begin(), value.end(), is_object_of_strings);
}

// Takes a PDU apart: each member is taken out, so that the others are left in the end.
// Notes what is wrong.
class PduReader {
 public:
  PduReader(const RoomVersion& version, Json pdu, FieldErrors& errors)
      : version_(version), pdu_(std::move(pdu)), errors_(errors) {}

  Event Read() {
    Event event;
    event.type = TakeText("type", kMaxEventKeyBytes);
    event.sender = TakeText("sender", kMaxIdentifierBytes);
    if (pdu_.contains("state_key")) event.state_key = TakeText("state_key", kMaxEventKeyBytes);
    event.origin_server_ts = TakeInteger("origin_server_ts", std::numeric_limits<int64_t>::min(),
                                         std::numeric_limits<int64_t>::max());
    event.content = TakeObject("content");
    event.depth = TakeInteger("depth", 0,
                              version_.strict_canonical_json ? kMaxCanonicalInteger
                                                             : std::numeric_limits<int64_t>::max());
    event.prev_events = TakeReferences("prev_events", kMaxPrevEvents);
    event.auth_events = TakeReferences("auth_events", kMaxAuthEvents);
    event.content_hash = ReadHash(Take("hashes"));
    errors_.AddStatus("sender", CheckUserId(event.sender));
    TakeIds(event);
    const std::string redacts = StringOrEmpty(pdu_, "redacts");
    if (event.type == "m.room.redaction" && !version_.redacts_in_content && !redacts.empty()) {
      event.redacts = redacts;
      pdu_.erase("redacts");
    }
    event.other_fields = std::move(pdu_);
    return event;
  }

 private:
  // Takes out the member `key`, and notes if there is none.
  Json Take(const std::string& key) {
    const auto it = pdu_.find(key);
    if (it == pdu_.end()) {
      errors_.Add(key, "is missing");
      return nullptr;
    }
    Json value = std::move(*it);
    pdu_.erase(it);
    return value;
  }

  std::string TakeText(const std::string& key, size_t max_bytes) {
    Json value = Take(key);
    if (!value.is_string()) {
      errors_.Add(key, "must be a string");
      return "";
    }
    auto& text = value.get_ref<std::string&>();
    if (text.size() > max_bytes) {
      errors_.Add(key, absl::StrCat("must be at most ", max_bytes, " bytes long"));
    }
    return std::move(text);
  }

  int64_t TakeInteger(const std::string& key, int64_t min, int64_t max) {
    const Json value = Take(key);
    const bool fits = value.is_number_integer() &&
                      (!value.is_number_unsigned() ||
                       value.get<uint64_t>() <= uint64_t{std::numeric_limits<int64_t>::max()});
    if (!fits || value.get<int64_t>() < min || value.get<int64_t>() > max) {
      errors_.Add(key, absl::StrCat("must be an integer from ", min, " to ", max));
      return 0;
    }
    return value.get<int64_t>();
  }

  Json TakeObject(const std::string& key) {
    Json value = Take(key);
    if (!value.is_object()) errors_.Add(key, "must be an object");
    return value;
  }

  std::vector<EventReference> TakeReferences(const std::string& key, size_t max_count) {
    const Json list = Take(key);
    std::vector<EventReference> references;
    if (!list.is_array() || list.size() > max_count) {
      errors_.Add(key, absl::StrCat("must be an array of at most ", max_count, " events"));
      return references;
    }
    for (const Json& item : list) {
      EventReference reference = ReadReference(item);
      if (reference.event_id.empty() || reference.event_id.size() > kMaxIdentifierBytes) {
        errors_.Add(absl::StrCat(key, "[", references.size(), "]"),
                    version_.event_references_carry_hashes
                        ? "must be an array of an event id and the event's hash"
                        : "must be an event id");
      }
      references.push_back(std::move(reference));
    }
    return references;
  }

  // Returns a reference without an id if `item` is none in this version.
  EventReference ReadReference(const Json& item) const {
    if (!version_.event_references_carry_hashes) {
      return {.event_id = item.is_string() ? item.get<std::string>() : ""};
    }
    if (!item.is_array() || item.size() != 2 || !item[0].is_string()) return {};
    std::string hash = ReadHash(item[1]);
    if (hash.empty()) return {};
    return {.event_id = item[0].get<std::string>(), .hash = std::move(hash)};
  }

  // Takes those ids that are not hashes.
  void TakeIds(Event& event) {
    if (version_.event_id_format == EventIdFormat::kOpaque) {
      event.event_id = TakeText("event_id", kMaxIdentifierBytes);
      if (event.event_id.empty() || event.event_id[0] != '$' ||
          !CheckServerName(ServerNameOf(event.event_id)).ok()) {
        errors_.Add("event_id", "must be of the form $opaque:server");
      }
    } else if (pdu_.contains("event_id")) {
      errors_.Add("event_id", "must be left out: the id is the event's hash in this version");
    }
    const bool is_room_id =
        version_.room_id_format == RoomIdFormat::kCreateHash && event.type == "m.room.create";
    if (!is_room_id) {
      event.room_id = TakeText("room_id", kMaxIdentifierBytes);
      errors_.AddStatus("room_id", CheckRoomId(event.room_id));
    } else if (pdu_.contains("room_id")) {
      errors_.Add("room_id", "must be left out: the room's id is this event's in this version");
    }
  }

  const RoomVersion& version_;
  Json pdu_;
  FieldErrors& errors_;
};

}  // namespace

absl::StatusOr<ReceivedEvent> ParsePdu(const RoomVersion& version, absl::string_view text) {
  FieldErrors errors;
  absl::StatusOr<Json> pdu =
      ParseJson(text, version.strict_canonical_json ? JsonNumbers::kCanonical : JsonNumbers::kAny);
  if (!pdu.ok() || !pdu->is_object()) {
    errors.AddStatus("event",
                     pdu.ok() ? absl::InvalidArgumentError("must be an object") : pdu.status());
    return errors.ToStatus();
  }
  pdu->erase("unsigned");
  const size_t size = CanonicalJson(*pdu).size();
  if (size > kMaxEventBytes) {
    errors.Add("event", absl::StrCat("is ", size, " bytes long; the most is ", kMaxEventBytes));
    return errors.ToStatus();
  }

  ReceivedEvent received;
  const auto signatures = pdu->find("signatures");
  if (signatures != pdu->end() && AreSignatures(*signatures)) {
    received.signatures = std::move(*signatures);
    pdu->erase(signatures);
  } else {
    errors.Add("signatures", "must be an object of objects of signatures");
  }
  const std::string hash = ReadHash(pdu->value("hashes", Json()));
  if (hash.empty()) {
    errors.Add("hashes", "must be an object of sha256 alone, a SHA-256 hash in unpadded base64");
  }
  if (!errors.empty()) return errors.ToStatus();

  received.redacted = ContentHash(*pdu) != hash;
  if (received.redacted) pdu = Redact(version, *std::move(pdu));
  received.event = PduReader(version, *std::move(pdu), errors).Read();
  if (!errors.empty()) return errors.ToStatus();
  IdentifyEvent(version, received.event);
  return received;
}

}  // namespace innkeeper::rooms
