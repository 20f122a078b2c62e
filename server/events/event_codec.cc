#include "server/events/event_codec.h"

#include <glog/logging.h>
#include <google/protobuf/wire_format_lite.h>

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/values/timestamp.h"

namespace innkeeper {
namespace {

constexpr char kPayloadVersion = 1;

v1::RoomEvent NewEvent(const char* type, const std::string& room_id, const RoomLabels& labels) {
  v1::RoomEvent event;
  event.set_type(type);
  event.set_room_id(room_id);
  event.set_audience(labels.audience);
  event.set_creator(labels.creator);
  return event;
}

std::string Encode(const v1::RoomEvent& event) {
  std::string payload(1, kPayloadVersion);
  CHECK(event.AppendToString(&payload));
  return payload;
}

bool HasKnownVersion(const storage::LogEntryView& entry) {
  return !entry.payload.empty() && entry.payload[0] == kPayloadVersion;
}

// Writes the fields of a Timestamp, and returns the end of them.
uint8_t* WriteTime(absl::Time time, uint8_t* out) {
  using google::protobuf::Timestamp;
  using google::protobuf::internal::WireFormatLite;
  const TimestampFields fields = TimestampFieldsOf(absl::ToUnixMicros(time));
  out = WireFormatLite::WriteInt64ToArray(Timestamp::kSecondsFieldNumber, fields.seconds, out);
  return WireFormatLite::WriteInt32ToArray(Timestamp::kNanosFieldNumber, fields.nanos, out);
}

// Writes the fields of a RoomEvent that its place in the log gives it, and returns the end of
// them.
uint8_t* WritePlace(const storage::LogEntryView& entry, uint8_t* out) {
  using google::protobuf::internal::WireFormatLite;
  out = WireFormatLite::WriteTagToArray(v1::RoomEvent::kCommitTimeFieldNumber,
                                        WireFormatLite::WIRETYPE_LENGTH_DELIMITED, out);
  uint8_t* const time_size = out++;
  uint8_t* const time = out;
  out = WriteTime(entry.commit_time, out);
  *time_size = static_cast<uint8_t>(out - time);
  out = WireFormatLite::WriteInt64ToArray(v1::RoomEvent::kSequenceFieldNumber,
                                          static_cast<int64_t>(entry.position), out);
  return WireFormatLite::WriteInt64ToArray(v1::RoomEvent::kCommitIdFieldNumber,
                                           static_cast<int64_t>(entry.revision), out);
}

}  // namespace

std::string EncodeEvent(const v1::RoomCreated& created, const RoomLabels& labels) {
  v1::RoomEvent event = NewEvent(kRoomCreatedType, created.room_id(), labels);
  *event.mutable_room_created() = created;
  return Encode(event);
}

std::string EncodeEvent(const v1::RoomUpgraded& upgraded, const RoomLabels& labels) {
  v1::RoomEvent event = NewEvent(kRoomUpgradedType, upgraded.old_room_id(), labels);
  *event.mutable_room_upgraded() = upgraded;
  return Encode(event);
}

std::string EncodeEvent(const v1::RoomUpgradeFailed& failed, const RoomLabels& labels) {
  v1::RoomEvent event = NewEvent(kRoomUpgradeFailedType, failed.room_id(), labels);
  *event.mutable_room_upgrade_failed() = failed;
  return Encode(event);
}

std::string EncodeEvent(const v1::RoomMemberChanged& changed, const RoomLabels& labels) {
  v1::RoomEvent event = NewEvent(kRoomMemberChangedType, changed.room_id(), labels);
  *event.mutable_room_member_changed() = changed;
  return Encode(event);
}

std::string EncodeEvent(const v1::RoomInvitePending& pending, const RoomLabels& labels) {
  v1::RoomEvent event = NewEvent(kRoomInvitePendingType, pending.room_id(), labels);
  *event.mutable_room_invite_pending() = pending;
  return Encode(event);
}

std::string EncodeEvent(const v1::RoomStateChanged& changed, const RoomLabels& labels) {
  v1::RoomEvent event = NewEvent(kRoomStateChangedType, changed.room_id(), labels);
  *event.mutable_room_state_changed() = changed;
  return Encode(event);
}

std::string EncodeEvent(const v1::RoomEventSent& sent, const RoomLabels& labels) {
  v1::RoomEvent event = NewEvent(kRoomEventSentType, sent.room_id(), labels);
  *event.mutable_room_event_sent() = sent;
  return Encode(event);
}

std::string EncodeEvent(const v1::RoomEventRedacted& redacted, const RoomLabels& labels) {
  v1::RoomEvent event = NewEvent(kRoomEventRedactedType, redacted.room_id(), labels);
  *event.mutable_room_event_redacted() = redacted;
  return Encode(event);
}

std::string EncodeEvent(const v1::RoomUpgradeProgress& progress, const RoomLabels& labels) {
  v1::RoomEvent event = NewEvent(kRoomUpgradeProgressType, progress.room_id(), labels);
  *event.mutable_room_upgrade_progress() = progress;
  return Encode(event);
}

std::string EncodeEvent(const v1::RoomImported& imported, const RoomLabels& labels) {
  v1::RoomEvent event = NewEvent(kRoomImportedType, imported.room_id(), labels);
  *event.mutable_room_imported() = imported;
  return Encode(event);
}

std::string EncodeEvent(const v1::RoomDeleted& deleted, const RoomLabels& labels) {
  v1::RoomEvent event = NewEvent(kRoomDeletedType, deleted.room_id(), labels);
  *event.mutable_room_deleted() = deleted;
  return Encode(event);
}

std::string EncodeEvent(const v1::ApprovalRequested& requested, const RoomLabels& labels) {
  v1::RoomEvent event = NewEvent(kApprovalRequestedType, requested.approval().room_id(), labels);
  *event.mutable_approval_requested() = requested;
  return Encode(event);
}

std::string EncodeEvent(const v1::ApprovalDecided& decided, const RoomLabels& labels) {
  v1::RoomEvent event = NewEvent(kApprovalDecidedType, decided.approval().room_id(), labels);
  *event.mutable_approval_decided() = decided;
  return Encode(event);
}

std::string EncodeEvent(const v1::ServiceEscalation& escalation) {
  v1::RoomEvent event = NewEvent(kServiceEscalationType, "", {});
  *event.mutable_service_escalation() = escalation;
  return Encode(event);
}

absl::StatusOr<v1::RoomEvent> DecodeEvent(const storage::LogEntryView& entry) {
  v1::RoomEvent event;
  if (!HasKnownVersion(entry) ||
      !event.ParseFromArray(entry.payload.data() + 1, static_cast<int>(entry.payload.size()) - 1)) {
    return DamagedEventError(entry.position);
  }
  event.set_sequence(static_cast<int64_t>(entry.position));
  event.set_commit_id(static_cast<int64_t>(entry.revision));
  SetTimestamp(absl::ToUnixMicros(entry.commit_time), event.mutable_commit_time());
  return event;
}

std::optional<SerializedEvent> SerializedEvent::Of(const storage::LogEntryView& entry) {
  if (!HasKnownVersion(entry)) return std::nullopt;
  SerializedEvent event;
  event.logged_ = entry.payload.substr(1);
  auto* const begin = reinterpret_cast<uint8_t*>(event.place_.data());
  event.place_size_ = static_cast<size_t>(WritePlace(entry, begin) - begin);
  return event;
}

absl::string_view SerializedEvent::type() const {
  using google::protobuf::internal::WireFormatLite;
  // The first field, and all types are shorter than what takes a second byte of length.
  constexpr uint32_t kTag = WireFormatLite::MakeTag(v1::RoomEvent::kTypeFieldNumber,
                                                    WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
  if (logged_.size() < 2 || static_cast<uint8_t>(logged_[0]) != kTag) return "";
  const auto size = static_cast<uint8_t>(logged_[1]);
  if (size > 127 || logged_.size() < 2 + size_t{size}) return "";
  return logged_.substr(2, size);
}

absl::Status DamagedEventError(storage::LogPosition position) {
  return absl::DataLossError(absl::StrCat("damaged log entry at position ", position));
}

}  // namespace innkeeper
