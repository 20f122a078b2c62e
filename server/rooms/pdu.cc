#include "server/rooms/pdu.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <glog/logging.h>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/errors/errors.h"
#include "server/rooms/identifiers.h"
#include "server/rooms/signing.h"

namespace innkeeper::rooms {
namespace {

// Reads "sha256" of `hashes`; "" if it has none.
std::string ReadHash(const Json& hashes) {
  const std::string text = StringOrEmpty(hashes, "sha256");
  std::string hash;
  // Written as we would, or the event would not come out as it came in.
  const bool valid =
      absl::Base64Unescape(text, &hash) && hash.size() == kSha256Bytes && Base64(hash) == text;
  return valid ? hash : "";
}

bool AreSignatures(const Json& value) {
  const auto is_string = [](const Json& signature) { return signature.is_string(); };
  const auto is_object_of_strings = [&](const Json& of_server) {
    return of_server.is_object() && std::all_of(of_server.begin(), of_server.end(), is_string);
  };
  return value.is_object() && std::all_of(value.begin(), value.end(), is_object_of_strings);
}

absl::Status CheckKey(absl::string_view key) {
  if (key.size() <= kMaxEventKeyBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("must be at most ", kMaxEventKeyBytes, " bytes long"));
}

absl::Status CheckChosenEventId(absl::string_view id) {
  if (absl::StartsWith(id, "$") && id.size() <= kMaxIdentifierBytes &&
      CheckServerName(ServerNameOf(id)).ok()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat("must be of the form $opaque:server, at most ",
                                                 kMaxIdentifierBytes, " bytes long"));
}

// Takes a PDU apart: each member is taken out, so that the others are left in the end.
// Notes what is wrong.
class PduReader {
 public:
  PduReader(const RoomVersion& version, Json pdu, FieldErrors& errors)
      : version_(version), pdu_(std::move(pdu)), errors_(errors) {}

  Event Read() {
    Event event;
    event.type = TakeText("type", CheckKey);
    event.sender = TakeText("sender", CheckUserId);
    if (pdu_.contains("state_key")) event.state_key = TakeText("state_key", CheckKey);
    event.origin_server_ts =
        TakeInteger("origin_server_ts", MinInteger(version_), MaxInteger(version_));
    event.content = TakeObject("content");
    event.depth = TakeInteger("depth", 0, MaxInteger(version_));
    event.prev_events = TakeReferences("prev_events", kMaxPrevEvents);
    event.auth_events = TakeReferences("auth_events", kMaxAuthEvents);
    TakeHashes(event);
    event.redacts = TakeRedacts(event.type);
    TakeIds(event);
    event.other_fields = std::move(pdu_);
    return event;
  }

 private:
  // Takes out the member `key`; notes if there is none.
  std::optional<Json> Take(const std::string& key) {
    const auto it = pdu_.find(key);
    if (it == pdu_.end()) {
      errors_.Add(key, "is missing");
      return std::nullopt;
    }
    Json value = std::move(*it);
    pdu_.erase(it);
    return value;
  }

  std::string TakeText(const std::string& key,
                       absl::FunctionRef<absl::Status(absl::string_view)> check) {
    std::optional<Json> value = Take(key);
    if (!value) return "";
    if (!value->is_string()) {
      errors_.Add(key, "must be a string");
      return "";
    }
    std::string text = std::move(value->get_ref<std::string&>());
    errors_.AddStatus(key, check(text));
    return text;
  }

  int64_t TakeInteger(const std::string& key, int64_t min, int64_t max) {
    const std::optional<Json> value = Take(key);
    if (!value) return 0;
    // One that is too large for an int64_t.
    const bool beyond = value->is_number_unsigned() &&
                        value->get<uint64_t>() > uint64_t{std::numeric_limits<int64_t>::max()};
    if (!value->is_number_integer() || beyond || value->get<int64_t>() < min ||
        value->get<int64_t>() > max) {
      errors_.Add(key, absl::StrCat("must be an integer from ", min, " to ", max));
      return 0;
    }
    return value->get<int64_t>();
  }

