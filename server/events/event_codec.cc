#include "server/events/event_codec.h"

#include <glog/logging.h>
#include <google/protobuf/io/coded_stream.h>
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

bool HasKnownVersion(const storage::LogEntry& entry) {
  return !entry.payload.empty() && entry.payload[0] == kPayloadVersion;
}

absl::Status DamagedError(const storage::LogEntry& entry) {
  return absl::DataLossError(absl::StrCat("damaged log entry at position ", entry.position));
}

// What an entry's place in the log adds to its event takes at most this: four numbers of ten
// bytes, three tags, and the header of the commit time.
constexpr size_t kMaxPlaceBytes = 48;

// Writes that, serialised, and returns the end of it.
uint8_t* WritePlace(const storage::LogEntry& entry, uint8_t* out) {
  using google::protobuf::internal::WireFormatLite;
  using google::protobuf::io::CodedOutputStream;
  google::protobuf::Timestamp time;
  SetTimestamp(absl::ToUnixMicros(entry.commit_time), &time);
  out = WireFormatLite::WriteTagToArray(v1::RoomEvent::kCommitTimeFieldNumber,
                                        WireFormatLite::WIRETYPE_LENGTH_DELIMITED, out);
  out = CodedOutputStream::WriteVarint32ToArray(static_cast<uint32_t>(time.ByteSizeLong()), out);
  out = time.SerializeWithCachedSizesToArray(out);
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

absl::StatusOr<v1::RoomEvent> DecodeEvent(const storage::LogEntry& entry) {
  v1::RoomEvent event;
  if (!HasKnownVersion(entry) ||
      !event.ParseFromArray(entry.payload.data() + 1, static_cast<int>(entry.payload.size()) - 1)) {
    return DamagedError(entry);
  }
  event.set_sequence(static_cast<int64_t>(entry.position));
  event.set_commit_id(static_cast<int64_t>(entry.revision));
  SetTimestamp(absl::ToUnixMicros(entry.commit_time), event.mutable_commit_time());
  return event;
}

absl::StatusOr<std::string> SerializeEvent(const storage::LogEntry& entry) {
  if (!HasKnownVersion(entry)) return DamagedError(entry);
  uint8_t place[kMaxPlaceBytes];
  const uint8_t* const end = WritePlace(entry, place);
  std::string bytes;
  bytes.reserve(entry.payload.size() - 1 + static_cast<size_t>(end - place));
  bytes.append(entry.payload, 1);
  bytes.append(reinterpret_cast<const char*>(place), static_cast<size_t>(end - place));
  return bytes;
}

}  // namespace innkeeper
