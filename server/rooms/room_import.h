// File: server/rooms/room_import.h
//
// Takes a room over from an export: judges its events as a server does that receives
// them one by one. Pure: no I/O.
//
// Source: Matrix server-server API, "Checks performed on receipt of a PDU" and "Room
// State Resolution".

#ifndef INNKEEPER_SERVER_ROOMS_ROOM_IMPORT_H_
#define INNKEEPER_SERVER_ROOMS_ROOM_IMPORT_H_

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/rooms/event.h"
#include "server/rooms/pdu.h"
#include "server/rooms/room_state.h"
#include "server/rooms/room_version.h"
#include "server/rooms/signing.h"

namespace innkeeper::rooms {

class EventJudge;

// An event of an export that the room is taken over without.
struct RefusedEvent {
  size_t position = 0;   // in the export, from 0
  std::string event_id;  // empty if the event could not be read
  // A phrase that says why: "its sender: must start with '@' ...".
  std::string reason;
};

// A room as taken over.
struct ImportedRoom {
  // The accepted events, each behind those that it refers to.
  std::vector<ReceivedEvent> events;
  // The state behind all of them, resolved where branches were left open.
  RoomState state;
  // The events that no accepted event comes behind, the last of `events` first: what
  // the next event of the room comes behind.
  std::vector<EventReference> latest_events;
  int64_t depth = 0;  // of the deepest of them
  // By position.
  std::vector<RefusedEvent> refused;
  // The servers of which signatures were not checked, for want of keys.
  std::set<std::string> unverified_servers;
};

// Gathers the events of an export, in any order, and takes the room over.
//
// An event is accepted if its form is that of the version, it is of the room, it has
// valid signatures of all servers that must have signed it and have keys in the
// export, it comes behind events of the export, and the authorisation rules allow it
// both by the auth events that it names and in the state before it. An event whose
// content hash does not match is taken as redacted, as the specification has it. An
// event that fails the first of these is as if it were not there, and so is what comes
// behind it; one that the rules refuse is passed over: what comes behind it is judged as
// if that were behind what comes before. Whether each event was allowed in what was then
// the current state ("soft failure") is not asked, for an export does not say when an
// event came.
//
// Redactions take effect, also where the export has what they took the content from in
// full.
//
// Memory in proportion to the export; time too, as long as branches are few. Not
// thread-safe.
class RoomImport {
 public:
  // `verify_keys` are all that are trusted to sign.
  RoomImport(const RoomVersion& version, std::string room_id, VerifyKeys verify_keys)
      : version_(version), room_id_(std::move(room_id)), verify_keys_(std::move(verify_keys)) {}

  // Takes the next event. The same one may come more than once.
  void Add(absl::string_view pdu);

  // Judges what was added. Nothing can be added then. INVALID_ARGUMENT, its message a
  // phrase, if that is no room, for it has no m.room.create that can be accepted; or if it
  // ends in more than kMaxPrevEvents branches: what comes next refers to all of them, or
  // others would judge it by another state than we do; or if it has too many on the way
  // (EventJudge::kMaxStates).
  absl::StatusOr<ImportedRoom> Finish() &&;

 private:
  // An event that is of the right form and origin.
  struct Candidate {
    ReceivedEvent received;
    size_t position = 0;  // in the export
  };

  // The order in which to judge the candidates, those that refer to each other left out,
  // and how often each is in the prev_events of others.
  struct Sequence {
    std::vector<size_t> order;
    std::vector<size_t> followers;
  };

  void Refuse(size_t position, std::string event_id, std::string reason);

  // Returns OK if the event is of the room and signed as it must be; else
  // INVALID_ARGUMENT, its message a phrase.
  absl::Status CheckOrigin(const ReceivedEvent& received);

  Sequence Arrange() const;

  // Gives the candidates to `judge`. Returns what is left of those that are in its graph
  // then, in the graph's order; INVALID_ARGUMENT if it gives up.
  absl::StatusOr<std::vector<Candidate>> JudgeAll(EventJudge& judge);

  const RoomVersion& version_;
  const std::string room_id_;
  const VerifyKeys verify_keys_;

  std::vector<Candidate> candidates_;
  absl::flat_hash_map<std::string, size_t> by_id_;  // into candidates_
  std::vector<RefusedEvent> refused_;
  std::set<std::string> unverified_servers_;
  size_t added_ = 0;  // how many, refused ones and repetitions included
};

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_ROOM_IMPORT_H_
