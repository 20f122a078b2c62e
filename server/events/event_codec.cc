#include "server/events/event_codec.h"

#include <glog/logging.h>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/values/timestamp.h"

namespace innkeeper {
namespace {

constexpr char kPayloadVersion = 1;

std::string Encode(const v1::RoomEvent& event) {
  std::string payload(1, kPayloadVersion);
  CHECK(event.AppendToString(&payload));
  return payload;
}

}  // namespace

std::string EncodeEvent(const v1::RoomCreated& created) {
  v1::RoomEvent event;
  event.set_type(kRoomCreatedType);
  event.set_room_id(created.room_id());
  *event.mutable_room_created() = created;
  return Encode(event);
}

std::string EncodeEvent(const v1::RoomUpgraded& upgraded) {
  v1::RoomEvent event;
  event.set_type(kRoomUpgradedType);
  event.set_room_id(upgraded.old_room_id());
  *event.mutable_room_upgraded() = upgraded;
  return Encode(event);
}

std::string EncodeEvent(const v1::RoomUpgradeFailed& failed) {
  v1::RoomEvent event;
  event.set_type(kRoomUpgradeFailedType);
  event.set_room_id(failed.room_id());
  *event.mutable_room_upgrade_failed() = failed;
  return Encode(event);
}

absl::StatusOr<v1::RoomEvent> DecodeEvent(const storage::LogEntry& entry) {
  v1::RoomEvent event;
  if (entry.payload.empty() || entry.payload[0] != kPayloadVersion ||
      !event.ParseFromArray(entry.payload.data() + 1, static_cast<int>(entry.payload.size()) - 1)) {
    return absl::DataLossError(absl::StrCat("damaged log entry at position ", entry.position));
  }
  event.set_sequence(static_cast<int64_t>(entry.position));
  event.set_commit_id(static_cast<int64_t>(entry.revision));
  SetTimestamp(absl::ToUnixMicros(entry.commit_time), event.mutable_commit_time());
  return event;
}

}  // namespace innkeeper
