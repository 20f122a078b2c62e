// File: server/rooms/room_version.h
//
// The room versions, as data: what makes one version differ from another is a
// field here and nowhere else.
//
// Source: Matrix specification, "Room Versions".

#ifndef INNKEEPER_SERVER_ROOMS_ROOM_VERSION_H_
#define INNKEEPER_SERVER_ROOMS_ROOM_VERSION_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace innkeeper::rooms {

// How an event gets its id.
enum class EventIdFormat {
  kOpaque,         // `$opaque:server`, chosen by the sender's server
  kBase64,         // `$` and the reference hash in unpadded base64
  kBase64UrlSafe,  // `$` and the reference hash in URL-safe unpadded base64
};

// Which keys survive a redaction; see event.h.
enum class RedactionRules { kR1, kR2, kR3, kR4, kR5 };

// How a room gets its id.
enum class RoomIdFormat {
  kOpaque,      // `!opaque:server`
  kCreateHash,  // `!` and the reference hash of the create event
};

// A room version. There is one object of each, made by this library.
struct RoomVersion {
  absl::string_view id;
  EventIdFormat event_id_format;
  RoomIdFormat room_id_format;
  RedactionRules redaction_rules;
  // prev_events and auth_events are [id, {"sha256": hash}] pairs.
  bool event_references_carry_hashes;
  // m.room.create content names the creator (up to 10); else it is the sender.
  bool creator_in_create_content;
  // Creators (the sender of m.room.create and its additional_creators) have
  // unbounded power and must not be in m.room.power_levels (12 on).
  bool creators_have_unbounded_power;
  // m.room.create is not among an event's auth_events (12 on): the room id
  // names it.
  bool create_event_implied;
  // The predecessor of m.room.create carries the id of the tombstone (to 11).
  bool predecessor_has_event_id;
  // Power levels may only be integers (10 on); before, strings of digits too.
  bool integer_power_levels;
  // Joins may be authorised by membership of another room (8 on).
  bool restricted_joins;
};

// Returns the version called `id`, or nullptr if we support none of that name.
const RoomVersion* FindRoomVersion(absl::string_view id);

// All versions, oldest first.
absl::Span<const RoomVersion> AllRoomVersions();

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_ROOM_VERSION_H_
