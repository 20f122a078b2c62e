#include "server/rooms/room_version.h"

namespace innkeeper::rooms {
namespace {

// Each version is what it changes in the one before.

constexpr RoomVersion kVersion1 = {.id = "1"};

constexpr RoomVersion kVersion2 = [] {
  RoomVersion version = kVersion1;
  version.id = "2";
  version.state_resolution = StateResolution::kV2;
  return version;
}();

constexpr RoomVersion kVersion3 = [] {
  RoomVersion version = kVersion2;
  version.id = "3";
  version.event_id_format = EventIdFormat::kBase64;
  version.event_references_carry_hashes = false;
  version.redactions_need_power = false;
  return version;
}();

constexpr RoomVersion kVersion4 = [] {
  RoomVersion version = kVersion3;
  version.id = "4";
  version.event_id_format = EventIdFormat::kBase64UrlSafe;
  return version;
}();

// Servers check how long keys are valid, which is no matter of rooms.
constexpr RoomVersion kVersion5 = [] {
  RoomVersion version = kVersion4;
  version.id = "5";
  return version;
}();

constexpr RoomVersion kVersion6 = [] {
  RoomVersion version = kVersion5;
  version.id = "6";
  version.strict_canonical_json = true;
  version.redaction_rules = RedactionRules::kR2;
  version.servers_set_aliases = false;
  version.notification_levels_checked = true;
  return version;
}();

constexpr RoomVersion kVersion7 = [] {
  RoomVersion version = kVersion6;
  version.id = "7";
  version.knocking = true;
  return version;
}();

constexpr RoomVersion kVersion8 = [] {
  RoomVersion version = kVersion7;
  version.id = "8";
  version.redaction_rules = RedactionRules::kR3;
  version.restricted_joins = true;
  return version;
}();

constexpr RoomVersion kVersion9 = [] {
  RoomVersion version = kVersion8;
  version.id = "9";
  version.redaction_rules = RedactionRules::kR4;
  return version;
}();

constexpr RoomVersion kVersion10 = [] {
  RoomVersion version = kVersion9;
  version.id = "10";
  version.integer_power_levels = true;
  version.knock_restricted_joins = true;
  return version;
}();

constexpr RoomVersion kVersion11 = [] {
  RoomVersion version = kVersion10;
  version.id = "11";
  version.redaction_rules = RedactionRules::kR5;
  version.redacts_in_content = true;
  version.creator_in_create_content = false;
  return version;
}();

constexpr RoomVersion kVersion12 = [] {
  RoomVersion version = kVersion11;
  version.id = "12";
  version.room_id_format = RoomIdFormat::kCreateHash;
  version.creators_have_unbounded_power = true;
  version.create_event_implied = true;
  version.predecessor_has_event_id = false;
  version.state_resolution = StateResolution::kV2_1;
  return version;
}();

constexpr RoomVersion kVersions[] = {kVersion1, kVersion2,  kVersion3,  kVersion4,
                                     kVersion5, kVersion6,  kVersion7,  kVersion8,
                                     kVersion9, kVersion10, kVersion11, kVersion12};

}  // namespace

const RoomVersion* FindRoomVersion(absl::string_view id) {
  for (const RoomVersion& version : kVersions) {
    if (version.id == id) return &version;
  }
  return nullptr;
}

absl::Span<const RoomVersion> AllRoomVersions() { return kVersions; }

}  // namespace innkeeper::rooms
