// File: server/events/event_codec.h
//
// How the events of the service stand in the engine's log: a version byte, 1,
// and an innkeeper.v1.RoomEvent without the fields that its place in the log
// gives it (sequence, commit_id, commit_time, cursor).

#ifndef INNKEEPER_SERVER_EVENTS_EVENT_CODEC_H_
#define INNKEEPER_SERVER_EVENTS_EVENT_CODEC_H_

#include <array>
#include <cstddef>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "innkeeper/v1/room_event.pb.h"
#include "storage/engine.h"

namespace innkeeper {

// The event types, as in RoomEvent.type.
inline constexpr char kRoomCreatedType[] = "room.created";
inline constexpr char kRoomUpgradedType[] = "room.upgraded";
inline constexpr char kRoomUpgradeFailedType[] = "room.upgrade.failed";
inline constexpr char kRoomMemberChangedType[] = "room.member.changed";
inline constexpr char kRoomInvitePendingType[] = "room.invite.pending";
inline constexpr char kRoomStateChangedType[] = "room.state.changed";
inline constexpr char kRoomEventSentType[] = "room.event.sent";
inline constexpr char kRoomEventRedactedType[] = "room.event.redacted";
inline constexpr char kRoomUpgradeProgressType[] = "room.upgrade.progress";
inline constexpr char kRoomImportedType[] = "room.imported";
inline constexpr char kRoomDeletedType[] = "room.deleted";
inline constexpr char kApprovalRequestedType[] = "approval.requested";
inline constexpr char kApprovalDecidedType[] = "approval.decided";
inline constexpr char kServiceEscalationType[] = "service.escalation";

// All of them.
inline constexpr const char* kEventTypes[] = {
    kRoomCreatedType,         kRoomUpgradedType,     kRoomUpgradeFailedType, kRoomMemberChangedType,
    kRoomInvitePendingType,   kRoomStateChangedType, kRoomEventSentType,     kRoomEventRedactedType,
    kRoomUpgradeProgressType, kRoomImportedType,     kRoomDeletedType,       kApprovalRequestedType,
    kApprovalDecidedType,     kServiceEscalationType};

// What the log has of the room that an event is about, so that events can be chosen
// without reading the room. Neither ever changes.
struct RoomLabels {
  std::string audience;  // empty if it belongs to none
  std::string creator;
};

// Returns the log payload for an event of a room with these labels; what is encoded sets
// its type and room_id.
std::string EncodeEvent(const v1::RoomCreated& created, const RoomLabels& labels);
std::string EncodeEvent(const v1::RoomUpgraded& upgraded, const RoomLabels& labels);
std::string EncodeEvent(const v1::RoomUpgradeFailed& failed, const RoomLabels& labels);
std::string EncodeEvent(const v1::RoomMemberChanged& changed, const RoomLabels& labels);
std::string EncodeEvent(const v1::RoomInvitePending& pending, const RoomLabels& labels);
std::string EncodeEvent(const v1::RoomStateChanged& changed, const RoomLabels& labels);
std::string EncodeEvent(const v1::RoomEventSent& sent, const RoomLabels& labels);
std::string EncodeEvent(const v1::RoomEventRedacted& redacted, const RoomLabels& labels);
std::string EncodeEvent(const v1::RoomUpgradeProgress& progress, const RoomLabels& labels);
std::string EncodeEvent(const v1::RoomImported& imported, const RoomLabels& labels);
std::string EncodeEvent(const v1::RoomDeleted& deleted, const RoomLabels& labels);
std::string EncodeEvent(const v1::ApprovalRequested& requested, const RoomLabels& labels);
std::string EncodeEvent(const v1::ApprovalDecided& decided, const RoomLabels& labels);

// The same for an event of no room.
std::string EncodeEvent(const v1::ServiceEscalation& escalation);

// Returns the event in a log entry, everything set but its cursor. DATA_LOSS if
// the payload is damaged or of an unknown version.
absl::StatusOr<v1::RoomEvent> DecodeEvent(const storage::LogEntryView& entry);

// That event serialised, in some order of its fields, without having been parsed: the bytes
// of `logged` and those of `place`, which is what its place in the log adds.
class SerializedEvent {
 public:
  // Of damage that DecodeEvent finds this finds only an unknown version: then there is
  // nothing. `entry` must outlive what is returned.
  static std::optional<SerializedEvent> Of(const storage::LogEntryView& entry);

  absl::string_view logged() const { return logged_; }
  absl::string_view place() const { return {place_.data(), place_size_}; }
  // The event's type, if it stands where EncodeEvent puts it; else empty.
  absl::string_view type() const;
  size_t size() const { return logged_.size() + place_size_; }

 private:
  SerializedEvent() = default;

  absl::string_view logged_;
  // Four numbers of at most ten bytes, three tags, and the header of the commit time.
  std::array<char, 48> place_;
  size_t place_size_ = 0;
};

// The error for an entry that holds no event. DATA_LOSS.
absl::Status DamagedEventError(storage::LogPosition position);

}  // namespace innkeeper

#endif  // INNKEEPER_SERVER_EVENTS_EVENT_CODEC_H_
