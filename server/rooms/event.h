// File: server/rooms/event.h
//
// Matrix events (PDUs): their JSON, hashes, ids and redaction. Pure functions.
//
// Source: Matrix specification, server-server API, "Signing Events" and
// "Redactions" of each room version.

#ifndef INNKEEPER_SERVER_ROOMS_EVENT_H_
#define INNKEEPER_SERVER_ROOMS_EVENT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/rooms/json.h"
#include "server/rooms/room_version.h"

namespace innkeeper::rooms {

// An event is at most this long: canonical JSON in federation format,
// signatures included.
inline constexpr size_t kMaxEventBytes = 65536;

// type and state_key are at most this long.
inline constexpr size_t kMaxEventKeyBytes = 255;

// An event refers to at most so many others.
inline constexpr size_t kMaxPrevEvents = 20;
inline constexpr size_t kMaxAuthEvents = 10;

// How one event refers to another.
struct EventReference {
  std::string event_id;
  // The other's reference hash (raw SHA-256). Only set, and only needed, in room
  // versions whose references carry hashes.
  std::string hash;

  bool operator==(const EventReference&) const = default;
};

// A complete event.
struct Event {
  std::string event_id;
  std::string room_id;
  std::string type;
  std::optional<std::string> state_key;  // set for state events
  std::string sender;
  int64_t origin_server_ts = 0;  // milliseconds since the Unix epoch
  Json content = Json::object();
  // The event that an m.room.redaction takes the content from, in versions that have
  // it beside the content (to 10); else empty.
  std::string redacts;
  int64_t depth = 0;
  std::vector<EventReference> prev_events;
  std::vector<EventReference> auth_events;
  // What else the PDU has, such as `origin` in those of old servers: an object. It is
  // hashed and signed like the rest. `hashes` is there if it has more than sha256.
  Json other_fields = Json::object();
  std::string canonical_content;  // `content` as canonical JSON; set by FinishEvent
  // Raw SHA-256. If the event was redacted, of what it was before.
  std::string content_hash;
  std::string reference_hash;  // raw SHA-256
};

// What its sender decides about an event; the rest follows from its place in
// the room.
struct EventDraft {
  std::string type;
  std::optional<std::string> state_key;
  std::string sender;
  Json content = Json::object();
  std::string redacts;  // as in Event
  // The field of the request that the content comes from; names the culprit
  // when the event turns out too large.
  std::string source_field;
};

// Returns the event as a PDU without signatures: federation format, with
// `hashes` if content_hash is set, and with event_id and room_id where the
// version has them on the wire. The content need not be finished.
Json PduJson(const RoomVersion& version, const Event& event);

// Fills in what follows from the rest of `event`: its canonical content, its hashes,
// its id where ids are hashes, and in the m.room.create of a room whose id is a hash
// the room id.
// Returns the length of the event without signatures, in bytes.
size_t FinishEvent(const RoomVersion& version, Event& event);

// Does the same for an event whose content hash is known: fills in the rest.
void IdentifyEvent(const RoomVersion& version, Event& event);

// Returns how other events refer to `event`.
EventReference ReferenceTo(const RoomVersion& version, const Event& event);

// The integers that an event of a room of `version` can have; the greatest is the end of
// its depth, too.
int64_t MinInteger(const RoomVersion& version);
int64_t MaxInteger(const RoomVersion& version);

// Returns the PDU `pdu`, an object, redacted. One without content gets an empty one.
Json Redact(const RoomVersion& version, Json pdu);

// Takes from `event` what a redaction takes. Its hashes and ids stay as they are.
void Redact(const RoomVersion& version, Event& event);

// SHA-256 (raw) over the canonical PDU without unsigned, signatures, hashes.
std::string ContentHash(Json pdu);

// SHA-256 (raw) over the canonical redacted PDU without signatures, unsigned.
std::string ReferenceHash(const RoomVersion& version, Json pdu);

// Unpadded base64: of the standard and of the URL-safe alphabet.
std::string Base64(absl::string_view bytes);
std::string UrlSafeBase64(absl::string_view bytes);

inline constexpr size_t kSha256Bytes = 32;

// SHA-256 (raw).
std::string Sha256(absl::string_view bytes);

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_EVENT_H_
