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

// How two branches of a room's history agree on one state.
enum class StateResolution { kV1, kV2, kV2_1 };

// A room version. There is one object of each, made by this library. The values
// given here are those of version 1.
struct RoomVersion {
  absl::string_view id;

  // The form of events.
  EventIdFormat event_id_format = EventIdFormat::kOpaque;
  RoomIdFormat room_id_format = RoomIdFormat::kOpaque;
  RedactionRules redaction_rules = RedactionRules::kR1;
  // prev_events and auth_events are [id, {"sha256": hash}] pairs.
  bool event_references_carry_hashes = true;
  // Events must be canonical JSON: no fractions, no integers out of range (6 on).
  bool strict_canonical_json = false;
  // The event that an m.room.redaction takes back is named in its content (11 on);
  // before, beside it.
  bool redacts_in_content = false;

  // Creators.
  // m.room.create content names the creator (up to 10); else it is the sender.
  bool creator_in_create_content = true;
  // Creators (the sender of m.room.create and its additional_creators) have
  // unbounded power and must not be in m.room.power_levels (12 on).
  bool creators_have_unbounded_power = false;
  // m.room.create is not among an event's auth_events (12 on): the room id
  // names it.
  bool create_event_implied = false;
  // The predecessor of m.room.create carries the id of the tombstone (to 11).
  bool predecessor_has_event_id = true;

  // Authorisation rules.
  // m.room.aliases is a server's own affair, whoever is joined (to 5).
  bool servers_set_aliases = true;
  // Whether an m.room.redaction may stand is a matter of the authorisation rules
  // (to 2); later it may always, and takes effect or not.
  bool redactions_need_power = true;
  // Power levels may only be integers (10 on); before, strings of digits too.
  bool integer_power_levels = false;
  // Changes of `notifications` in m.room.power_levels are bound by the sender's
  // level (6 on).
  bool notification_levels_checked = false;
  // Membership and join rule "knock" (7 on).
  bool knocking = false;
  // Joins may be authorised by membership of another room: join rule "restricted"
  // (8 on), and "knock_restricted" (10 on).
  bool restricted_joins = false;
  bool knock_restricted_joins = false;

  StateResolution state_resolution = StateResolution::kV1;
};

// Returns the version called `id`, or nullptr if we support none of that name.
const RoomVersion* FindRoomVersion(absl::string_view id);

// All versions, oldest first.
absl::Span<const RoomVersion> AllRoomVersions();

}  // namespace innkeeper::rooms

#endif  // INNKEEPER_SERVER_ROOMS_ROOM_VERSION_H_
