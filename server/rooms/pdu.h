// File: server/rooms/pdu.h
//
// Events as other servers write them: read, checked for their form, and identified.
// Pure functions.
//
// Source: Matrix specification, "Event format" of each room version; client-server
// API, "Size limits"; server-server API, "Checks performed on receipt of a PDU",
// 1 and 3.

#ifndef INNKEEPER_SERVER_ROOMS_PDU_H_
#define INNKEEPER_SERVER_ROOMS_PDU_H_

#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/rooms/event.h"
#include "server/rooms/json.h"
#include "server/rooms/room_version.h"

namespace innkeeper::rooms {

// An event from elsewhere.
struct ReceivedEvent {
  Event event;  // complete
  // As they came: an object of objects of strings.
  Json signatures = Json::object();
  // The servers that must have signed it; see RequiredSigners.
  std::set<std::string> required_signers;
  // `event` is what a redaction leaves of it, with the id and the signatures of before:
  // its content hash did not match, or an m.room.redaction took its content.
  bool redacted = false;
  // The id of that m.room.redaction, if it is known.
  std::string redacted_by;
};

// Reads the PDU `text` of a room of `version`. INVALID_ARGUMENT with a BadRequest
// that names each wrong field if it is not in the version's form: a required field is
// missing, something is of a wrong type, too long or too many, a hash is not in
// unpadded base64, or, where the version says so, the JSON has a fraction or an integer
// that canonical JSON could not have.
// What is in `unsigned` is dropped. PduJson gives back everything else but
// `signatures`.
//
// The hash is all that is checked of what the event says: neither its signatures, nor
// the events that it refers to, nor the authorisation rules.
absl::StatusOr<ReceivedEvent> ParsePdu(const RoomVersion& version, absl::string_view text);

// Takes the content from `received` for the m.room.redaction `redacted_by`.
void Redact(const RoomVersion& version, ReceivedEvent& received, std::string redacted_by);

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_PDU_H_