  Json TakeObject(const std::string& key) {
    std::optional<Json> value = Take(key);
    if (value && !value->is_object()) errors_.Add(key, "must be an object");
    return value ? *std::move(value) : Json::object();
  }

  std::vector<EventReference> TakeReferences(const std::string& key, size_t max_count) {
    const std::optional<Json> list = Take(key);
    std::vector<EventReference> references;
    if (!list) return references;
    if (!list->is_array() || list->size() > max_count) {
      errors_.Add(key, absl::StrCat("must be an array of at most ", max_count, " events"));
      return references;
    }
    for (const Json& item : *list) {
      references.push_back(ReadReference(item));
      const std::string& id = references.back().event_id;
      if (id.empty() || id.size() > kMaxIdentifierBytes) {
        errors_.Add(absl::StrCat(key, "[", references.size() - 1, "]"),
                    version_.event_references_carry_hashes
                        ? "must be an array of an event id and the event's hash"
                        : "must be an event id");
      }
    }
    return references;
  }

  // Returns a reference without an id if `item` is none in this version.
  EventReference ReadReference(const Json& item) const {
    if (!version_.event_references_carry_hashes) {
      return {.event_id = item.is_string() ? item.get<std::string>() : ""};
    }
    if (!item.is_array() || item.size() != 2 || !item[0].is_string()) return {};
    if (item[1].size() != 1) return {};  // would not come out as it came in
    std::string hash = ReadHash(item[1]);
    if (hash.empty()) return {};
    return {.event_id = item[0].get<std::string>(), .hash = std::move(hash)};
  }

  std::string TakeRedacts(absl::string_view type) {
    if (type != "m.room.redaction" || version_.redacts_in_content) return "";
    std::string redacts = StringOrEmpty(pdu_, "redacts");
    if (!redacts.empty()) pdu_.erase("redacts");
    return redacts;
  }

  // Leaves all of `hashes` among the other fields if there are more than ours.
  void TakeHashes(Event& event) {
    const Json hashes = pdu_.value("hashes", Json());
    event.content_hash = ReadHash(hashes);
    if (hashes.size() == 1) pdu_.erase("hashes");
  }

  // Takes those ids that are not hashes.
  void TakeIds(Event& event) {
    if (version_.event_id_format == EventIdFormat::kOpaque) {
      event.event_id = TakeText("event_id", CheckChosenEventId);
    } else if (pdu_.contains("event_id")) {
      errors_.Add("event_id", "must be left out: the id is the event's hash in this version");
    }
    const bool is_room_id =
        version_.room_id_format == RoomIdFormat::kCreateHash && event.type == "m.room.create";
    if (!is_room_id) {
      event.room_id = TakeText("room_id", CheckRoomId);
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
  absl::StatusOr<Json> pdu = ParseJson(text, JsonNumbers::kAny);
  if (!pdu.ok() || !pdu->is_object()) {
    errors.AddStatus("event",
                     pdu.ok() ? absl::InvalidArgumentError("must be an object") : pdu.status());
    return errors.ToStatus();
  }
  pdu->erase("unsigned");
  if (version.strict_canonical_json) {
    const absl::Status canonical = CheckCanonical(*pdu, "event", kMaxJsonDepth);
    if (!canonical.ok()) return canonical;
  }
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
    errors.Add("hashes", "must be an object with sha256, a SHA-256 hash in unpadded base64");
  }
  if (!errors.empty()) return errors.ToStatus();

  received.redacted = ContentHash(*pdu) != hash;
  if (received.redacted) pdu = Redact(version, *std::move(pdu));
  received.required_signers = RequiredSigners(version, *pdu);
  received.event = PduReader(version, *std::move(pdu), errors).Read();
  if (!errors.empty()) return errors.ToStatus();
  IdentifyEvent(version, received.event);
  return received;
}

void Redact(const RoomVersion& version, ReceivedEvent& received, std::string redacted_by) {
  Redact(version, received.event);
  received.redacted = true;
  received.redacted_by = std::move(redacted_by);
}

}  // namespace innkeeper::rooms
